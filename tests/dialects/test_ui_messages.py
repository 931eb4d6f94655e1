"""Chats as apps on Vercel's AI SDK keep them: what `convertToModelMessages` of the real SDK makes of the same messages.

Compared with `ai` 3.4.33 (the last two), 5.0.277 and 6.0.326.
"""

from typing import Any

import pytest

from trajworker import assert_never_called
from trajworker.dialects import read_one
from trajworker.dialects.draft import Draft
from trajworker.errors import TrajectoryMismatch

LOOK = {"type": "tool-weather", "toolCallId": "1", "state": "output-available", "input": {"city": "Oslo"}, "output": 4}


def told(message: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [_told(draft) for draft in read_one({"role": "assistant", **message})]


def _told(draft: Draft) -> tuple[Any, ...]:
    if (response := draft.tool_response) is not None:
        return response.id, response.name, draft.content, response.error
    return draft.content, [(call.id, call.name, call.arguments) for call in draft.tool_calls or ()]


def test_a_step_is_what_is_said_and_called_and_then_what_came_of_it() -> None:
    failed = {"type": "dynamic-tool", "toolName": "x", "toolCallId": "2", "state": "output-error", "errorText": "no"}
    step = {"type": "step-start"}
    parts = [step, {"type": "text", "text": "I look."}, LOOK, failed, step, {"type": "text", "text": "4 degrees"}]
    assert told({"id": "m", "parts": parts}) == [
        ("I look.", [("1", "weather", {"city": "Oslo"}), ("2", "x", {})]),
        ("1", "weather", "4", None),
        ("2", "x", "no", "no"),
        ("4 degrees", []),
    ]
    assert [draft.id for draft in read_one({"role": "assistant", "id": "m", "parts": parts})][-1] == "m"


def test_a_text_behind_a_call_is_of_the_same_step() -> None:
    assert told({"parts": [LOOK, {"type": "text", "text": "It is 4."}]}) == [
        ("It is 4.", [("1", "weather", {"city": "Oslo"})]),
        ("1", "weather", "4", None),
    ]


def test_a_call_that_has_no_answer_yet_has_none() -> None:
    assert told({"parts": [{**LOOK, "state": "input-available"}]}) == [("", [("1", "weather", {"city": "Oslo"})])]


def test_a_call_that_a_person_refused_failed() -> None:
    denied = {**LOOK, "state": "output-denied", "approval": {"id": "a", "approved": False, "reason": "not now"}}
    assert told({"parts": [denied]})[1] == ("1", "weather", "not now", "not now")


def test_what_the_provider_carried_out_is_nobodys_to_answer() -> None:
    said = told({"parts": [{**LOOK, "providerExecuted": True}, {"type": "text", "text": "It is 4."}]})
    assert said == [("It is 4.", [])]


@pytest.mark.parametrize("place", ["toolInvocations", "parts"])
def test_calls_of_older_versions_are_read(place: str) -> None:
    call = {"state": "result", "toolCallId": "1", "toolName": "weather", "args": {"city": "Oslo"}, "result": "4"}
    words = {"type": "text", "text": "I look."}
    message = {
        "toolInvocations": {"content": "I look.", "toolInvocations": [call]},
        "parts": {"content": "I look.", "parts": [words, {"type": "tool-invocation", "toolInvocation": call}]},
    }[place]
    assert told(message) == [("I look.", [("1", "weather", {"city": "Oslo"})]), ("1", "weather", "4", None)]


def test_a_guard_sees_the_calls() -> None:
    with pytest.raises(TrajectoryMismatch):
        assert_never_called([{"role": "assistant", "parts": [LOOK]}], "weather")
