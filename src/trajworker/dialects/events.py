"""Answers that an app sends as server-sent events, recorded line by line: the chunks that stand behind `data:`."""

from typing import Any

from trajworker.dialects import chunks, otel

_DATA = "data:"
_FIELDS = (_DATA, "event:", "id:", "retry:", ":")
"""What a line of an event begins with; a colon alone is a comment."""
_END = "[DONE]"
_PIECE = ("delta", "token", "chunk", "content", "text")
"""Names under which an event holds a piece of a text."""


def merge(texts: list[str]) -> Any:  # noqa: ANN401 - recorded JSON
    """The whole answer of recorded events; None where the texts are no events, or words that only look like one."""
    if not texts or not texts[0].startswith(_FIELDS):
        return None
    by_line = all(text.startswith(_FIELDS) for text in texts)
    sent = _sent(("\n\n" if by_line else "").join(texts))
    told = [_value(text) for text in sent if text != _END]
    if not told:
        return None
    if all(isinstance(one, dict) for one in told):
        return _of_objects(told)
    if len(told) < len(sent) or (by_line and len(texts) > 1):
        return {"content": "".join(one for one in told if isinstance(one, str))}
    return None


def _sent(text: str) -> list[str]:
    """What each event says; nothing where a line is of no event."""
    sent: list[str] = []
    for event in text.replace("\r\n", "\n").split("\n\n"):
        lines = [line for line in event.split("\n") if line]
        if not all(line.startswith(_FIELDS) for line in lines):
            return []
        said = [line.removeprefix(_DATA).removeprefix(" ") for line in lines if line.startswith(_DATA)]
        alone = all(line.startswith(("{", _END)) for line in said)
        sent += said if alone else ["\n".join(said)]
    return sent


def _value(text: str) -> Any:  # noqa: ANN401 - recorded JSON
    """The object or the words that an event says."""
    value = otel.decoded(text)
    return value if isinstance(value, dict | str) else text


def _of_objects(items: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - recorded JSON
    """The answer of a known stream, else the text that stands in pieces under one name, else the only object."""
    known = chunks.merge(items)
    if known is not None:
        return known
    for name in _PIECE:
        pieces = [item[name] for item in items if isinstance(item.get(name), str)]
        if pieces:
            whole = "".join(pieces[:-1])
            return {"content": whole if pieces[-1] == whole else whole + pieces[-1]}
    return items[0] if len(items) == 1 else None
