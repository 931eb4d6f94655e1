"""System prompts: those that stand beside the messages, and those that were left out."""

from typing import Any

from trajworker.dialects import otel
from trajworker.dialects.draft import Draft
from trajworker.dialects.placeholders import is_placeholder
from trajworker.dialects.reader import read_all
from trajworker.dialects.speech import UNREADABLE, raw, speak
from trajworker.model.message import SYSTEM


def system_drafts(value: Any) -> list[Draft]:  # noqa: ANN401 - recorded JSON
    """System prompts given beside the messages; one raw message where they break every dialect."""
    try:
        return _system_drafts(value)
    except UNREADABLE:
        draft = raw(value)
        draft.role = SYSTEM
        return [draft]


def _system_drafts(value: Any) -> list[Draft]:  # noqa: ANN401 - recorded JSON
    """Text, blocks, or a Gemini content."""
    value = otel.decoded(value)
    if not value or is_placeholder(value):
        return []
    if isinstance(value, dict) and "parts" not in value and "content" in value:
        value = value["content"]
    if isinstance(value, list) and any(map(_is_message, value)):
        return read_all(value)
    drafts = speak("system", value)
    return [draft for draft in drafts if draft.content or draft.blocks]


def _is_message(item: Any) -> bool:  # noqa: ANN401 - recorded JSON
    """Whether one of several system prompts is a message, and no block of one."""
    return isinstance(item, dict) and ("role" in item or item.get("type") == "system")


def without_left_out(drafts: list[Draft]) -> list[Draft]:
    """A prompt without the system prompt that a client put before it though the app gave none (`wrap_anthropic`).

    An empty one beside another is an app's own.
    """
    first = drafts[0] if drafts else None
    if first is None or first.role is not SYSTEM or first.blocks:
        return drafts
    alone = len(drafts) == 1 or drafts[1].role is not SYSTEM
    left_out = is_placeholder(first.content) if first.content else alone
    return drafts[1:] if left_out else drafts
