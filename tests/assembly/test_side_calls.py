"""Calls that an app makes on its own account beside its agent's are internal, whatever runs at the same time."""

import pytest
from msgspec import structs

from support.chat import assistant, result, system, user
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
