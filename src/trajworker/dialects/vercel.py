"""Vercel AI SDK's result of a step, and other results that name text and calls at the top."""

from typing import Any

import msgspec

from trajworker.dialects.calls import call_of
from trajworker.dialects.draft import Draft
from trajworker.dialects.speech import Said, speak
from trajworker.model.message import ASSISTANT


def claims(payload: dict[str, Any]) -> bool:
    """Whether a payload names text and calls at its top, or the object that was asked for."""
    calls = "toolCalls" in payload or "tool_calls" in payload
    words = "finishReason" in payload and ("text" in payload or "content" in payload)
    return calls or words or is_object(payload)


def is_object(payload: dict[str, Any]) -> bool:
    """Whether a payload holds an object that was asked for, and why the model stopped, but no words."""
    stopped = "finish_reason" in payload or "finishReason" in payload
    return stopped and isinstance(payload.get("object"), (dict, list)) and not payload.get("text")


def object_text(value: Any) -> str:  # noqa: ANN401 - recorded JSON
    """An object that was asked for, as JavaScript writes it, as the model did."""
    return msgspec.json.encode(value).decode()


def is_call(item: Any) -> bool:  # noqa: ANN401 - recorded JSON
    """Whether an item is a tool call and says so by its keys alone."""
    return isinstance(item, dict) and {"toolCallId", "toolName"} <= item.keys() and ("input" in item or "args" in item)


def answer(payload: dict[str, Any]) -> Draft:
    """The message that a step's result is."""
    if is_object(payload):
        return Draft(role=ASSISTANT, content=object_text(payload["object"]))
    given = payload.get("toolCalls") or payload.get("tool_calls") or []
    calls = [call_of(entry) for entry in given if isinstance(entry, dict)] if isinstance(given, list) else []
    reasoning = payload.get("reasoningText") or payload.get("reasoning") or payload.get("reasoning_content")
    said = Said(
        calls=tuple(call for call in calls if call is not None),
        reasoning=reasoning if isinstance(reasoning, str) else None,
    )
    content = payload.get("content") if isinstance(payload.get("content"), (list, str)) else payload.get("text")
    if isinstance(content, str):
        return Draft(role=ASSISTANT, content=content, tool_calls=said.calls or None, reasoning=said.reasoning)
    return speak("assistant", "" if content is None else content, said)[-1]
