"""Undecoded JSON read leniently: whatever was recorded, something comes back and nothing is raised."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from trajworker.decoding import REFUSED
from trajworker.dialects import Draft, answer_of, otel, read_one
from trajworker.dialects.reader import is_part, is_words_of, read_all
from trajworker.dialects.speech import UNREADABLE
from trajworker.dialects.typed import read_item
from trajworker.model.run import NULL

_Kind = TypeVar("_Kind")
FIELDS = msgspec.json.Decoder(dict[str, Raw])
ITEMS = msgspec.json.Decoder(list[Raw])
EMPTY = (b"{}", b"null")
"""Payloads that tell nothing."""
_SHORT = max(map(len, EMPTY))


def lenient(raw: Raw, decoder: msgspec.json.Decoder[_Kind], default: _Kind) -> _Kind:
    """A value as a type, or a default where it is something else."""
    if raw is NULL:
        return default
    try:
        return decoder.decode(raw)
    except REFUSED:
        return default


def decoded(raw: Raw) -> Any:  # noqa: ANN401 - recorded JSON
    """A value of any kind, None where it is no JSON."""
    try:
        return msgspec.json.decode(raw)
    except REFUSED:
        return None


def is_empty(raw: Raw) -> bool:
    """Whether a payload tells nothing: an object without fields, or null."""
    return len(raw) <= _SHORT and bytes(raw) in EMPTY


def drafts_of(item: Raw) -> list[Draft]:
    """The messages of one undecoded entry; none where it breaks every dialect."""
    drafts = read_item(item)
    if drafts is not None:
        return drafts
    try:
        return read_one(msgspec.json.decode(item))
    except UNREADABLE:
        return []


def newest_first(items: Sequence[Raw]) -> Iterator[Draft]:
    """The messages of undecoded entries, the last first; entries of one assistant message (Responses) are one."""
    parts: list[Any] = []
    for place in range(len(items) - 1, -1, -1):
        item = items[place]
        drafts = None if place and b'"reasoning"' in bytes(items[place - 1]) else read_item(item)
        entry = decoded(item) if drafts is None else None
        if is_part(entry) or (place and is_words_of(entry) and is_part(decoded(items[place - 1]))):
            parts.append(entry)
            continue
        yield from _whole(parts)
        parts = []
        yield from reversed(drafts if drafts is not None else _whole([entry]))
    yield from _whole(parts)


def _whole(entries: list[Any]) -> list[Draft]:
    """The messages of entries, the last first in both; none where they break every dialect."""
    try:
        return read_all(reversed(entries))[::-1]
    except UNREADABLE:
        return []


def object_in(text: str | None) -> dict[str, object]:
    """The object that is written as text; empty where it is none."""
    try:
        return msgspec.json.decode(text, type=dict[str, object]) if text is not None and text[:1] == "{" else {}
    except REFUSED:
        return {}


def answer_in(outputs: Any) -> Draft | None:  # noqa: ANN401 - recorded JSON
    """The message that decoded outputs are or hold; none where they break every dialect."""
    try:
        return answer_of(outputs).draft
    except UNREADABLE:
        return None


def fields_of(raw: Raw) -> tuple[Raw, dict[str, Raw]]:
    """A payload and its fields, undecoded, without the span attribute that may hold it whole.

    A list of messages in such an attribute becomes `{"messages": [..]}`.
    """
    fields = lenient(raw, FIELDS, {})
    if "." not in "".join(fields):
        return raw, fields
    found = otel.unwrapped(decoded(raw))
    whole = Raw(msgspec.json.encode({"messages": found} if isinstance(found, list) else found))
    return whole, lenient(whole, FIELDS, {})
