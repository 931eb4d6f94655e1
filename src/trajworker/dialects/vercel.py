"""Vercel AI SDK's result of a step, and other results that name text and calls at the top."""

from typing import Any

from trajworker.dialects.calls import call_of
from trajworker.dialects.draft import Draft
from trajworker.dialects.speech import Said, speak
from trajworker.model.message import Role


def claims(payload: dict[str, Any]) -> bool:
    """Whether a payload names text and calls at its top."""
    return ("toolCalls" in payload or "finishReason" in payload or "tool_calls" in payload) and (
        "text" in payload or "content" in payload or "toolCalls" in payload or "tool_calls" in payload
    )


def is_call(item: Any) -> bool:  # noqa: ANN401 - recorded JSON
    """Whether an item is a tool call and says so by its keys alone."""
    return isinstance(item, dict) and {"toolCallId", "toolName"} <= item.keys() and ("input" in item or "args" in item)


def answer(payload: dict[str, Any]) -> Draft:
    """The message that a step's result is."""
    given = payload.get("toolCalls") or payload.get("tool_calls") or []
    calls = [call_of(entry) for entry in given if isinstance(entry, dict)] if isinstance(given, list) else []
    reasoning = payload.get("reasoningText") or payload.get("reasoning") or payload.get("reasoning_content")
    said = Said(
        calls=tuple(call for call in calls if call is not None),
        reasoning=reasoning if isinstance(reasoning, str) else None,
    )
    content = payload.get("content") if isinstance(payload.get("content"), (list, str)) else payload.get("text")
    if isinstance(content, str):
        return Draft(role=Role.ASSISTANT, content=content, tool_calls=said.calls or None, reasoning=said.reasoning)
    return speak("assistant", "" if content is None else content, said)[-1]
