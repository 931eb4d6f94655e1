"""What the real `langsmith` client does to projects and feedback besides writing them: v1 and v2 see it alike."""

import datetime as dt
import uuid
from typing import Any

import httpx
import langsmith
import pytest
from anyio.to_thread import run_sync
from langsmith import Client

from support.sdk import KEY, MAY_BE_DEPRECATED, connected, connected_async, generated
from trajworker.simulator import Simulator

NOW = dt.datetime.now(dt.UTC)
pytestmark = MAY_BE_DEPRECATED


def written(client: Client, project: str, parent: Any = None, **fields: Any) -> Any:
    """A run that was written and is read back; under a parent it is one of its trace."""
    run_id = uuid.uuid4()
    segment = f"{NOW:%Y%m%dT%H%M%S%f}Z{run_id}"
    client.create_run(
        "agent",
        {"question": "1+1?"},
        "llm",
        id=run_id,
        project_name=project,
        start_time=NOW,
        end_time=NOW,
        parent_run_id=None if parent is None else parent.id,
        trace_id=run_id if parent is None else parent.trace_id,
        dotted_order=segment if parent is None else f"{parent.dotted_order}.{segment}",
        **fields,
    )
    client.flush()
    return client.read_run(run_id)


def seen(client: Client, project_id: str) -> tuple[set[str], set[str], set[str]]:
    """Ids of the runs of a project that v1 and v2 show, and the threads that v2 shows."""
    v1 = {str(run.id) for run in client.list_runs(project_id=project_id)}
    v2 = {run.id for run in generated(client).runs.query_v2(project_ids=[project_id], selects=["ID"])}
    threads = {thread.thread_id for thread in generated(client).threads.query(project_id=project_id)}
    return v1, v2, threads


async def test_a_project_is_created_changed_and_renamed(url: str) -> None:
    def talk() -> Any:
        with connected(url) as client:
            made = client.create_project("p", description="old", metadata={"team": "a"})
            again = client.create_project("p", description="new", upsert=True)
            assert (again.id, again.description, again.metadata) == (made.id, "new", {"team": "a"})
            with pytest.raises(langsmith.utils.LangSmithConflictError):
                client.create_project("p")
            changed = client.update_project(made.id, name="q", end_time=NOW)
            assert (changed.name, changed.end_time, changed.description) == ("q", NOW.replace(tzinfo=None), "new")
            assert (client.has_project("p"), client.has_project("q")) == (False, True)
            generated(client).sessions.update(str(made.id), trace_tier="longlived")
            client.create_project("taken", reference_dataset_id=uuid.uuid4())
            with pytest.raises(langsmith.utils.LangSmithConflictError):
                client.update_project(made.id, name="taken")
            free = [project.name for project in client.list_projects(reference_free=True)]
            by_metadata = [project.name for project in client.list_projects(metadata={"team": "a"})]
            assert (free, by_metadata) == (["q"], ["q"])
            return httpx.get(f"{url}/sessions/{made.id}", headers={"x-api-key": KEY}).json()

    assert (await run_sync(talk))["trace_tier"] == "longlived"


async def test_a_deleted_project_is_gone_with_its_runs_and_comes_back_as_another_one(
    simulator: Simulator, url: str
) -> None:
    def talk() -> None:
        with connected(url) as client:
            kept = written(client, "kept")
            run = written(client, "p", extra={"metadata": {"thread_id": "t"}})
            client.create_feedback(run.id, "k", score=1, session_id=run.session_id, trace_id=run.id)
            client.create_feedback(None, "k", score=1, project_id=run.session_id)
            client.flush()
            client.delete_project(project_name="p")
            assert not client.has_project("p")
            assert list(client.list_runs(project_id=run.session_id)) == []
            assert list(client.list_feedback(run_ids=[run.id])) == []
            with pytest.raises(langsmith.utils.LangSmithNotFoundError):
                client.read_run(run.id)
            with pytest.raises(langsmith.utils.LangSmithNotFoundError):
                client.delete_project(project_id=run.session_id)
            assert written(client, "p").session_id != run.session_id
            assert client.read_run(kept.id).id == kept.id

    await run_sync(talk)
    assert simulator.state.store.feedback == {}


async def test_deleted_traces_are_gone_from_v1_v2_and_threads(url: str) -> None:
    def talk() -> None:
        with connected(url) as client:
            gone = written(client, "p", extra={"metadata": {"thread_id": "t", "user": "ada"}})
            child = written(client, "p", gone)
            kept = written(client, "p", extra={"metadata": {"thread_id": "u"}})
            project_id = str(gone.session_id)
            assert seen(client, project_id)[2] == {"t", "u"}
            body = {"session_id": project_id, "trace_ids": [str(gone.id)]}
            assert client.request_with_retries("POST", "/runs/delete", json=body).status_code == 202
            assert seen(client, project_id) == ({str(kept.id)}, {str(kept.id)}, {"u"})
            with pytest.raises(langsmith.utils.LangSmithNotFoundError):
                client.read_run(child.id)

    await run_sync(talk)


