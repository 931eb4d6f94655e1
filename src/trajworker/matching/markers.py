"""Arguments as a golden file writes them: plain JSON, with matchers as objects that carry `$trajworker`.

An argument that has such a key of its own is wrapped as a literal, so whatever an agent passed comes back as it was.
Any arguments are written as the matcher `any`; a null in a file is the value null and nothing else.
"""

from math import isfinite
from typing import Any, Final

import msgspec

from trajworker.matching.json_values import json_value
from trajworker.matching.matchers import ANY, MATCHERS, AnyValue, Approx, OneOf, Regex, one_of

MARK: Final = "$trajworker"
LITERAL: Final = "literal"


class MalformedMarker(ValueError):
    """An object with `$trajworker` that is no matcher; the message names those there are."""


class Unspeakable(TypeError):
    """A value that JSON cannot say; the message names its type."""


def written(value: object) -> Any:  # noqa: ANN401 - JSON
    """A value as plain JSON; raises Unspeakable for what JSON cannot say."""
    return _marked(json_value(value))


def _marked(value: object) -> Any:  # noqa: ANN401 - JSON
    match value:
        case OneOf():
            return {MARK: "one_of", "values": [_marked(item) for item in value.values]}
        case Approx() if not all(map(isfinite, (value.value, value.relative, value.absolute))):
            raise Unspeakable("JSON has no word for a number that approx holds")
        case AnyValue() | Regex() | Approx():
            return msgspec.to_builtins(value)
        case dict():
            plain = {key: _marked(item) for key, item in value.items()}
            return {MARK: LITERAL, "value": plain} if MARK in plain else plain
        case list():
            return [_marked(item) for item in value]
        case None | bool() | int() | float() | str():
            return value
        case _:
            raise Unspeakable(f"JSON has no word for {type(value).__name__}: {value!r:.100}")


def written_arguments(arguments: object) -> Any:  # noqa: ANN401 - JSON
    """The arguments of a call; None, which means any, as the marker that says so."""
    return written(ANY if arguments is None else arguments)


def read(value: object) -> Any:  # noqa: ANN401 - a value or matcher
    """What `written` wrote."""
    if isinstance(value, list):
        return [read(item) for item in value]
    if not isinstance(value, dict):
        return value
    if MARK not in value:
        return {key: read(item) for key, item in value.items()}
    if value[MARK] == LITERAL and isinstance(value.get("value"), dict):
        return {key: read(item) for key, item in value["value"].items()}
    return _matcher(value)


def read_arguments(arguments: object) -> Any:  # noqa: ANN401 - a value or matcher
    """The arguments of a call as an expectation: None for any, and a null that only null matches."""
    found = one_of(None) if arguments is None else read(arguments)
    return None if isinstance(found, AnyValue) else found


def _matcher(value: dict[str, Any]) -> Any:  # noqa: ANN401 - one of the matchers
    try:
        found = msgspec.convert(value, AnyValue | Regex | Approx | OneOf)
    except msgspec.ValidationError as error:
        kinds = ", ".join(sorted(str(kind.__struct_config__.tag) for kind in MATCHERS))
        raise MalformedMarker(f"{MARK} marks one of {kinds}, {LITERAL}: {error}") from error
    return OneOf(tuple(read(item) for item in found.values)) if isinstance(found, OneOf) else found
