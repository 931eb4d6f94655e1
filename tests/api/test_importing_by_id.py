"""Conversations by id: whole, in the order asked for, fetched once, and named when they cannot be had."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

import trajworker as tj
from support import corpus
from support.library import PROJECT, client, conversation, run_id, served, turn
from trajworker.assembly import Conversation, Fold
from trajworker.model.run import Feedback, Run
from trajworker.simulator import Mode, Simulator, SimulatorSettings


@pytest.fixture
def server() -> Iterator[tuple[Simulator, str]]:
    with served() as both:
        yield both


def payload_queries(simulator: Simulator) -> int:
    """Questions about whole runs."""
    asked = [request.json() for request in simulator.requests if request.path.endswith("/runs/query")]
    return sum("INPUTS" in (body.get("selects") or ()) or "inputs" in (body.get("select") or ()) for body in asked)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("producer", corpus.producers())
def test_what_is_imported_by_id_is_what_is_imported_whole(producer: str, mode: Mode, tmp_path: Path) -> None:
    with served(SimulatorSettings(mode=mode)) as (simulator, url):
        simulator.load(corpus.require() / producer)
        project = next(iter(simulator.state.store.projects.values())).name
        one = client(url, tmp_path, project)
        summaries = one.list_conversations(limit=None)
        some = one.import_conversations(summaries)
        again = one.import_conversations(summaries)
        whole = {each.task.conversation_id: each for each in one.import_conversations(stage=False)}
    assert len(summaries) > 0
    assert again == some
    assert {each.task.conversation_id: each for each in some} == whole


def test_conversations_come_in_the_order_asked_for_and_once(server: tuple[Simulator, str], tmp_path: Path) -> None:
    simulator, url = server
    for name in "abc":
        simulator.add_runs(PROJECT, conversation(name))
    found = client(url, tmp_path).import_conversations(["c", "a", "c", "b"])
    assert [one.task.conversation_id for one in found] == ["c", "a", "b"]
    assert found[0].origin.project == PROJECT


def test_repeated_messages_survive(server: tuple[Simulator, str], tmp_path: Path) -> None:
    simulator, url = server
    simulator.add_runs(PROJECT, conversation("a", turns=3, said="yes"))
    (found,) = client(url, tmp_path).import_conversations("a")
    assert [message.content for message in found.messages if message.role == "user"] == ["yes", "yes", "yes"]
    assert found.task.num_turns == 3


def test_a_trace_without_a_thread_is_found_by_its_id(server: tuple[Simulator, str], tmp_path: Path) -> None:
    simulator, url = server
    simulator.add_runs(PROJECT, conversation(None, turns=1))
    trace = run_id("alone", 0)
    (found,) = client(url, tmp_path).import_conversations([trace])
    assert found.task.conversation_id == trace


def test_the_id_of_a_trace_leads_to_its_whole_conversation(server: tuple[Simulator, str], tmp_path: Path) -> None:
    simulator, url = server
    simulator.add_runs(PROJECT, conversation("a", turns=3))
    (found,) = client(url, tmp_path).import_conversations([run_id("a", 1)])
    assert (found.task.conversation_id, found.task.num_turns) == ("a", 3)


def test_a_trace_whose_root_names_no_thread_belongs_to_the_one_its_runs_name(
    server: tuple[Simulator, str], tmp_path: Path
) -> None:
    simulator, url = server
    rows = conversation("a", turns=2)
    rows[0] |= {"extra": {}, "thread_id": None}
    simulator.add_runs(PROJECT, rows)
    (found,) = client(url, tmp_path).import_conversations([rows[0]["id"]])
    assert (found.task.conversation_id, found.task.num_turns) == ("a", 2)


def test_a_server_without_an_index_of_threads_is_asked_by_metadata(tmp_path: Path) -> None:
    with served(SimulatorSettings(thread_keys=())) as (simulator, url):
        simulator.add_runs(PROJECT, [row | {"thread_id": None} for row in conversation("a") + conversation("b")])
        one = client(url, tmp_path)
        assert [each.conversation_id for each in one.list_conversations(limit=1)] in (["a"], ["b"])
        assert [each.num_turns for each in one.list_conversations(limit=1)] == [2]
        assert [each.task.num_turns for each in one.import_conversations(["a", "b"])] == [2, 2]


def test_unknown_ids_are_all_named_before_anything_is_fetched(server: tuple[Simulator, str], tmp_path: Path) -> None:
    simulator, url = server
    simulator.add_runs(PROJECT, conversation("a"))
    with pytest.raises(tj.ConversationNotFound, match=r"'nobody', 'x\"\) or \(1', '0+-0000-4000-8000-0+'"):
        client(url, tmp_path).import_conversations(["nobody", 'x") or (1', "a", "00000000-0000-4000-8000-000000000000"])


def test_what_is_staged_and_unchanged_is_not_fetched_again(server: tuple[Simulator, str], tmp_path: Path) -> None:
    simulator, url = server
    simulator.add_runs(PROJECT, conversation("a") + conversation("b"))
    first = client(url, tmp_path).import_conversations(["a", "b"])
    assert payload_queries(simulator) > 0
    simulator.requests.clear()
    assert client(url, tmp_path).import_conversations(["b", "a"]) == first[::-1]
    assert payload_queries(simulator) == 0


def test_an_endpoint_that_is_spelt_otherwise_stages_in_the_same_file(
    server: tuple[Simulator, str], tmp_path: Path
) -> None:
    simulator, url = server
    simulator.add_runs(PROJECT, conversation("a"))
    first = client(url, tmp_path).import_conversations("a")
    simulator.requests.clear()
    assert client(f"{url}/api/v1/", tmp_path).import_conversations("a") == first
    assert payload_queries(simulator) == 0
    assert len(list(tmp_path.glob("*.db"))) == 1


def test_only_traces_that_are_new_are_fetched(server: tuple[Simulator, str], tmp_path: Path) -> None:
    simulator, url = server
    simulator.add_runs(PROJECT, conversation("a"))
    client(url, tmp_path).import_conversations(["a"])
    history = [{"role": "user", "content": "more"}, {"role": "assistant", "content": "done"}]
    simulator.add_runs(PROJECT, turn("a", 2, history))
    simulator.requests.clear()
    (found,) = client(url, tmp_path).import_conversations(["a"])
    asked = [str(request.json()) for request in simulator.requests if "INPUTS" in str(request.json())]
    assert found.task.num_turns == 3
    assert len(asked) == 1
    assert run_id("a", 2) in asked[0]
    assert run_id("a", 0) not in asked[0]


def test_an_unfinished_conversation_says_so_and_is_looked_at_again(
    server: tuple[Simulator, str], tmp_path: Path
) -> None:
    simulator, url = server
    simulator.add_runs(PROJECT, conversation("a", turns=1, ended=False))
    one = client(url, tmp_path)
    assert [each.complete for each in one.import_conversations("a")] == [False]
    simulator.add_runs(PROJECT, conversation("a", turns=1))
    assert [each.complete for each in one.import_conversations("a")] == [True]
    assert [each.complete for each in one.import_conversations()] == [True]


def test_everything_is_read_incrementally_too(server: tuple[Simulator, str], tmp_path: Path) -> None:
    simulator, url = server
    for name in range(30):
        simulator.add_runs(PROJECT, conversation(f"t-{name}"))
    one = client(url, tmp_path)
    assert len(one.import_conversations()) == 30
    simulator.add_runs(PROJECT, conversation("late"))
    found = one.import_conversations()
    assert len(found) == 31
    simulator.requests.clear()
    assert len(one.import_conversations(["late", "t-3"])) == 2
    assert payload_queries(simulator) == 0, "it was read with all the others"


def test_a_run_that_cannot_be_read_is_named_with_its_conversation_each_time(tmp_path: Path) -> None:
    row = conversation("bad", turns=1)[1]
    with served(SimulatorSettings(mode=Mode.V2)) as (simulator, url):
        simulator.add_runs(PROJECT, conversation("good") + conversation("bad", turns=1))
        stored = simulator.state.store.entries[row["id"]].latest
        assert stored is not None
        stored.start_time, stored.dotted_order = None, ""
        one = client(url, tmp_path)
        for wanted in (["bad", "good"], ["bad", "good"], None):
            with pytest.raises(tj.ImportIncomplete, match=f"bad: run {row['id']}") as told:
                one.import_conversations(wanted)
            assert list(told.value.failures) == ["bad"]
            assert [each.task.conversation_id for each in told.value.trajectories] == ["good"]


def test_a_conversation_that_no_rule_foresaw_is_named_and_costs_no_other(
    server: tuple[Simulator, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold = Conversation.fold

    def break_one(one: Conversation, runs: Sequence[Run], *feedback: Sequence[Feedback]) -> Fold:
        if runs[0].thread_id == "bad":
            raise KeyError("a secret of the payload")
        return fold(one, runs, *feedback)

    simulator, url = server
    simulator.add_runs(PROJECT, conversation("good") + conversation("bad"))
    monkeypatch.setattr(Conversation, "fold", break_one)
    for wanted in (["bad", "good"], None):
        with pytest.raises(tj.ImportIncomplete, match=r"bad: trace .* cannot be assembled \(KeyError in") as told:
            client(url, tmp_path).import_conversations(wanted)
        assert "secret" not in str(told.value)
        assert [each.task.conversation_id for each in told.value.trajectories] == ["good"]


def test_an_iteration_may_nest_imports_and_be_left_early(server: tuple[Simulator, str], tmp_path: Path) -> None:
    simulator, url = server
    for name in range(40):
        simulator.add_runs(PROJECT, conversation(f"t-{name}"))
    one = client(url, tmp_path)
    for found in one.iter_conversations():
        assert one.import_conversations(found.task.conversation_id or "") == [found]
        break
    assert len(list(one.iter_conversations())) == 40


def test_threads_may_import_the_same_side_by_side(server: tuple[Simulator, str], tmp_path: Path) -> None:
    simulator, url = server
    simulator.add_runs(PROJECT, conversation("a") + conversation("b"))
    found: list[tj.Trajectory] = []

    def work(name: str) -> None:
        found.extend(client(url, tmp_path).import_conversations([name]))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.task.conversation_id or "" for one in found) == ["a", "a", "b", "b"]


async def test_blocking_calls_work_inside_a_running_loop(server: tuple[Simulator, str], tmp_path: Path) -> None:
    simulator, url = server
    simulator.add_runs(PROJECT, conversation("a"))
    assert len(client(url, tmp_path).import_conversations()) == 1  # as a notebook does


async def test_the_asynchronous_client_does_the_same(server: tuple[Simulator, str], tmp_path: Path) -> None:
    simulator, url = server
    simulator.add_runs(PROJECT, conversation("a") + conversation("b"))
    one = tj.aio.Client(api_key="k", project_id=PROJECT, endpoint=url, storage_dir=tmp_path)
    names = [each.conversation_id for each in await one.list_conversations()]
    found = await one.import_conversations(names)
    assert [each async for each in one.iter_conversations(names)] == found
    tj.aio.init(api_key="k", project_id=PROJECT, endpoint=url, storage_dir=tmp_path)
    assert await tj.aio.import_conversations(names) == found
    assert [each async for each in tj.aio.iter_conversations(names)] == found
    assert len(await tj.aio.list_conversations(limit=1)) == 1


def test_feedback_that_was_deleted_is_gone_from_the_next_import(server: tuple[Simulator, str], tmp_path: Path) -> None:
    simulator, url = server
    simulator.add_runs(PROJECT, conversation("a", turns=1))
    root = run_id("a", 0)
    with httpx.Client(base_url=url, headers={"x-api-key": "canary"}) as http:
        given = [
            http.post("/api/v1/feedback", json={"run_id": root, "key": key, "score": 1}).raise_for_status().json()["id"]
            for key in ("good", "tone")
        ]
        told = []
        for feedback in [*given, None]:
            (found,) = client(url, tmp_path).import_conversations("a")
            told.append([] if found.reward is None else [one.name for one in found.reward.components])
            if feedback is not None:
                http.delete(f"/api/v1/feedback/{feedback}").raise_for_status()
    assert told == [["good", "tone"], ["tone"], []]
