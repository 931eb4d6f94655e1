from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from support import corpus
from trajworker.simulator import ManualClock, Mode, Simulator, SimulatorSettings, serve

PRODUCER = "rest_lifecycle"
SINCE = "2020-01-01T00:00:00Z"
AFTER_S = 1_795_305_600.0
"""The day after the recordings: v2 shows nothing that starts later than now."""


@pytest.fixture
async def simulator() -> Simulator:
    simulator = Simulator(now_s=ManualClock(AFTER_S))
    simulator.load(corpus.CORPUS / PRODUCER)
    return simulator


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    async with serve(simulator) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


@pytest.fixture
def project() -> str:
    return str(corpus.runs(PRODUCER)[0]["session_id"])


async def v1_pages(client: httpx.AsyncClient, body: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        answer = (await client.post("/api/v1/runs/query", json=body | {"cursor": cursor})).json()
        rows += answer["runs"]
        cursor = answer["cursors"]["next"]
        if not cursor:
            return rows


async def v2_pages(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        answer = (await client.post(path, json=body | {"cursor": cursor})).json()
        rows += answer["items"]
        cursor = answer["next_cursor"]
        if not cursor:
            return rows


async def test_v1_pages_give_every_recorded_run_once_and_unchanged(client: httpx.AsyncClient, project: str) -> None:
    recorded = {run["id"]: run for run in corpus.runs(PRODUCER)}
    select = sorted(next(iter(recorded.values())).keys() - {"trace_min_start_time", "trace_max_start_time"})
    select.remove("direct_child_run_ids")
    select.remove("execution_order")
    select.remove("child_run_ids")
    rows = await v1_pages(client, {"session": [project], "limit": 7, "select": select})
    assert len(rows) == len(recorded)
    for row in rows:
        assert row == {key: recorded[row["id"]][key] for key in select}


async def test_v1_orders_newest_first_and_oldest_first_on_demand(client: httpx.AsyncClient, project: str) -> None:
    newest = await v1_pages(client, {"session": [project], "limit": 9, "select": ["start_time"]})
    oldest = await v1_pages(client, {"session": [project], "limit": 9, "order": "asc", "select": ["start_time"]})
    starts = [row["start_time"] for row in newest]
    assert starts == sorted(starts, reverse=True)
    assert [row["id"] for row in oldest] == [row["id"] for row in reversed(newest)]


async def test_v1_refuses_a_limit_over_100_and_a_missing_scope(client: httpx.AsyncClient, project: str) -> None:
    refused = await client.post("/runs/query", json={"session": [project], "limit": 101})
    assert (refused.status_code, refused.json()) == (
        400,
        {"detail": "Limit exceeds maximum allowed value of 100"},
    )
    scopeless = await client.post("/runs/query", json={"limit": 10})
    assert scopeless.status_code == 400
    assert scopeless.json()["detail"].startswith("At least one of 'session'")
    wrong = await client.post("/runs/query", json={"session": [project], "limit": "ten"})
    assert wrong.status_code == 422
    assert wrong.json()["detail"][0]["loc"] == ["body", "limit"]


async def test_v1_gives_a_whole_trace_whatever_the_limit(client: httpx.AsyncClient) -> None:
    trace = corpus.runs(PRODUCER)[0]["trace_id"]
    size = sum(run["trace_id"] == trace for run in corpus.runs(PRODUCER))
    answer = (await client.post("/runs/query", json={"trace": trace, "limit": 1})).json()
    assert size > 1
    assert len(answer["runs"]) == size
    assert answer["cursors"]["next"] is None


async def test_v1_end_time_bounds_ends_not_starts(client: httpx.AsyncClient, project: str) -> None:
    ends = sorted(run["end_time"] for run in corpus.runs(PRODUCER) if run["end_time"])
    middle = ends[len(ends) // 2]
    rows = await v1_pages(client, {"session": [project], "end_time": middle, "select": ["end_time"]})
    assert rows
    assert {row["end_time"] for row in rows} == {end for end in ends if end < middle}


async def test_v2_selects_only_the_id_and_looks_back_one_day_unless_told(
    client: httpx.AsyncClient, simulator: Simulator, project: str
) -> None:
    rows = await v2_pages(
        client, "/api/v2/runs/query", {"project_ids": [project], "min_start_time": SINCE, "page_size": 4}
    )
    assert len(rows) == len(corpus.runs(PRODUCER))
    assert all(row.keys() == {"id"} for row in rows)
    simulator.add_runs("old", [corpus.runs(PRODUCER)[0] | {"session_id": None, "start_time": "2020-02-02T00:00:00"}])
    old = next(row for row in (await client.get("/sessions")).json() if row["name"] == "old")
    answer = await client.post("/v2/runs/query", json={"project_ids": [old["id"]]})
    assert answer.json() == {"items": [], "next_cursor": None}


async def test_v2_speaks_upper_case_zoned_times_and_wrapped_details() -> None:
    run = next(run for run in corpus.runs("wrap_openai_chat") if run["run_type"] == "llm" and run["total_tokens"])
    simulator = Simulator(now_s=ManualClock(AFTER_S))
    simulator.add_runs("p", [run])
    selects = ["RUN_TYPE", "STATUS", "START_TIME", "PROMPT_TOKEN_DETAILS", "TOTAL_COST", "PARENT_RUN_IDS", "PROJECT_ID"]
    async with serve(simulator) as url, httpx.AsyncClient(base_url=url) as own:
        body = {"project_ids": [run["session_id"]], "min_start_time": SINCE, "selects": selects}
        row = (await own.post("/v2/runs/query", json=body)).json()["items"][0]
    assert row == {
        "run_type": run["run_type"].upper(),
        "status": run["status"].upper(),
        "start_time": run["start_time"] + "Z",
        "prompt_token_details": {"raw": run["prompt_token_details"]},
        "total_cost": None,
        "parent_run_ids": run["parent_run_ids"],
        "project_id": run["session_id"],
    }


@pytest.mark.parametrize("size", [0, 1001])
async def test_v2_refuses_a_page_size_out_of_bounds_with_a_problem(
    client: httpx.AsyncClient, project: str, size: int
) -> None:
    answer = await client.post("/v2/runs/query", json={"project_ids": [project], "page_size": size})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "page_size must be between 1 and 1000"


async def test_v2_wants_exactly_one_scope(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v2/runs/query", json={})).status_code == 400


async def test_parents_carry_subtree_tokens_in_v2_only_on_demand(client: httpx.AsyncClient, project: str) -> None:
    root = next(run for run in corpus.runs(PRODUCER) if run["parent_run_id"] is None and run["total_tokens"])
    body = {"project_ids": [project], "ids": [root["id"]], "min_start_time": SINCE, "selects": ["TOTAL_TOKENS"]}
    own = (await client.post("/v2/runs/query", json=body)).json()["items"]
    subtree = (await client.post("/v2/runs/query", json=body | {"include_subtree_usage": True})).json()["items"]
    assert (own[0]["total_tokens"], subtree[0]["total_tokens"]) == (0, root["total_tokens"])


async def test_a_trace_is_read_oldest_first_and_unpaged(client: httpx.AsyncClient, project: str) -> None:
    trace = corpus.runs(PRODUCER)[0]["trace_id"]
    answer = await client.get(
        f"/api/v2/traces/{trace}/runs", params={"project_id": project, "selects": ["ID", "START_TIME"]}
    )
    starts = [row["start_time"] for row in answer.json()["items"]]
    assert starts == sorted(starts)
    assert len(starts) == sum(run["trace_id"] == trace for run in corpus.runs(PRODUCER))
    assert "next_cursor" not in answer.json()


async def test_threads_are_listed_once_with_their_turns(client: httpx.AsyncClient, project: str) -> None:
    roots: dict[str, list[str]] = {}
    for run in corpus.runs(PRODUCER):
        if run["parent_run_id"] is None and run["thread_id"]:
            roots.setdefault(run["thread_id"], []).append(run["start_time"])
    body = {"project_id": project, "min_start_time": SINCE, "page_size": 3}
    threads = await v2_pages(client, "/api/v2/threads/query", body)
    assert {thread["thread_id"]: thread["count"] for thread in threads} == {
        thread: len(starts) for thread, starts in roots.items()
    }
    longest = max(roots, key=lambda thread: len(roots[thread]))
    answer = await client.get(
        f"/v2/threads/{longest}/traces",
        params={"project_id": project, "selects": ["TURN_NUMBER", "START_TIME"], "page_size": 100},
    )
    turns = answer.json()["items"]
    assert [turn["turn_number"] for turn in turns] == list(range(1, len(roots[longest]) + 1))
    assert [turn["start_time"] for turn in turns] == sorted(start + "Z" for start in roots[longest])


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"])
async def test_v1_answers_under_every_prefix_with_a_date(client: httpx.AsyncClient, prefix: str) -> None:
    answer = await client.get(f"{prefix}/info")
    assert answer.status_code == 200
    assert "date" in answer.headers


async def test_in_mode_v2_the_v1_reads_answer_501(project: str) -> None:
    async with (
        serve(Simulator(SimulatorSettings(mode=Mode.V2))) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        assert (await client.post("/runs/query", json={"session": [project]})).status_code == 501
        assert (await client.get(f"/api/v1/runs/{project}")).status_code == 501
        assert (await client.get("/info")).json()["instance_flags"]["ch_query_enabled"] is False
        assert (await client.get("/sessions")).status_code == 200


async def test_in_mode_v1_the_v2_reads_answer_404_as_a_problem(project: str) -> None:
    async with (
        serve(Simulator(SimulatorSettings(mode=Mode.V1))) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        answer = await client.post("/api/v2/runs/query", json={"project_ids": [project]})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await client.get("/info")).json()["instance_flags"]["sdb_query_enabled"] is False


async def test_projects_are_found_by_name_and_an_unknown_one_is_an_empty_list(client: httpx.AsyncClient) -> None:
    found = (await client.get("/sessions", params={"name": f"corpus-{PRODUCER}", "limit": 1})).json()
    assert [row["name"] for row in found] == [f"corpus-{PRODUCER}"]
    assert (await client.get("/sessions", params={"name": "nobody"})).json() == []
    assert (await client.get(f"/sessions/{found[0]['id']}")).json()["run_count"] == len(corpus.runs(PRODUCER))


async def test_an_attachment_is_served_where_the_run_says() -> None:
    simulator = Simulator(now_s=ManualClock(AFTER_S))
    simulator.load(corpus.CORPUS / "traceable_plain")
    run = next(run for run in corpus.runs("traceable_plain") if run["s3_urls"])
    async with serve(simulator) as url, httpx.AsyncClient(base_url=url) as own:
        body = {
            "project_ids": [run["session_id"]],
            "ids": [run["id"]],
            "min_start_time": SINCE,
            "selects": ["ATTACHMENTS"],
        }
        row = (await own.post("/v2/runs/query", json=body)).json()["items"][0]
        image = await own.get(row["attachments"]["square"])
    assert image.headers["content-type"] == "image/png"
    assert image.content.startswith(b"\x89PNG")
