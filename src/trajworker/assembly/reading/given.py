"""What a function was given, by name: also by position, in the parts of a message, or deep in a request."""

from typing import Any

from msgspec import Raw

from trajworker.assembly.reading.naming import ASKED, DOCUMENTS, NOBODYS, is_id
from trajworker.assembly.reading.payloads import FIELDS, ITEMS, decoded, lenient

_PARTS = ("parts", "content")
"""Names under which a message holds its parts."""
_READ_WHOLE = ("input", "output")
"""Names of objects that tell more than their fields do."""
_MESSAGES = (b"[{", b"[[")
"""How a list of messages begins."""


def by_name(given: dict[str, Raw]) -> dict[str, Raw]:
    """The fields that a function was given, those of a lone object (a form, a state) and arguments by position too."""
    if len(given) != 1:
        return given
    ((name, alone),) = given.items()
    if name in _READ_WHOLE or name in NOBODYS:
        return given
    start = bytes(alone)[:1]
    if start == b"{":
        return lenient(alone, FIELDS, {}) or given
    return _by_place(lenient(alone, ITEMS, [])) or given if name == "args" and start == b"[" else given


def _by_place(arguments: list[Raw]) -> dict[str, Raw]:
    """The fields of objects among arguments that JS recorded by position, the messages, and the texts by their place.

    Ids beside words are left out.
    """
    fields: dict[str, Raw] = {}
    texts: dict[str, Raw] = {}
    for place, item in enumerate(arguments):
        start = bytes(item)[:2]
        if start[:1] == b"{":
            fields = lenient(item, FIELDS, {}) | fields
        elif start in _MESSAGES:
            fields.setdefault("messages", item)
        elif start[:1] == b'"':
            texts[str(place)] = item
    words = {place: item for place, item in texts.items() if not is_id(decoded(item) or "")}
    return fields | (words or texts)


def plain(name: str, value: Raw) -> Any:  # noqa: ANN401 - recorded JSON
    """A field that may hold words; lists, which are messages or documents, are not looked into, but for parts."""
    if bytes(value)[:1] != b"[":
        return decoded(value)
    parts = decoded(value) if name in _PARTS else None
    texts = [part.get("text") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return "\n".join(filter(None, texts)) if all(isinstance(text, str) for text in texts) else []


def words_below(fields: dict[str, Any], depth: int) -> dict[str, str]:
    """The user's words where they stand deeper, in a request or an event: the first found, by name."""
    for holder, value in fields.items():
        if not isinstance(value, dict) or holder in NOBODYS:
            continue
        for name in (*ASKED, *DOCUMENTS):
            if isinstance(value.get(name), str) and value[name].strip():
                return {name: value[name]}
        found = words_below(value, depth - 1) if depth else {}
        if found:
            return found
    return {}
