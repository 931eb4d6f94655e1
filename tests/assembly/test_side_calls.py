"""Calls that an app makes on its own account beside its agent's are internal, whatever runs at the same time."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from support.chat import assistant, result, system, user, words_of
from support.folding import told
from support.runs import Recorder
from trajworker.model.run import Run

AGENT, GUARD, TITLE = system("You know all about boats."), system("Is this safe?"), system("Name this chat.")
ASKED = user("How do I tar a hull?")
ASKING = assistant("", ("c1", "ask_smith", '{"question":"How do I tar a hull?"}'))


def of_expert(record: Recorder, root: Run) -> list[Run]:
    """A tool run with a model below it."""
    tool = record.run("tool", {"question": ASKED["content"]}, {"output": "Hot."}, root, name="ask_smith")
    return [tool, record.run("llm", {"messages": [system("You are a smith."), ASKED]}, assistant("Hot."), tool)]


@pytest.mark.parametrize("traced", [True, False])
def test_only_who_is_asked_while_an_agent_waits_for_its_tool_is_asked_by_that(*, traced: bool) -> None:
    record = Recorder()
    root = record.run("chain", {"text": ASKED["content"]}, {"answer": "Hot, I hear."})
    runs = [root, record.run("llm", {"messages": [GUARD, ASKED]}, assistant("yes"), root)]
    runs.append(record.run("llm", {"messages": [AGENT, ASKED]}, ASKING, root))
    if traced:
        runs += of_expert(record, root)
    else:
        runs.append(record.run("llm", {"messages": [system("You are a smith."), ASKED]}, assistant("Hot."), root))
    prompt = [AGENT, ASKED, ASKING, result("c1", "Hot.")]
    runs.append(record.run("llm", {"messages": prompt}, assistant("Hot, I hear."), root))
    runs.append(record.run("llm", {"messages": [TITLE, ASKED]}, assistant("About hulls"), root))
    trajectory = told(runs)
    assert [(one.origin.tool_call_id, one.messages[-1].content) for one in trajectory.nested if one.origin] == [
        ("c1", "Hot."),
    ]
    assert [one.content for one in trajectory.internal] == ["yes", "About hulls"]


def test_a_guard_asked_beside_its_agent_is_not_asked_by_the_call_that_the_agent_makes_then() -> None:
    record = Recorder()
    root = record.run("chain", {"text": ASKED["content"]}, {"answer": "Hot, I hear."})
    first = record.run("llm", {"messages": [AGENT, ASKED]}, ASKING, root)
    guard = record.run("llm", {"messages": [GUARD, ASKED]}, assistant("yes"), root)
    first = structs.replace(first, end_time=guard.end_time)
    prompt = [AGENT, ASKED, ASKING, result("c1", "Hot.")]
    expert = of_expert(record, root)
    last = record.run("llm", {"messages": prompt}, assistant("Hot, I hear."), root)
    trajectory = told([root, first, guard, *expert, last])
    assert [one.content for one in trajectory.internal] == ["yes"]
    assert len(trajectory.nested) == 1


def at_once(record: Recorder, root: Run, *asked: tuple[dict[str, Any], str]) -> list[Run]:
    """Calls with a system prompt each, begun one behind the other and ended together."""
    runs = [record.run("llm", {"messages": [prompt, ASKED]}, assistant(said), root) for prompt, said in asked]
    return [structs.replace(run, end_time=runs[-1].start_time + timedelta(milliseconds=5)) for run in runs]


def test_side_calls_that_were_sent_off_at_once_are_no_branches() -> None:
    record = Recorder()
    root = record.run("chain", {"text": ASKED["content"]}, {"answer": "Yes, hot.", "title": "About hulls"})
    sides = at_once(record, root, (TITLE, "About hulls"), (GUARD, "yes"))
    last = record.run("llm", {"messages": [AGENT, ASKED]}, assistant("Yes, hot."), root)
    trajectory = told([root, *sides, last])
    assert words_of(trajectory) == [ASKED["content"], "Yes, hot."]
    assert [one.content for one in trajectory.internal] == ["About hulls", "yes"]
    assert trajectory.nested == ()


def test_what_workers_found_at_once_is_told_to_who_goes_on_from_it() -> None:
    record = Recorder()
    root = record.run("chain", {"text": ASKED["content"]}, {"answer": "Hot, then cold."})
    found = at_once(record, root, (system("Ask the smith."), "Hot."), (system("Ask the cook."), '{"how": "cold"}'))
    last = record.run("llm", {"messages": [AGENT, ASKED, user("Hot. And cold")]}, assistant("Hot, then cold."), root)
    trajectory = told([root, *found, last])
    assert [one.messages[-1].content for one in trajectory.nested] == ["Hot.", '{"how": "cold"}']


@pytest.mark.parametrize(
    "back",
    [
        {"smith": "It is hot.", "cook": "It is cold."},
        {"smith": {"type": "ai", "content": "It is hot."}, "cook": {"type": "ai", "content": "It is cold."}},
        {"smith": "It is hot.", "cook": "It is cold.", "tailor": "It never is."},
    ],
)
def test_answers_given_back_side_by_side_are_equals(back: dict[str, Any]) -> None:
    record = Recorder()
    root = record.run("chain", {"text": ASKED["content"]}, back)
    words = {"smith": "It is hot.", "cook": "It is cold.", "tailor": "It never is."}
    trajectory = told([root, *at_once(record, root, *((system(f"You are a {name}."), words[name]) for name in back))])
    assert len(trajectory.nested) == len(back)
    assert words_of(trajectory) == [ASKED["content"]]
