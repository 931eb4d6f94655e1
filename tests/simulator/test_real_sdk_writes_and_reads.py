"""The real `langsmith` client against the simulator: nothing between them but a socket."""

import datetime as dt
import uuid
from typing import Any, get_args, get_type_hints

import anyio
import langsmith
import pytest
from anyio.to_thread import run_sync
from langsmith.run_helpers import traceable, tracing_context
from langsmith.types.thread_stats_params import ThreadStatsParams

from support import corpus
from support.sdk import MAY_BE_DEPRECATED, connected, connected_async, generated
from trajworker.simulator import Mode, Simulator, SimulatorSettings, serve
from trajworker.simulator.info import info
from trajworker.simulator.thread_stats import FIGURES

SINCE = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
UNTIL = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
pytestmark = MAY_BE_DEPRECATED


def told(**overrides: bool) -> dict[str, Any]:
    """What `/info` says, with some flags turned."""
    about = info(SimulatorSettings())
    for part in ("batch_ingest_config", "instance_flags"):
        about[part] = {key: overrides.get(key, value) for key, value in about[part].items()}
    return about


def a_run(**fields: Any) -> dict[str, Any]:
    return {
        "id": uuid.uuid4(),
        "name": "agent",
        "run_type": "chain",
        "inputs": {"question": "1+1?"},
        "project_name": "sdk",
        "extra": {"metadata": {"thread_id": "t-1"}},
        "start_time": dt.datetime.now(dt.UTC),
        **fields,
    }


async def test_traceable_writes_a_tree_that_v1_and_v2_read_back(simulator: Simulator, url: str) -> None:
    def conversation() -> tuple[list[Any], list[Any], Any]:
        with connected(url) as client:
            with tracing_context(enabled=True, client=client, project_name="traced"):

                @traceable(run_type="llm", metadata={"ls_provider": "acme"})
                def model(question: str) -> dict[str, Any]:
                    return {
                        "role": "assistant",
                        "content": question.upper(),
                        "usage_metadata": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
                    }

                @traceable(metadata={"thread_id": "t-9"})
                def agent(question: str) -> str:
                    return str(model(question)["content"])

                assert agent("hello") == "HELLO"
            client.flush()
            v1 = list(client.list_runs(project_name="traced"))
            project = client.read_project(project_name="traced")
            where = generated(client).runs.get_url(v1[0].id, project_id=str(project.id), trace_id=v1[0].trace_id)
            assert where.url.startswith(f"{url}/o/{project.tenant_id}/projects/p/{project.id}/r/{v1[0].id}?")
            v2 = list(
                generated(client).runs.query_v2(
                    project_ids=[str(project.id)], selects=["NAME", "TOTAL_TOKENS", "THREAD_ID"]
                )
            )
            turns = list(
                generated(client).threads.list_traces("t-9", project_id=str(project.id), selects=["TURN_NUMBER"])
            )
            return v1, v2, turns

    v1, v2, turns = await run_sync(conversation)
    root = next(run for run in v1 if run.parent_run_id is None)
    child = next(run for run in v1 if run.parent_run_id is not None)
    assert (root.name, root.status, root.outputs, root.total_tokens) == ("agent", "success", {"output": "HELLO"}, 5)
    assert child.trace_id == root.id
    assert child.metadata["thread_id"] == "t-9"
    assert child.metadata["ls_run_depth"] == 1
    assert {(run.name, run.total_tokens, run.thread_id) for run in v2} == {("agent", 0, "t-9"), ("model", 5, "t-9")}
    assert [turn.turn_number for turn in turns] == [1]
    assert simulator.requests.count("POST", "/runs/multipart") >= 1


async def test_an_error_is_an_error_run(url: str) -> None:
    def failing() -> Any:
        with connected(url) as client:
            with tracing_context(enabled=True, client=client, project_name="failing"):

                @traceable(run_type="tool")
                def divide() -> float:
                    return 1 / 0

                with pytest.raises(ZeroDivisionError):
                    divide()
            client.flush()
            return next(client.list_runs(project_name="failing", error=True))

    run = await run_sync(failing)
    assert run.status == "error"
    assert run.error.startswith("ZeroDivisionError('division by zero')")