async def test_runs_are_deleted_by_metadata_and_by_time(url: str) -> None:
    day = dt.timedelta(days=1)

    def talk() -> None:
        with connected(url) as client:
            ada = written(client, "p", extra={"metadata": {"user": "ada"}})
            bob = written(client, "p", extra={"metadata": {"user": "bob"}})

            def delete(**body: Any) -> set[str]:
                client.request_with_retries("POST", "/runs/delete", json=body)
                return seen(client, str(ada.session_id))[0]

            later, earlier = (NOW + day).isoformat(), (NOW - day).isoformat()
            assert delete(metadata={"user": "ada"}, start_time=later) == {str(ada.id), str(bob.id)}
            assert delete(metadata={"user": ["ada", "eve"], "team": "x"}, start_time=earlier) == {str(bob.id)}
            assert delete(start_time=earlier, end_time=later) == set()
            for wrong in ({}, {"trace_ids": [str(bob.id)]}, {"start_time": earlier}):
                with pytest.raises(langsmith.utils.LangSmithError, match=r"422.*session_id and trace_ids"):
                    delete(**wrong)

    await run_sync(talk)


async def test_a_run_that_comes_again_after_its_deletion_begins_anew(url: str) -> None:
    """Neither its old fields come back, nor do the sums above it count it twice."""
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}

    def talk() -> None:
        with connected(url) as client:
            root = written(client, "kept")
            child = written(client, "p", root, outputs={"usage_metadata": usage})
            assert client.read_run(root.id).total_tokens == 5
            client.delete_project(project_name="p")
            assert client.read_run(root.id).total_tokens == 0
            late = {"id": str(child.id), "trace_id": str(root.id), "dotted_order": child.dotted_order}
            late |= {"parent_run_id": str(root.id), "session_name": "p", "run_type": "llm"}
            client.request_with_retries("POST", "/runs/batch", json={"patch": [late]})
            assert (client.read_run(child.id).inputs, client.read_run(root.id).total_tokens) == ({}, 0)
            outputs = {"outputs": {"usage_metadata": usage}}
            client.request_with_retries("POST", "/runs/batch", json={"patch": [late | outputs]})
            assert client.read_run(root.id).total_tokens == 5

    await run_sync(talk)


async def test_feedback_is_changed_and_deleted_and_the_figures_of_its_run_follow(url: str) -> None:
    def talk() -> None:
        with connected(url) as client:
            run = written(client, "p")

            def figures() -> tuple[Any, Any]:
                v1 = client.read_run(run.id).feedback_stats or {}
                (v2,) = generated(client).runs.query_v2(
                    project_ids=[str(run.session_id)], selects=["FEEDBACK_STATS"], min_start_time=NOW
                )
                return v1.get("k", {}).get("avg"), v2.feedback_stats["k"].avg if v2.feedback_stats else None

            made = client.create_feedback(run.id, "k", score=1, comment="c", session_id=run.session_id)
            client.update_feedback(made.id, score=0.25, value="v", correction={"a": 1})
            read = client.read_feedback(made.id)
            assert (read.score, read.value, read.comment, read.correction) == (0.25, "v", "c", {"a": 1})
            assert read.modified_at > read.created_at
            assert figures() == (0.25, 0.25)
            client.delete_feedback(made.id)
            assert figures() == (None, None)
            with pytest.raises(langsmith.utils.LangSmithNotFoundError):
                client.update_feedback(made.id, score=1)
            with pytest.raises(langsmith.utils.LangSmithNotFoundError):
                client.delete_feedback(made.id)

    await run_sync(talk)


async def test_the_async_client_creates_and_deletes_projects_and_feedback(url: str) -> None:
    async with connected_async(url) as client:
        project = await client.create_project("p")
        run_id = uuid.uuid4()
        await client.create_run("n", {}, "chain", id=run_id, project_name="p", start_time=NOW, revision_id=None)
        made = await client.create_feedback(run_id, key="k", score=0.5, session_id=project.id)
        await client.delete_feedback(made.id)
        assert [found async for found in client.list_feedback(run_ids=[run_id])] == []
        await client.delete_project(project_name="p")
        assert [run async for run in client.list_runs(project_id=project.id)] == []


async def test_what_is_not_simulated_is_an_error_of_the_sdk_and_no_empty_answer(url: str) -> None:
    def talk() -> None:
        with connected(url) as client:
            for ask in (lambda: list(client.list_datasets()), lambda: client.has_dataset(dataset_name="d")):
                with pytest.raises(langsmith.utils.LangSmithError, match="GET /datasets is not simulated"):
                    ask()

    await run_sync(talk)
