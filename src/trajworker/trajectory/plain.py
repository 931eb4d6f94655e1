"""Objects of other libraries as plain JSON values, by what they can do and not by what they are: none is imported."""

from collections.abc import Iterator, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final

import msgspec

MESSAGE_FIELDS: Final = (
    "type", "role", "content", "id", "name", "tool_calls", "invalid_tool_calls", "tool_call_id", "status",
    "additional_kwargs", "response_metadata", "usage_metadata", "usage", "refusal", "reasoning_content",
)  # fmt: skip
"""What an object that merely looks like a message is asked for."""

CALL_FIELDS: Final = ("name", "args", "arguments", "input", "id", "type")
"""What an object that merely looks like a tool call is asked for."""

MAX_DEPTH: Final = 64
"""How deep objects may nest; what lies deeper is told by its type only (objects may refer to themselves)."""


_PYTHON: Final = ("builtins", "itertools", "collections", "_collections")
"""Where Python keeps its iterators: generators, `map`, `filter`, `reversed`, `chain`, values of dictionaries."""

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


def plain(value: object, depth: int = 0) -> Any:  # noqa: ANN401 - JSON is any of six types
    """`value` as JSON values; objects become dictionaries of their fields, and what has none its text."""
    if type(value) in _SCALARS:
        return value
    if depth > MAX_DEPTH:
        return type(value).__name__
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    return _plain_object(value, depth)


def run_through(value: object) -> Any:  # noqa: ANN401 - any object at all
    """The items of a generator or another of Python's own iterators as a list; everything else as it is.

    Iterators of other libraries stay what they are: a stream of an answer holds no messages, only pieces of one.
    """
    own = isinstance(value, Iterator | ValuesView) and type(value).__module__ in _PYTHON
    return list(value) if own else value  # type: ignore[call-overload]  # one of both kinds


def listed(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Built-in values with lists in place of tuples, as JSON has them."""
    if isinstance(value, dict):
        return {key: listed(item) for key, item in value.items()}
    return [listed(item) for item in value] if isinstance(value, list | tuple) else value


def _plain_object(value: Any, depth: int) -> Any:  # noqa: ANN401 - any object at all
    if isinstance(value, list):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, Enum):
        return plain(value.value, depth + 1)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str | int | float):  # of a class of their own
        return value
    found = value if isinstance(value, Mapping) else _fields_of(value)
    return _plain_other(value, depth) if found is None else plain(dict(found), depth + 1)


def _plain_other(value: Any, depth: int) -> Any:  # noqa: ANN401 - any object at all
    if isinstance(value, Sequence | AbstractSet):
        return [plain(item, depth + 1) for item in value]
    try:
        return msgspec.to_builtins(value)  # times, UUIDs, decimals
    except (TypeError, ValueError):
        return str(value)


def _fields_of(value: Any) -> Mapping[str, Any] | None:  # noqa: ANN401 - any object at all
    """What an object says it is made of, however it says so; None where it does not."""
    if isinstance(value, msgspec.Struct):
        builtins: dict[str, Any] = msgspec.to_builtins(value)
        return builtins
    declared = getattr(type(value), "model_fields", None)
    if isinstance(declared, Mapping):  # field by field: pydantic's own dump forgets what a subclass adds
        extra = getattr(value, "model_extra", None) or {}
        return {name: getattr(value, name) for name, field in declared.items() if field.exclude is not True} | extra
    for dump in ("model_dump", "_asdict", "to_dict"):
        method = getattr(value, dump, None)
        if callable(method) and not isinstance(value, type):
            dumped = method()
            if isinstance(dumped, Mapping):
                return dumped
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    for names in (MESSAGE_FIELDS, CALL_FIELDS):
        named = {name: getattr(value, name) for name in names if hasattr(value, name)}
        if _looks_like_one(named):
            return named
    return None


def _looks_like_one(fields: Mapping[str, Any]) -> bool:
    """A message has content and says who speaks; a call has a name and arguments."""
    if "content" in fields and ("type" in fields or "role" in fields):
        return True
    return "name" in fields and not fields.keys().isdisjoint(("args", "arguments", "input"))
