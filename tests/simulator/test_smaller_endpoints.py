from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from support import corpus
from trajworker.simulator import Mode, Simulator, SimulatorSettings, serve

PRODUCER = "lg_graph"
RUNS = corpus.runs(PRODUCER)
PROJECT = str(RUNS[0]["session_id"])
ROOT = next(run for run in RUNS if run["parent_run_id"] is None and run["thread_id"])


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    simulator = Simulator()
    simulator.load(corpus.CORPUS / PRODUCER)
    async with serve(simulator) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def query(client: httpx.AsyncClient, **body: Any) -> set[str]:
    return {row["id"] for row in (await client.post("/runs/query", json=body)).json()["runs"]}


async def test_v1_narrows_by_parent_id_type_and_state(client: httpx.AsyncClient) -> None:
    children = {run["id"] for run in RUNS if run["parent_run_id"] == ROOT["id"]}
    assert await query(client, parent_run=ROOT["id"]) == children
    assert await query(client, id=[ROOT["id"]], run_type="tool", is_root=False) == {ROOT["id"]}
    assert await query(client, trace=ROOT["trace_id"], run_type="llm") == {
        run["id"] for run in RUNS if run["trace_id"] == ROOT["trace_id"] and run["run_type"] == "llm"
    }
    assert await query(client, session=[PROJECT], error=True) == {run["id"] for run in RUNS if run["error"] is not None}
    roots = {run["id"] for run in RUNS if run["parent_run_id"] is None}
    assert await query(client, session=[PROJECT], execution_order=1) == roots
    assert await query(client, session=[PROJECT], reference_example=["none"]) == set()
    assert await query(client, session=[PROJECT], query="nobody ever said this") == set()


async def test_child_run_ids_come_when_selected(client: httpx.AsyncClient) -> None:
    body = {"id": [ROOT["id"]], "select": ["child_run_ids", "inputs_or_signed_url", "manifest"]}
    row = (await client.post("/runs/query", json=body)).json()["runs"][0]
    below = [run for run in RUNS if ROOT["id"] in run["parent_run_ids"]]
    assert sorted(row["child_run_ids"]) == sorted(run["id"] for run in below)
    assert (row["inputs_or_signed_url"], row["manifest"]) == (ROOT["inputs"], None)


async def test_a_single_run_is_read_in_both_generations(client: httpx.AsyncClient) -> None:
    v1 = (await client.get(f"/runs/{ROOT['id']}")).json()
    assert (v1["name"], v1["outputs"], v1["thread_id"]) == (ROOT["name"], ROOT["outputs"], ROOT["thread_id"])
    selects = {"project_id": PROJECT, "selects": ["OUTPUTS", "APP_PATH", "ERROR_PREVIEW", "LATENCY_SECONDS"]}
    v2 = (await client.get(f"/v2/runs/{ROOT['id']}", params=selects)).json()
    assert (v2["outputs"], v2["app_path"], v2["error_preview"]) == (ROOT["outputs"], ROOT["app_path"], ROOT["error"])
    assert v2["latency_seconds"] > 0


async def test_what_is_not_there_is_404_in_the_words_of_its_generation(client: httpx.AsyncClient) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    v1 = await client.get(f"/runs/{nobody}")
    assert (v1.status_code, v1.json()) == (404, {"detail": "Run not found"})
    v2 = await client.get(f"/v2/runs/{nobody}", params={"project_id": PROJECT})
    assert (v2.status_code, v2.json()) == (404, {"error": "run not found: resource not found"})
    assert (await client.get(f"/sessions/{nobody}")).status_code == 404
    assert (await client.get("/_attachments/a/b")).status_code == 404
    assert (await client.get("/feedback/none")).status_code == 404
    assert (await client.get("/runs/query")).status_code == 405


@pytest.mark.parametrize("path", ["/datasets", "/repos", "/otel/v1/traces", "/feedback/tokens", "/v2/threads/t/share"])
async def test_what_is_not_simulated_says_so_and_is_no_404(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, json={})
    assert (answer.status_code, answer.headers["x-should-retry"]) == (501, "false")
    assert answer.json()["detail"].startswith(f"POST {path} is not simulated; this server knows runs, ")
    problem = answer.headers["content-type"] == "application/problem+json"
    assert problem is path.startswith("/v2/")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v2/runs/query", {"project_ids": [PROJECT], "run_type": "llm"}, 422),
        ("/v2/runs/query", {"project_ids": [PROJECT], "selects": ["NOTHING"]}, 422),
        ("/v2/runs/query", {"project_ids": [PROJECT], "min_start_time": "soon"}, 422),
        ("/v2/runs/query", {"project_ids": [PROJECT], "ai_search": "x"}, 406),
        ("/v2/traces/query", {}, 400),
        ("/v2/traces/query", {"project_id": "nobody"}, 404),
        ("/v2/traces/query", {"project_id": PROJECT, "page_size": 101}, 400),
        ("/v2/threads/query", {"project_id": PROJECT, "page_size": 101}, 400),
        ("/v2/threads/query", {"project_id": PROJECT, "thread_filter": "eq(count, 1)"}, 501),
        ("/runs/query", {"session": [PROJECT], "select": ["nothing"]}, 422),
        ("/runs/query", {"session": [PROJECT], "limit": 0}, 422),
        ("/runs/query", {"session": [PROJECT], "cursor": "invented"}, 400),
        ("/runs/query", {"session": [PROJECT], "start_time": "soon"}, 422),
    ],
)
async def test_bad_questions_are_refused(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], status: int
) -> None:
    answer = await client.post(path, json=body)
    assert answer.status_code == status
    assert answer.json()["detail"]


