"""Arguments as JSON tells them: what comes back out of a golden file of the values that a program passed.

Times, UUIDs and decimals become their text, so do NaN and the infinities (`NaN`, `Infinity`, `-Infinity`), dataclasses
objects, sets lists in an order that never changes, bytes their text (base64 where they are none), keys text. Two runs
that passed the same values tell the same.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

import msgspec
from msgspec import structs

from trajworker.matching.arrays import without_arrays
from trajworker.matching.calls import CallPath, MalformedCall
from trajworker.matching.matchers import MATCHERS, OneOf


def json_path(path: CallPath) -> CallPath:
    """The same calls, their arguments as JSON tells them; raises MalformedCall where two keys become one."""
    if path.json:
        return path
    calls = tuple(structs.replace(call, arguments=json_value(call.arguments)) for call in path.calls)
    return structs.replace(path, calls=calls, json=True)


def json_value(value: object) -> Any:  # noqa: ANN401 - JSON
    """A value as JSON tells it; matchers, and what JSON has no word for, stay what they are.

    Raises MalformedCall where two keys of one object would become one.
    """
    match value:
        case None | bool() | int() | float() | str():
            return json.dumps(value) if isinstance(value, float) and not isfinite(value) else value
        case Mapping():
            return _object(value)
        case list() | tuple():
            return [json_value(item) for item in value]
        case set() | frozenset():
            return _sorted(value)
        case bytes() | bytearray():
            return _text(bytes(value))
        case _:
            return _other(value)


def _object(value: Mapping[Any, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in value.items():
        name = _key(key)
        if name in plain:
            raise MalformedCall(f"two keys of one object are both {name!r} in JSON: give them names that differ")
        plain[name] = json_value(item)
    return plain


def _key(key: object) -> str:
    plain = json_value(key)
    if isinstance(plain, str):
        return plain
    return json.dumps(plain) if isinstance(plain, int | float | None) else str(key)


def _sorted(values: Iterable[Any]) -> list[Any]:
    return sorted(
        (json_value(item) for item in values), key=lambda item: json.dumps(item, sort_keys=True, default=repr)
    )


def _text(data: bytes) -> str:
    """Text where it is text, so that a redactor finds what is personal in it."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return b64encode(data).decode("ascii")


def _other(value: Any) -> Any:  # noqa: ANN401 - any object at all
    if isinstance(value, OneOf):
        return OneOf(tuple(json_value(item) for item in value.values))
    if isinstance(value, MATCHERS):
        return value
    plain = without_arrays(value)
    if plain is not value:
        return json_value(plain)
    try:
        plain = msgspec.to_builtins(value, builtin_types=(bytes, bytearray), order="deterministic")
    except (TypeError, ValueError):
        return value
    return plain if plain is value else json_value(plain)