@pytest.mark.parametrize(
    ("options", "route"),
    [
        ({"auto_batch_tracing": False}, "/runs"),
        ({"auto_batch_tracing": True}, "/runs/multipart"),
        ({"info": told(use_multipart_endpoint=False)}, "/runs/batch"),
        ({"info": told(zstd_compression_enabled=False)}, "/runs/multipart"),
    ],
)
async def test_create_and_update_arrive_over_every_route(
    simulator: Simulator, url: str, options: dict[str, Any], route: str
) -> None:
    run = a_run()
    run |= {"trace_id": run["id"], "dotted_order": f"{run['start_time']:%Y%m%dT%H%M%S%f}Z{run['id']}"}

    def write() -> Any:
        with connected(url, **options) as client:
            client.create_run(**run)
            client.update_run(
                run["id"],
                trace_id=run["trace_id"],
                dotted_order=run["dotted_order"],
                outputs={"answer": "2"},
                end_time=run["start_time"] + dt.timedelta(seconds=2),
            )
            client.flush()
            return client.read_run(run["id"])

    read = await run_sync(write)
    assert (read.name, read.status, read.outputs) == ("agent", "success", {"answer": "2"})
    assert read.inputs == {"question": "1+1?"}
    assert (read.end_time - read.start_time).total_seconds() == 2
    assert simulator.requests.count("POST", route) >= 1


async def test_a_body_in_chunks_and_zstd_is_understood(simulator: Simulator, url: str) -> None:
    def write() -> None:
        with connected(url) as client:
            for number in range(20):
                run = a_run(name=f"n{number}", inputs={"text": "x" * 50_000})
                run |= {"trace_id": run["id"], "dotted_order": f"{run['start_time']:%Y%m%dT%H%M%S%f}Z{run['id']}"}
                client.create_run(**run, outputs={"ok": True}, end_time=run["start_time"])
            client.flush()

    await run_sync(write)
    assert len(simulator.state.store.entries) == 20
    assert {entry.latest.status for entry in simulator.state.store.entries.values() if entry.latest} == {"success"}


async def test_feedback_is_written_listed_and_summed_on_the_run(url: str) -> None:
    def talk() -> tuple[list[Any], Any]:
        with connected(url, auto_batch_tracing=False) as client:
            run = a_run()
            client.create_run(**run)
            session = client.read_run(run["id"]).session_id
            client.create_feedback(run["id"], "helpful", score=1, comment="nice", session_id=session)
            client.create_feedback(run["id"], "helpful", score=0, session_id=session)
            found = list(client.list_feedback(run_ids=[run["id"]]))
            read = client.read_run(run["id"])
            return found, read

    found, read = await run_sync(talk)
    assert sorted(feedback.score for feedback in found) == [0, 1]
    assert (read.feedback_stats["helpful"]["n"], read.feedback_stats["helpful"]["avg"]) == (2, 0.5)


async def test_projects_are_listed_and_read(simulator: Simulator, url: str) -> None:
    simulator.load(corpus.CORPUS)

    def read() -> tuple[set[str], Any]:
        with connected(url) as client:
            names = {project.name for project in client.list_projects()}
            project = client.read_project(project_name="corpus-lg_graph", include_stats=True)
            return names, project

    names, project = await run_sync(read)
    assert names == {f"corpus-{producer}" for producer in corpus.producers()}
    assert project.run_count == len(corpus.runs("lg_graph"))


@pytest.mark.parametrize("producer", ["lg_graph", "deepagents"])
async def test_the_sdk_pages_through_a_recording_in_v1_and_v2(simulator: Simulator, url: str, producer: str) -> None:
    simulator.load(corpus.CORPUS / producer)
    recorded = {run["id"]: run for run in corpus.runs(producer)}
    project_id = next(iter(recorded.values()))["session_id"]

    def read() -> tuple[list[Any], list[Any], list[Any], list[Any]]:
        with connected(url) as client:
            v1 = list(client.list_runs(project_id=project_id))
            bounds: dict[str, Any] = {"min_start_time": SINCE, "max_start_time": UNTIL}
            v2 = list(
                generated(client).runs.query_v2(
                    project_ids=[project_id],
                    page_size=17,
                    selects=["ID", "INPUTS", "STATUS", "PARENT_RUN_IDS"],
                    **bounds,
                )
            )
            traces = list(generated(client).traces.query(project_id=project_id, page_size=5, selects=["ID"], **bounds))
            threads = list(generated(client).threads.query(project_id=project_id, page_size=4, **bounds))
            return v1, v2, traces, threads

    v1, v2, traces, threads = await run_sync(read)
    assert {str(run.id): run.outputs for run in v1} == {key: run["outputs"] for key, run in recorded.items()}
    assert {run.id: run.inputs for run in v2} == {key: run["inputs"] for key, run in recorded.items()}
    roots = {key for key, run in recorded.items() if run["parent_run_id"] is None}
    assert {item.root_run.id for item in traces} == roots
    assert {item.thread_id for item in threads} == {recorded[key]["thread_id"] for key in roots} - {None}


