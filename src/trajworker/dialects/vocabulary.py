"""The producers' words in ours: roles and finish reasons."""

import re
from typing import Any

from trajworker.model.message import Role

ROLES: dict[str, Role] = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "systemmessage": Role.SYSTEM,
    "systemmessagechunk": Role.SYSTEM,
    "user": Role.USER,
    "human": Role.USER,
    "humanmessage": Role.USER,
    "humanmessagechunk": Role.USER,
    "assistant": Role.ASSISTANT,
    "ai": Role.ASSISTANT,
    "aimessage": Role.ASSISTANT,
    "aimessagechunk": Role.ASSISTANT,
    "model": Role.ASSISTANT,
    "chatbot": Role.ASSISTANT,
    "bot": Role.ASSISTANT,
    "gpt": Role.ASSISTANT,
    "tool": Role.TOOL,
    "toolmessage": Role.TOOL,
    "toolmessagechunk": Role.TOOL,
    "function": Role.TOOL,
    "functionmessage": Role.TOOL,
    "functionmessagechunk": Role.TOOL,
    "ipython": Role.TOOL,
    "tool_execution_result": Role.TOOL,
    "tool_result": Role.TOOL,
}

FINISH_REASONS: dict[str, str] = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "end": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "complete": "stop",
    "completed": "stop",
    "finish": "stop",
    "finished": "stop",
    "pause_turn": "stop",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool-calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "function_calls": "tool_calls",
    "tool_execution": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "token_limit": "length",
    "incomplete": "length",
    "content_filter": "content_filter",
    "content-filter": "content_filter",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    "refusal": "content_filter",
    "safety": "content_filter",
    "recitation": "content_filter",
    "language": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
    "image_safety": "content_filter",
    "error_toxic": "content_filter",
    "malformed_function_call": "tool_calls",
}


_CLASS_ENDING = re.compile("_(?:message|turn)$")
"""How names of classes end that say whose message they hold: `UserMessage`, `my.app.UserTurn`."""


def role_of(word: Any) -> Role | None:  # noqa: ANN401 - recorded JSON
    """The role a producer's word stands for, None where it stands for none."""
    if not isinstance(word, str):
        return None
    return ROLES.get(word.lower()) or ROLES.get(_CLASS_ENDING.sub("", snake(word.rpartition(".")[2])))


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake(name: str) -> str:
    """A name in snake case, however it was written: `toolCalls`, `ToolCalls`, `_toolCalls` and `$toolCalls`."""
    return _HUMP.sub("_", name.lstrip("_$")).lower()


_WORDS = ("unified", "raw", "reason", "type", "finish_reason")
"""Names of the word in a finish reason that is an object; a stream's last choice may stand in its place."""


def finish_reason(word: Any, *, calls: bool = False) -> str | None:  # noqa: ANN401 - recorded JSON
    """A finish reason in OpenAI's words; an unknown one as it is, None where nothing was told.

    Gemini says STOP where it calls tools: with `calls` that is `tool_calls`.
    """
    known = FINISH_REASONS.get(word) if type(word) is str else None
    if known is not None:
        return known
    if isinstance(word, dict):
        word = next((told for name in _WORDS if (told := word.get(name))), None)
    if isinstance(word, list):
        word = word[0] if word else None
    if isinstance(word, str) and word[:1] in ("[", '"'):  # a span's attribute written as JSON
        word = word.strip('[]" ').partition('"')[0]
    if not isinstance(word, str) or not word:
        return None
    plain = word.rsplit(".", 1)[-1]
    reason = FINISH_REASONS.get(plain.lower()) or FINISH_REASONS.get(snake(plain), word)
    if calls and word in ("STOP", "FinishReason.STOP"):
        return "tool_calls"
    return reason
