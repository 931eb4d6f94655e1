"""Traces of hundreds of dialogues: read as small ones are, and each call looked at beside a few others only."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.chat import assistant, result, system, user, words_of
from support.decoding import drafts_decoded
from support.folding import told
from support.runs import Recorder
from trajworker.assembly import Conversation
from trajworker.assembly.dialogues.grouping import group
from trajworker.assembly.dialogues.groups import Group
from trajworker.assembly.dialogues.open_dialogues import NEAR, OpenDialogues
from trajworker.assembly.dialogues.overlaps import parallel, ran_beside
from trajworker.assembly.kept.context import Pending
from trajworker.assembly.reading.calls import Call, read_call
from trajworker.assembly.reading.tool_runs import comparable, read_tool_run
from trajworker.assembly.telling.open_runs import OpenRuns
from trajworker.model.run import Run

AGENT = system("You are a clerk.")
MANY = 5 * NEAR
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def labels(record: Recorder, root: Run) -> list[Run]:
    """Lone calls that go on from nothing."""
    clerk = system("Classify the ticket.")
    tickets = [f"Ticket {number} is broken" for number in range(MANY)]
    return [record.run("llm", {"messages": [clerk, user(one)]}, assistant(f"{one}: label"), root) for one in tickets]


def test_an_agent_goes_on_behind_hundreds_of_other_calls() -> None:
    record = Recorder()
    root = record.run("chain", {"input": "Sort my tickets"}, {"output": "All sorted."})
    asked = [AGENT, user("Sort my tickets")]
    fetching = assistant("", ("c1", "fetch", "{}"))
    runs = [root, record.run("llm", {"messages": asked}, fetching, root)]
    runs.append(record.run("tool", {}, {"output": "tickets"}, root, name="fetch"))
    runs += labels(record, root)
    prompt = [*asked, fetching, result("c1", "tickets")]
    runs.append(record.run("llm", {"messages": prompt}, assistant("All sorted."), root))
    trajectory = told(runs)
    assert words_of(trajectory) == ["Sort my tickets", "", "tickets", "All sorted."]
    assert len(trajectory.internal) == MANY


def test_a_call_is_compared_with_few_dialogues_however_many_there_are() -> None:
    record = Recorder()
    root = record.run("chain", {}, {})
    dialogues = OpenDialogues()
    for run in labels(record, root):
        dialogues.begin(read_call(run))
    same = record.run(
        "llm",
        {"messages": [user("Ticket 0 is broken"), assistant("Ticket 0 is broken: label"), user("Why?")]},
        {},
        root,
    )
    near = dialogues.near(read_call(same))
    assert near[-1] is dialogues.groups[0]
    assert len(near) <= 2 * NEAR


def test_one_question_asked_hundreds_of_times_is_as_many_dialogues() -> None:
    record = Recorder()
    asked = {"messages": [AGENT, user("How long?")]}
    calls = [read_call(record.run("llm", asked, assistant(f"{number} days"))) for number in range(MANY)]
    assert len(group(calls)) == MANY


def _asked(record: Recorder, start: int, length: int, about: dict[str, Any]) -> Group:
    run = record.run("llm", {"messages": [user("Hi")]}, assistant("Hello"), metadata=about)
    began = NEW_YEAR + timedelta(microseconds=start)
    moved = msgspec.structs.replace(run, start_time=began, end_time=began + timedelta(microseconds=length))
    return Group(calls=[read_call(moved)])


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 4), st.sampled_from([None, 1, 2]), st.sampled_from("abc")),
        min_size=1,
        max_size=7,
    )
)
def test_who_ran_beside_others_is_told_as_if_each_pair_was_looked_at(spans: list[tuple[int, int, Any, str]]) -> None:
    record = Recorder()
    groups = [
        _asked(record, start, length, {"langgraph_step": step, "langgraph_checkpoint_ns": f"graph|{node}"})
        for start, length, step, node in spans
    ]
    pairs = [[_meet(one, other) for other in groups if other is not one] for one in groups]
    assert ran_beside(groups) == [any(met) for met in pairs]
    assert all(parallel(one, other) == _meet(one, other) for one, other in pairwise(groups))


def _meet(one: Group, other: Group) -> bool:
    mine, its = one.calls[0], other.calls[0]
    same_step = mine.about.langgraph_step is not None and mine.about.langgraph_step == its.about.langgraph_step
    if same_step and mine.about.langgraph_checkpoint_ns != its.about.langgraph_checkpoint_ns:
        return True
    return _began_before_end(mine, its) and _began_before_end(its, mine)


def _began_before_end(call: Call, other: Call) -> bool:
    return other.run.end_time is not None and call.run.start_time < other.run.end_time


def test_a_late_turn_of_a_graph_decodes_no_more_of_its_state_than_an_early_one(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = drafts_decoded(monkeypatch)
    record, state = Recorder(), [AGENT]
    conversation = Conversation()
    for number in range(MANY):
        human = {"type": "human", "content": f"question {number}", "id": f"h{number}"}
        said = {"type": "ai", "content": f"answer {number}", "id": f"a{number}"}
        root = record.run("chain", {"messages": [human]}, {"messages": [*state[1:], human, said]})
        message = {"lc": 1, "type": "constructor", "id": ["langchain_core", "messages", "AIMessage"], "kwargs": said}
        answer = {"generations": [[{"text": said["content"], "message": message}]]}
        state = [*state, human]
        conversation.fold([root, record.run("llm", {"messages": [state]}, answer, root)])
        state = [*state, said]
    assert len(decoded) <= 3 * MANY


def test_runs_are_found_by_id_by_arguments_and_by_the_end_of_a_decorated_name() -> None:
    record = Recorder()
    named = read_tool_run(record.run("tool", {"city": "Oslo"}, {"output": "cold"}, name="mcp__weather__look"))
    known = read_tool_run(record.run("tool", {"tool_call_id": "c1"}, {"output": "warm"}, name="look"))
    runs = OpenRuns([named, known])

    def asked(call_id: str | None, name: str, **given: Any) -> Pending:
        return Pending(0, call_id, name, comparable(given))

    assert list(runs.of_id(asked("c1", "look"))) == [known]
    assert list(runs.of_arguments(asked(None, "any", city="Oslo"))) == [named]
    assert list(runs.of_name(asked(None, "look"))) == list(runs.of_name(asked(None, "weather__look"))) == [named]
    assert list(runs.of_name(asked(None, "ook"))) == []
    named.linked = True
    assert list(runs.of_name(asked(None, "look"))) == []
    assert runs.begun(None) == [known]


def test_dialogues_whose_history_the_server_keeps_are_found_however_many_run_at_once() -> None:
    record = Recorder()
    firsts = [
        record.run(
            "llm", {"input": [user(f"Ticket {number}")]}, {"object": "response", "id": f"resp_{number}", "output": []}
        )
        for number in range(2 * NEAR)
    ]
    seconds = [
        record.run("llm", {"input": [user("And now?")], "previous_response_id": f"resp_{number}"}, assistant("Done."))
        for number in range(2 * NEAR)
    ]
    groups = group([read_call(run) for run in [*firsts, *seconds]])
    assert [len(one.calls) for one in groups] == [2] * (2 * NEAR)
