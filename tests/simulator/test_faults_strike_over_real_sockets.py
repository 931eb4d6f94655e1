import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from support import corpus
from trajworker.simulator import Fault, ManualClock, Simulator, SimulatorSettings, read_script, serve
from trajworker.simulator.faults import (
    Answer,
    CutBody,
    DropCursor,
    Duplicate,
    EmptyPage,
    ExpireCursor,
    RepeatCursor,
    Reset,
    Slow,
    Stall,
    Truncate,
)

PRODUCER = "rest_lifecycle"
QUERY = "/v2/runs/query"
AFTER_S = 1_795_305_600.0
"""The day after the recordings: v2 shows nothing that starts later than now."""


def ids() -> list[str]:
    runs = sorted(corpus.runs(PRODUCER), key=lambda run: (run["start_time"], run["id"]), reverse=True)
    return [run["id"] for run in runs]


@asynccontextmanager
async def struck(*faults: Fault) -> AsyncIterator[tuple[Simulator, httpx.AsyncClient]]:
    simulator = Simulator(SimulatorSettings(faults=faults), now_s=ManualClock(AFTER_S))
    simulator.load(corpus.CORPUS / PRODUCER)
    async with serve(simulator) as url, httpx.AsyncClient(base_url=url) as client:
        yield simulator, client


async def page(client: httpx.AsyncClient, cursor: str | None = None, size: int = 10) -> httpx.Response:
    body: dict[str, Any] = {
        "project_ids": [corpus.runs(PRODUCER)[0]["session_id"]],
        "min_start_time": "2020-01-01T00:00:00Z",
        "page_size": size,
        "cursor": cursor,
    }
    return await client.post("/api" + QUERY, json=body)


def shown(answer: httpx.Response) -> list[str]:
    return [row["id"] for row in answer.json()["items"]]


async def test_a_status_a_header_and_an_html_body_come_as_scripted_and_then_it_is_over() -> None:
    fault = Fault(
        effect=Answer(status=502, body="<html>Bad Gateway</html>", headers={"Retry-After": "7"}), path=QUERY, times=1
    )
    async with struck(fault) as (simulator, client):
        bad, good = await page(client), await page(client)
    assert (bad.status_code, bad.text, bad.headers["retry-after"]) == (502, "<html>Bad Gateway</html>", "7")
    assert bad.headers["content-type"] == "text/html"
    assert "date" in bad.headers
    assert good.status_code == 200
    assert [(request.status, request.fault) for request in simulator.requests] == [(502, "Answer"), (200, None)]


async def test_a_reset_before_the_headers_is_a_read_error() -> None:
    async with struck(Fault(effect=Reset(), path=QUERY, times=1)) as (_, client):
        with pytest.raises(httpx.ReadError):
            await page(client)
        assert (await page(client)).status_code == 200


async def test_a_reset_in_the_body_comes_after_the_headers() -> None:
    async with struck(Fault(effect=Reset(when="mid_body"), method="GET", path="/sessions", times=1)) as (_, client):
        async with client.stream("GET", "/sessions") as answer:
            assert answer.status_code == 200
            with pytest.raises(httpx.ReadError):
                await answer.aread()
        assert (await client.get("/sessions")).status_code == 200


async def test_a_truncated_body_ends_before_its_announced_length() -> None:
    async with struck(Fault(effect=Truncate(share=0.5), path=QUERY, times=1)) as (_, client):
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            await page(client)
        assert (await page(client)).status_code == 200


async def test_a_cut_body_is_valid_http_and_broken_json() -> None:
    async with struck(Fault(effect=CutBody(share=0.7), path=QUERY, times=1)) as (_, client):
        answer = await page(client)
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            answer.json()


@pytest.mark.parametrize(
    "effect", [Slow(pieces=5, pause_s=0.05), Stall(seconds=0.2), Stall(seconds=0.2, when="mid_body")]
)
async def test_slow_and_stalled_answers_are_late_but_whole(effect: Slow | Stall) -> None:
    async with struck(Fault(effect=effect, path=QUERY)) as (_, client):
        began = time.monotonic()
        answer = await page(client)
        assert time.monotonic() - began >= 0.2
        assert shown(answer) == ids()[:10]


async def test_a_stall_longer_than_the_client_s_patience_times_out() -> None:
    async with struck(Fault(effect=Stall(seconds=30), path=QUERY, times=1)) as (_, client):
        client.timeout = httpx.Timeout(0.1)
        with pytest.raises(httpx.ReadTimeout):
            await page(client)


async def test_rows_of_the_page_before_come_again() -> None:
    async with struck(Fault(effect=Duplicate(rows=3), path=QUERY, nth=(2,))) as (_, client):
        first = await page(client)
        second = await page(client, first.json()["next_cursor"])
    assert shown(second) == ids()[7:20]


async def test_an_empty_page_keeps_the_place_under_another_cursor() -> None:
    async with struck(Fault(effect=EmptyPage(), path=QUERY, nth=(2,))) as (_, client):
        first = await page(client)
        empty = await page(client, first.json()["next_cursor"])
        third = await page(client, empty.json()["next_cursor"])
    assert shown(empty) == []
    assert empty.json()["next_cursor"] not in (None, first.json()["next_cursor"])
    assert shown(third) == ids()[10:20]


async def test_a_cursor_can_repeat_vanish_and_expire() -> None:
    async with struck(
        Fault(effect=RepeatCursor(), path=QUERY, nth=(2,)),
        Fault(effect=DropCursor(), path=QUERY, nth=(2,)),
        Fault(effect=ExpireCursor(), path=QUERY, nth=(2,)),
    ) as (simulator, client):
        cursor = (await page(client)).json()["next_cursor"]
        assert (await page(client, cursor)).json()["next_cursor"] == cursor
        assert (await page(client)).json()["next_cursor"] is None
        expired = await page(client, cursor)
        assert (expired.status_code, expired.json()) == (400, {"detail": "Invalid cursor"})
        assert simulator.faults.hits() == (1, 1, 1)


async def test_an_invented_cursor_is_refused() -> None:
    async with struck() as (_, client):
        assert (await page(client, "bm90IGEgY3Vyc29y")).status_code == 400


def strikes(seed: int) -> list[int]:
    simulator = Simulator(SimulatorSettings(faults=(Fault(effect=Answer(status=500), probability=0.3),), seed=seed))
    return [n for n in range(200) if simulator.faults.strike("GET", "/x", b"")]


def test_chance_is_the_same_for_the_same_seed() -> None:
    assert strikes(1) == strikes(1)
    assert strikes(1) != strikes(2)
    assert 30 < len(strikes(1)) < 90


def test_a_script_reads_from_json_and_names_the_place_of_a_mistake() -> None:
    text = b'[{"effect": {"type": "answer", "status": 503}, "path": "/v2/*", "nth": [1, 2]}]'
    assert read_script(text) == (Fault(effect=Answer(status=503), path="/v2/*", nth=(1, 2)),)
    with pytest.raises(ValueError, match=r"\$\[0\].effect"):
        read_script(b'[{"effect": {"type": "answer", "status": "x"}}]')