async def test_bad_parameters_are_refused(client: httpx.AsyncClient) -> None:
    one_bound = {"project_id": PROJECT, "min_start_time": "2026-01-01T00:00:00Z"}
    assert (await client.get(f"/v2/traces/{ROOT['trace_id']}/runs", params=one_bound)).status_code == 400
    many = {"project_id": PROJECT, "page_size": "many"}
    assert (await client.get(f"/v2/threads/{ROOT['thread_id']}/traces", params=many)).status_code == 422
    assert (await client.get("/sessions", params={"limit": 101})).status_code == 422
    assert (await client.get("/feedback", params={"limit": 101})).status_code == 422
    assert (await client.get("/feedback", params={"min_created_at": "soon"})).status_code == 422


async def test_stats_count_each_token_once(client: httpx.AsyncClient) -> None:
    stats = (await client.post("/runs/stats", json={"session": [PROJECT]})).json()
    calls = [run for run in RUNS if run["run_type"] == "llm"]
    assert stats["run_count"] == len(RUNS)
    assert stats["total_tokens"] == sum(run["total_tokens"] for run in calls)
    assert stats["error_rate"] == sum(run["error"] is not None for run in RUNS) / len(RUNS)


async def test_feedback_is_found_by_its_key_its_source_and_its_time(client: httpx.AsyncClient) -> None:
    for key, score, comment in (("a", 1, None), ("b", None, "why")):
        body = {"run_id": ROOT["id"], "key": key, "score": score, "comment": comment}
        created = await client.post("/feedback", json=body | {"feedback_source": {"type": "app"}})
        assert created.json()["session_id"] == PROJECT
    assert (await client.post("/feedback", json={"run_id": ROOT["id"]})).status_code == 422

    async def keys(**params: str) -> list[str]:
        return [row["key"] for row in (await client.get("/api/v1/feedback", params=params)).json()]

    assert await keys(run=ROOT["id"]) == ["a", "b"]
    assert await keys(key="b", session=PROJECT) == ["b"]
    assert await keys(has_score="true") == ["a"]
    assert await keys(has_comment="true") == ["b"]
    assert await keys(source="api") == []
    assert await keys(min_created_at="2100-01-01T00:00:00Z") == []
    assert await keys(limit="1", offset="1") == ["b"]


async def test_a_project_is_made_once(client: httpx.AsyncClient) -> None:
    made = await client.post("/sessions", json={"name": "new", "description": "d"})
    assert (await client.get("/sessions", params={"name": "new"})).json()[0]["id"] == made.json()["id"]
    assert (await client.post("/sessions", json={"name": "new"})).status_code == 409
    named = (await client.get("/sessions", params={"name_contains": "NEW", "sort_by_desc": "false"})).json()
    assert [row["name"] for row in named] == ["new"]


async def test_several_projects_are_merged_by_time() -> None:
    simulator = Simulator()
    simulator.load(corpus.CORPUS)
    projects = [str(corpus.runs(name)[0]["session_id"]) for name in ("lg_graph", "rest_lifecycle", "js_langsmith")]
    async with serve(simulator) as url, httpx.AsyncClient(base_url=url) as client:
        body = {
            "project_ids": projects,
            "min_start_time": "2020-01-01T00:00:00Z",
            "max_start_time": "2027-01-01T00:00:00Z",
            "page_size": 1000,
            "selects": ["START_TIME", "PROJECT_ID"],
        }
        rows = (await client.post("/v2/runs/query", json=body)).json()["items"]
    assert {row["project_id"] for row in rows} == set(projects)
    starts = [row["start_time"] for row in rows]
    assert starts == sorted(starts, reverse=True)


async def test_requests_are_kept_and_counted() -> None:
    simulator = Simulator(SimulatorSettings(mode=Mode.V1, v2_refusal_status=501, latency_ms=1))
    async with serve(simulator) as url, httpx.AsyncClient(base_url=url) as client:
        refused = await client.post("/api/v2/runs/query", json={"project_ids": ["p"]})
        await client.get("/api/v1/runs/00000000-0000-4000-8000-000000000000?x=1")
    assert refused.status_code == 501
    assert simulator.requests.counts() == {"GET /runs/{id}": 1, "POST /v2/runs/query": 1}
    assert len(simulator.requests) == 2
    first, last = simulator.requests
    assert (first.json(), first.status, first.raw_path) == ({"project_ids": ["p"]}, 501, "/api/v2/runs/query")
    assert (last.json(), last.query, last.status) == (None, "x=1", 404)
    assert simulator.requests[0] is first
    simulator.requests.clear()
    assert (len(simulator.requests), simulator.requests.count("GET", "/runs/{id}")) == (0, 0)
