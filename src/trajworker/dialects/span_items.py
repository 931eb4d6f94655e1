"""One answer that spans tell as several messages, one an item of the Responses API: thoughts, words, each call.

OpenInference wraps what a message is made of (`contents[].message_content`, `tool_calls[].tool_call`); GenAI's
semantic conventions have `parts`.
"""

from typing import Any

_LISTS = ("contents", "tool_calls", "parts")
"""Fields of a span's message that list what it is made of."""
_THOUGHTS = frozenset({"reasoning", "thinking"})


def joined(messages: list[Any]) -> list[Any]:
    """Messages of a span, those as one that are items of one answer: calls behind others, words behind thoughts."""
    found: list[Any] = []
    for message in messages:
        kinds = _kinds(message)
        ahead = _kinds(found[-1]) if kinds and found else None
        if ahead and (kinds == {"tool_call"} or ahead <= _THOUGHTS):
            found[-1] = _one(found[-1], message)
        else:
            found.append(message)
    return found


def _one(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    both = {name: [*first[name], *second[name]] for name in _LISTS if name in first and name in second}
    message = first | second | both
    if "contents" in both:
        message.pop("content", None)  # the words of one of them, once more
    return message


def _kinds(message: Any) -> set[str] | None:  # noqa: ANN401 - recorded JSON
    """The kinds of what an assistant's message is made of; None for other messages, and those that are no span's."""
    if not isinstance(message, dict) or message.get("role") != "assistant":
        return None
    if message.get("content") and "contents" not in message:
        return None
    made = [_kind(one) for name in _LISTS if isinstance(message.get(name), list) for one in message[name]]
    return {kind for kind in made if kind} if all(made) else None


def _kind(item: Any) -> str | None:  # noqa: ANN401 - recorded JSON
    """What an item is, None where no span would tell it so."""
    if not isinstance(item, dict):
        return None
    if "tool_call" in item:
        return "tool_call"
    part = item.get("message_content", item)
    kind = part.get("type") if isinstance(part, dict) else None
    return kind if isinstance(kind, str) else None
