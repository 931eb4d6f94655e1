import json
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from support import corpus, recorded
from support.source_bench import NO_LIMITS
from trajworker.model.run import Run, RunStatus
from trajworker.ports import Slice
from trajworker.simulator import Simulator, SimulatorSettings, serve
from trajworker.sources.asking.api_key import ApiKey
from trajworker.sources.asking.settings import LangSmithSettings
from trajworker.sources.langsmith import LangSmithSource

START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 6, 1, tzinfo=UTC)


def source(url: str, api: str, **settings: Any) -> LangSmithSource:
    return LangSmithSource(
        LangSmithSettings(endpoint=url, api=api, api_key=ApiKey("k"), limits=NO_LIMITS, **settings)  # type: ignore[arg-type]
    )


async def all_runs(source: LangSmithSource, project_id: str) -> dict[str, Run]:
    runs: dict[str, Run] = {}
    cursor: str | None = None
    while True:
        page = await source.page(Slice(project_id=project_id, start=START, end=END, cursor=cursor))
        assert not page.unreadable
        runs |= {run.id: run for run in page.runs}
        cursor = page.next_cursor
        if cursor is None:
            return runs


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def ended(told: dict[str, Any]) -> datetime | None:
    """Producers that tell ends in milliseconds let short runs end before they start."""
    start, end = moment(told["start_time"]), moment(told["end_time"])
    assert start is not None
    return end and max(start, end)


def compare(run: Run, told: dict[str, Any]) -> None:
    assert run.id == told["id"]
    assert run.trace_id == told["trace_id"]
    assert run.project_id == told["session_id"]
    assert run.name == told["name"]
    assert run.run_type == told["run_type"]
    assert run.status is RunStatus(told["status"])
    assert run.start_time == moment(told["start_time"])
    assert run.start_time.tzinfo is UTC
    assert run.end_time == ended(told)
    assert run.dotted_order == told["dotted_order"]
    assert run.parent_run_id == told["parent_run_id"]
    assert run.thread_id == told["thread_id"]
    assert run.error == told["error"]
    assert run.tags == tuple(told["tags"] or ())
    assert json.loads(bytes(run.inputs)) == told["inputs"]
    assert json.loads(bytes(run.outputs)) == told["outputs"]
    assert json.loads(bytes(run.extra))["metadata"].items() >= (told["extra"] or {}).get("metadata", {}).items()
    assert run.reference_example_id == told["reference_example_id"]
    assert run.flags == ()


@pytest.mark.parametrize("api", ["v1", "v2"])
async def test_every_recorded_run_arrives_field_by_field(api: str) -> None:
    told = {run["id"]: run for producer in corpus.producers() for run in corpus.runs(producer)}
    simulator = Simulator(SimulatorSettings())
    simulator.load(corpus.CORPUS)
    async with serve(simulator) as url, source(url, api, run_types=()) as langsmith:
        runs: dict[str, Run] = {}
        for project in await langsmith.find_projects(["corpus-*"]):
            runs |= await all_runs(langsmith, project.id)
    assert runs.keys() == told.keys()
    for run_id, run in runs.items():
        compare(run, told[run_id])
        if api == "v1" or run.run_type == "llm":
            assert run.total_tokens == told[run_id]["total_tokens"]


@pytest.mark.parametrize("api", ["v1", "v2"])
async def test_only_roots_and_needed_types_are_asked_for(api: str) -> None:
    simulator = Simulator(SimulatorSettings())
    simulator.load(corpus.CORPUS / "lg_graph")
    wanted = {
        run["id"]
        for run in corpus.runs("lg_graph")
        if run["id"] == run["trace_id"] or run["run_type"] in ("llm", "tool", "retriever")
    }
    async with serve(simulator) as url, source(url, api) as langsmith:
        (project,) = await langsmith.find_projects(["corpus-lg_graph"])
        assert (await all_runs(langsmith, project.id)).keys() == wanted


