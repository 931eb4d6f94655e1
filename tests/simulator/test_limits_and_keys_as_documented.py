from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from trajworker.simulator import ManualClock, Simulator, SimulatorSettings, serve

NOW_S = 1_790_000_000.0
TENANT = SimulatorSettings().tenant_id
SCOPE = {"session": ["p"], "start_time": "2026-09-20T00:00:00", "end_time": "2026-09-21T00:00:00"}


@asynccontextmanager
async def limited(clock: ManualClock, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    simulator = Simulator(SimulatorSettings(**{"rate_scale": 1.0} | options), now_s=clock)
    async with serve(simulator) as url, httpx.AsyncClient(base_url=url, headers={"x-api-key": "k"}) as client:
        yield client


async def passed(client: httpx.AsyncClient, path: str, body: dict[str, Any], tries: int) -> int:
    statuses = [(await client.post(path, json=body)).status_code for _ in range(tries)]
    return sum(status != 429 for status in statuses)


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({}, 10),
        ({"start_time": "2026-01-01T00:00:00"}, 3),
        ({"start_time": None}, 3),
        ({"search_filter": 'search("x")'}, 3),
        ({"search_filter": 'search("x")', "start_time": None}, 1),
        ({"select": ["child_run_ids"]}, 3),
    ],
)
async def test_v1_queries_are_limited_by_the_width_of_their_window(change: dict[str, Any], allowed: int) -> None:
    clock = ManualClock(NOW_S)
    async with limited(clock) as client:
        assert await passed(client, "/runs/query", SCOPE | change, 16) == allowed
        clock.advance(10)
        assert await passed(client, "/runs/query", SCOPE | change, 1) == 1


async def test_v2_queries_may_come_thirty_a_second_and_the_factor_scales_it() -> None:
    clock = ManualClock(NOW_S)
    async with limited(clock, rate_scale=0.1) as client:
        assert await passed(client, "/api/v2/runs/query", {"project_ids": ["p"]}, 40) == 30


async def test_ten_projects_may_be_deleted_in_a_minute() -> None:
    clock = ManualClock(NOW_S)
    async with limited(clock) as client:
        made = [(await client.post("/sessions", json={"name": f"p{number}"})).json()["id"] for number in range(11)]
        answers = [(await client.delete(f"/sessions/{project_id}")).status_code for project_id in made]
        assert answers == [200] * 10 + [429]
        clock.advance(60)
        assert (await client.delete(f"/sessions/{made[10]}")).status_code == 200


async def test_429_has_no_retry_after_unless_asked_for() -> None:
    for options, expected in (({}, None), ({"send_retry_after": True}, "10")):
        async with limited(ManualClock(NOW_S), **options) as client:
            await client.post("/runs/stats", json=SCOPE)
            refused = await client.post("/runs/stats", json=SCOPE)
            assert (refused.status_code, refused.headers.get("retry-after")) == (429, expected)


async def test_keys_are_counted_apart() -> None:
    async with limited(ManualClock(NOW_S)) as client:
        await client.post("/runs/stats", json=SCOPE)
        other = await client.post("/runs/stats", json=SCOPE, headers={"x-api-key": "another"})
        assert other.status_code == 200


async def test_a_missing_or_wrong_key_is_401_and_info_is_open() -> None:
    settings = SimulatorSettings(api_keys=("good",))
    async with serve(Simulator(settings)) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/info")).status_code == 200
        assert (await client.get("/sessions")).json() == {"detail": "Invalid token"}
        assert (await client.get("/sessions", headers={"x-api-key": "bad"})).status_code == 401
        assert (await client.get("/sessions", headers={"x-api-key": "good"})).status_code == 200
        assert (await client.get("/settings", headers={"authorization": "Bearer good"})).json()["id"] == TENANT
        problem = await client.post("/api/v2/runs/query", json={})
        assert (problem.status_code, problem.headers["content-type"]) == (401, "application/problem+json")


async def test_an_organisation_key_must_name_its_workspace() -> None:
    settings = SimulatorSettings(org_scoped_keys=("org",))
    headers = {"x-api-key": "org"}
    async with serve(Simulator(settings)) as url, httpx.AsyncClient(base_url=url, headers=headers) as client:
        refused = await client.get("/sessions")
        assert (refused.status_code, refused.json()) == (403, {"error": "org_scoped_key_requires_workspace"})
        assert (await client.get("/sessions", headers={"x-tenant-id": TENANT})).status_code == 200
        assert (await client.get("/sessions", headers={"x-tenant-id": "other"})).status_code == 403


async def test_a_body_over_the_limit_is_an_html_413() -> None:
    settings = SimulatorSettings(max_body_bytes=100)
    async with serve(Simulator(settings)) as url, httpx.AsyncClient(base_url=url) as client:
        refused = await client.post("/runs", content=b"x" * 101)
    assert (refused.status_code, refused.headers["content-type"]) == (413, "text/html; charset=utf-8")