async def test_the_async_client_reads_and_writes(simulator: Simulator, url: str) -> None:
    simulator.load(corpus.CORPUS / "traceable_plain")
    recorded = {run["id"] for run in corpus.runs("traceable_plain")}
    run = a_run()
    async with connected_async(url) as client:
        read = {str(found.id) async for found in client.list_runs(project_name="corpus-traceable_plain")}
        await client.create_run(**run, revision_id=None)
        await client.update_run(run["id"], outputs={"a": 1}, end_time=run["start_time"])
        again = await client.read_run(run["id"])
        project = await client.read_project(project_name="sdk")
        await client.create_feedback(run["id"], key="k", score=0.5, session_id=project.id)
        feedback = [found.score async for found in client.list_feedback(run_ids=[run["id"]])]
        found = [
            item.id
            async for item in client.runs.query_v2(project_ids=[str(project.id)], selects=["ID"], min_start_time=SINCE)
        ]
    assert read == recorded
    assert (again.status, again.outputs) == ("success", {"a": 1})
    assert feedback == [0.5]
    assert found == [str(run["id"])]


async def test_a_v2_only_backend_is_recognised_by_the_sdk() -> None:
    simulator = Simulator(SimulatorSettings(mode=Mode.V2))
    simulator.load(corpus.CORPUS / "wrap_openai_chat")
    recorded = corpus.runs("wrap_openai_chat")[0]

    def read(url: str) -> Any:
        with connected(url, "any") as client:
            return client.read_run(
                recorded["id"],
                project_id=recorded["session_id"],
                start_time=dt.datetime.fromisoformat(recorded["start_time"]),
            )

    async with serve(simulator) as url:
        run = await run_sync(read, url)
    assert (run.name, run.status, run.inputs) == (recorded["name"], recorded["status"], recorded["inputs"])
    assert simulator.requests.count("GET", "/v2/runs/{id}") == 1


async def test_a_wrong_key_is_the_sdk_s_auth_error(url: str) -> None:
    def read() -> None:
        with connected(url, "wrong") as client:
            list(client.list_projects())

    with pytest.raises(langsmith.utils.LangSmithAuthError):
        await run_sync(read)


async def test_concurrent_writers_lose_nothing(simulator: Simulator, url: str) -> None:
    async def write() -> None:
        async with connected_async(url) as client:
            for _ in range(10):
                await client.create_run(**a_run(), revision_id=None)

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(write)
    assert len(simulator.state.store.entries) == 40


async def test_the_figures_of_a_thread_are_those_of_its_turns(simulator: Simulator, url: str) -> None:
    simulator.load(corpus.CORPUS / "lg_graph")
    turns = [run for run in corpus.runs("lg_graph") if run["parent_run_id"] is None and run["thread_id"]]
    root = turns[0]
    turns = [run for run in turns if run["thread_id"] == root["thread_id"]]

    def ask() -> Any:
        with connected(url) as client:
            client.create_feedback(root["id"], "helpful", score=1, session_id=root["session_id"])
            client.flush()
            selects = [*FIGURES, "FEEDBACK_STATS"]
            threads = generated(client).threads
            with pytest.raises(Exception, match="selects is required"):
                threads.stats(root["thread_id"], session_id=root["session_id"], selects=[])
            return threads.stats(root["thread_id"], session_id=root["session_id"], selects=selects)

    stats = await run_sync(ask)
    assert (stats.turns, stats.total_tokens) == (len(turns), sum(run["total_tokens"] for run in turns))
    assert stats.first_start_time.replace(tzinfo=None).isoformat() == min(run["start_time"] for run in turns)
    assert stats.feedback_stats["helpful"].avg == 1
    assert set(FIGURES) | {"FEEDBACK_STATS"} == set(thread_stats_selects())


def thread_stats_selects() -> tuple[str, ...]:
    """What the SDK can ask for."""
    hints = get_type_hints(ThreadStatsParams)
    return get_args(get_args(hints["selects"])[0])