@pytest.mark.parametrize("api", ["v1", "v2"])
async def test_runs_are_found_by_id_and_unknown_ones_are_absent(api: str) -> None:
    simulator = Simulator(SimulatorSettings())
    simulator.load(recorded.FOLDER / "lc_modern")
    told = {run["id"]: run for run in recorded.runs("lc_modern")}
    missing = "00000000-0000-4000-8000-000000000000"
    async with serve(simulator) as url, source(url, api) as langsmith:
        (project,) = await langsmith.find_projects(["corpus-lc_modern"])
        page = await langsmith.runs_by_id(project.id, [*told, missing])
        assert {run.id for run in page.runs} == told.keys()
        assert not page.unreadable


@pytest.mark.parametrize("api", ["v1", "v2"])
async def test_a_conversation_and_its_traces_are_found_whenever_they_were(api: str) -> None:
    simulator = Simulator(SimulatorSettings())
    simulator.load(corpus.CORPUS / "lc_create_agent")
    told = corpus.runs("lc_create_agent")
    thread_id = next(run["thread_id"] for run in told if run["thread_id"])
    traces = [run["id"] for run in told if run["id"] == run["trace_id"] and run["thread_id"] == thread_id]
    needed = ("llm", "tool", "retriever")
    expected = {
        run["id"] for run in told if run["trace_id"] in traces and (run["id"] in traces or run["run_type"] in needed)
    }
    async with serve(simulator) as url, source(url, api) as langsmith:
        (project,) = await langsmith.find_projects(["corpus-lc_create_agent"])
        found = {run.id async for page in langsmith.trace_runs(project.id, traces) for run in page.runs}
        assert found == expected
        of_thread = {run.trace_id async for page in langsmith.thread(project.id, thread_id) for run in page.runs}
        assert of_thread == set(traces)
        roots = await langsmith.roots(Slice(project_id=project.id, start=START, end=END))
        assert {run.id for run in roots.runs} == {run["id"] for run in told if run["id"] == run["trace_id"]}
        assert all(bytes(run.inputs) == b"null" for run in roots.runs)
        assert thread_id in {run.thread_id for run in roots.runs}


async def test_quotes_in_a_thread_id_stay_within_the_filter() -> None:
    simulator = Simulator(SimulatorSettings())
    simulator.load(corpus.CORPUS / "lc_create_agent")
    async with serve(simulator) as url, source(url, "v2") as langsmith:
        (project,) = await langsmith.find_projects(["corpus-lc_create_agent"])
        hostile = 'x"), eq(is_root, true), eq(name, "\\'
        assert [run async for page in langsmith.thread(project.id, hostile) for run in page.runs] == []


@pytest.mark.parametrize(("mode", "refusal"), [("v1", 404), ("v1", 501), ("v2", 501)])
async def test_the_generation_the_server_speaks_is_found(mode: str, refusal: int) -> None:
    simulator = Simulator(SimulatorSettings(mode=mode, v2_refusal_status=refusal))  # type: ignore[arg-type]
    simulator.load(corpus.CORPUS / "traceable_plain")
    async with serve(simulator) as url, source(url, "auto") as langsmith:
        (project,) = await langsmith.find_projects(["corpus-traceable_plain"])
        assert await all_runs(langsmith, project.id)


async def test_a_project_is_found_by_name_id_and_pattern_and_a_typo_gets_near_names() -> None:
    simulator = Simulator(SimulatorSettings())
    for producer in ("lc_anthropic", "lc_create_agent", "lg_graph"):
        simulator.load(corpus.CORPUS / producer)
    async with serve(simulator) as url, source(url, "v2") as langsmith:
        by_pattern = await langsmith.find_projects(["corpus-lc_*"])
        assert sorted(project.name for project in by_pattern) == ["corpus-lc_anthropic", "corpus-lc_create_agent"]
        by_id = await langsmith.find_projects([by_pattern[0].id, by_pattern[0].name, "corpus-lg_graph"])
        assert [project.name for project in by_id] == [by_pattern[0].name, "corpus-lg_graph"]
        with pytest.raises(Exception, match=r"'corpus-lg_grahp'.*'corpus-lg_graph'.*'nothing-alike'"):
            await langsmith.find_projects(["corpus-lg_grahp", "nothing-alike"])


async def test_the_time_is_the_servers() -> None:
    async with serve(Simulator(SimulatorSettings())) as url, source(url, "v2") as langsmith:
        first = await langsmith.now()
        assert abs((first - datetime.now(UTC)).total_seconds()) < 5
        await anyio.sleep(0.01)
        assert await langsmith.now() > first
