"""A step that puts a request together is no call of a model, even where it was recorded as one."""

from typing import Any

import pytest

from support.chat import assistant, system, user
from support.folding import brief, told
from support.runs import Recorder
from trajworker.trajectory import Trajectory

TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]
ASKED = "Message(role='user', text='Where?')"
HERE = "Message(role='assistant', text='Here.')"


def prepared(given: Any, back: Any, **about: Any) -> Trajectory:
    """A turn with a run before its call that was given and gave back what is told."""
    record = Recorder()
    root = record.run("chain", {"input": "Where?"}, {"output": "There."})
    first = record.run("llm", given, back, root, **about)
    return told([root, first, record.run("llm", {"messages": [user("Where?")]}, assistant("There."), root)])


@pytest.mark.parametrize(
    ("given", "back"),
    [
        ({"history": [ASKED]}, {"messages": [ASKED], "tools": TOOLS, "tool_choice": "auto"}),
        ({"history": [ASKED, HERE], "tools": ["<Tool>"]}, {"tools": None, "messages": [ASKED, HERE]}),
        ({"text": "Where?"}, {"messages": [system("Be brief."), user("Where?")], "tools": TOOLS}),
    ],
)
def test_what_gave_back_a_request_and_no_answer_is_no_call(given: Any, back: Any) -> None:
    trajectory = prepared(given, back)
    assert brief(trajectory.messages) == [("user", "Where?"), ("assistant", "There.")]
    assert (trajectory.metrics.llm_calls, len(trajectory.internal)) == (1, 0)


@pytest.mark.parametrize(
    ("given", "back", "about"),
    [
        ({"history": [ASKED]}, {"messages": [ASKED, HERE], "tools": TOOLS}, {}),
        ({"messages": [user("Where?")]}, {"messages": [user("Where?"), assistant("Here.")], "tools": TOOLS}, {}),
        ({"history": [ASKED]}, {"messages": [ASKED], "tools": TOOLS, "output": "Here."}, {}),
        ({"history": [ASKED]}, {"messages": [ASKED], "tools": TOOLS}, {"total_tokens": 3}),
        ({"history": [ASKED]}, {"messages": [ASKED]}, {}),
    ],
)
def test_what_tells_of_an_answer_is_a_call(given: Any, back: Any, about: dict[str, Any]) -> None:
    assert prepared(given, back, **about).metrics.llm_calls == 2


def test_a_request_alone_tells_what_was_asked() -> None:
    record = Recorder()
    root = record.run("chain", {"input": "Where?"}, {"output": "There."})
    first = record.run("llm", {"history": [ASKED]}, {"messages": [ASKED], "tools": TOOLS}, root)
    assert brief(told([root, first]).messages) == [("user", "Where?"), ("assistant", "There.")]
    alone = record.run("llm", {"history": [ASKED]}, {"messages": [ASKED], "tools": TOOLS})
    assert not told([alone]).steps
