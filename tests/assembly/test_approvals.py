"""A call that waits for a human has no result yet, however an SDK records what ran while it waited."""

from typing import Any

import pytest

from support.chat import assistant, result, user, words_of
from support.folding import told
from support.runs import Recorder

ASKED = user("Mail Bo.")
CALLING = assistant("", ("c1", "send", '{"to": "Bo"}'))
BEHIND = [ASKED, CALLING, result("c1", "sent")]
APPROVAL = {"tool": {"name": "send"}, "output": None, "run_item": {"type": "tool_approval_item"}, "interruptions": []}


@pytest.mark.parametrize("waiting", [None, APPROVAL])
@pytest.mark.parametrize("back", [CALLING, {"messages": [CALLING]}])
def test_what_an_approved_call_gave_back_is_its_only_result(back: dict[str, Any], waiting: Any) -> None:
    record = Recorder()
    root = record.run("chain", {"input": [ASKED]}, back)
    asking = record.run("llm", {"input": [ASKED]}, CALLING, root)
    asleep = record.run("tool", {"to": "Bo"}, {"output": waiting}, root, name="send")
    again = record.run("chain", {"input": BEHIND}, assistant("Mailed."))
    ran = record.run("tool", {"to": "Bo"}, {"output": "sent"}, again, name="send")
    answering = record.run("llm", {"input": BEHIND}, assistant("Mailed."), again)
    trajectory = told([root, asking, asleep], [again, ran, answering])
    assert words_of(trajectory) == ["Mail Bo.", "", "sent", "Mailed."]
    assert not any(message.flags for message in trajectory.messages)


def test_an_answer_beside_the_calls_of_a_turn_is_no_call_that_waits() -> None:
    record = Recorder()
    root = record.run("chain", {"input": [ASKED]}, assistant("Mailed.", ("c1", "send", '{"to": "Bo"}')))
    asking = record.run("llm", {"input": [ASKED]}, CALLING, root)
    ran = record.run("tool", {"to": "Bo"}, {"output": "sent"}, root, name="send")
    trajectory = told([root, asking, ran, record.run("llm", {"input": BEHIND}, assistant("Mailed."), root)])
    assert words_of(trajectory) == ["Mail Bo.", "", "sent", "Mailed."]
