"""From what a file, a variable or an option says to the value of one key; and back to TOML."""

import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from trajworker.config.catalog import CatalogKey
from trajworker.config.endpoint import Endpoint, root_of
from trajworker.config.secret import MASK, Secret
from trajworker.config.values import ByteSize, aware, duration, duration_text, moment, size, size_text
from trajworker.model.times import Moment

_WORDS: Final = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_BRACKETED: Final = re.compile(r"\s*\[\s*(?:[\"'].*)?\]\s*", re.DOTALL)
"""A list as JSON or Python writes it; a pattern such as `[ab]*` is none."""


def convert(key: CatalogKey, given: object) -> Any:  # noqa: ANN401 - the type is the key's, known at run time
    """The value of `key`; raises ValueError with advice that does not repeat what was given."""
    value = _reader(key.type)(given)
    _check_bounds(key, value)
    return value


def to_toml(value: object) -> str:  # noqa: PLR0911 - one return for each type that TOML has
    """A value as it is written in a TOML file."""
    match value:
        case bool():
            return str(value).lower()
        case Secret():
            return f'"{MASK}"'
        case timedelta():
            return f'"{duration_text(value)}"'
        case datetime():
            return f'"{value.isoformat().replace("+00:00", "Z")}"'
        case str() | Path():
            return json.dumps(str(value), ensure_ascii=False)
        case int() | float():
            return str(value)
        case tuple():
            return f"[{', '.join(to_toml(item) for item in value)}]"
        case dict():
            pairs = ", ".join(
                f"{json.dumps(name, ensure_ascii=False)} = {to_toml(item)}" for name, item in value.items()
            )
            return f"{{ {pairs} }}" if pairs else "{}"
        case _:
            raise TypeError(f"no TOML for {type(value).__name__}")


def key_to_toml(key: CatalogKey, value: object) -> str:
    """The value of a key as TOML: as `to_toml`, with sizes in their unit."""
    return f'"{size_text(value)}"' if key.type is ByteSize and isinstance(value, int) else to_toml(value)


def type_name(key: CatalogKey) -> str:
    """The type of a key in the words of its reader."""
    if isinstance(key.type, type) and issubclass(key.type, StrEnum):
        return " | ".join(key.type)
    return _TYPE_NAMES[key.type]


_TYPE_NAMES: Final[dict[Any, str]] = {
    bool: "true | false",
    int: "whole number",
    float: "number",
    str: "text",
    Endpoint: "URL",
    Path: "path",
    Secret: "secret",
    timedelta: "duration",
    ByteSize: "size",
    Moment: "time or age",
    tuple[str, ...]: "list of texts",
    dict[str, float]: "table of numbers",
    dict[str, str]: "table of texts",
}


def _reader(kind: Any) -> Callable[[object], Any]:  # noqa: ANN401 - a type hint has no narrower type
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return lambda given: _choice(kind, given)
    if get_origin(kind) is dict:
        item = _READERS[get_args(kind)[1]]
        return lambda given: {str(name): _item(name, value, item) for name, value in _table(given).items()}
    return _READERS[kind]


def _item(name: object, given: object, item: Callable[[object], Any]) -> Any:  # noqa: ANN401 - the type is the table's
    try:
        return item(given)
    except ValueError as advice:
        raise ValueError(f"{name}: {advice}") from None


def _flag(given: object) -> bool:
    if isinstance(given, bool):
        return given
    word = _WORDS.get(given.strip().lower()) if isinstance(given, str) else None
    if word is None:
        raise ValueError("write true or false")
    return word


def _whole(given: object) -> int:
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    try:
        return int(_text(given))
    except ValueError:
        raise ValueError("write a whole number") from None


def _number(given: object) -> float:
    if isinstance(given, int | float) and not isinstance(given, bool):
        value = float(given)
    else:
        try:
            value = float(_text(given))
        except ValueError:
            raise ValueError("write a number") from None
    if not math.isfinite(value):
        raise ValueError("write a finite number")
    return value


def _text(given: object) -> str:
    if isinstance(given, str) and given.strip() and "\0" not in given:
        return given
    raise ValueError("write a text that is not empty, in quotes")


def _utf8(text: str) -> str:
    """The text, where it is one: a terminal of another encoding gives bytes that are none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("write it in UTF-8") from None
    return text


def _secret(given: object) -> Secret:
    if isinstance(given, Secret):
        return given
    if not isinstance(given, str) or not given.strip():
        raise ValueError("the value is empty")
    return Secret(given)


def _path(given: object) -> Path:
    named = Path(_text(str(given) if isinstance(given, Path) else given))
    try:
        return named.expanduser()
    except RuntimeError:
        raise ValueError("there is no home folder that ~ could stand for: write the whole path") from None


def _duration(given: object) -> timedelta:
    return given if isinstance(given, timedelta) else duration(_text(given))


def _size(given: object) -> ByteSize:
    if isinstance(given, int) and not isinstance(given, bool):
        return ByteSize(given)
    return size(_text(given))


def _moment(given: object) -> Moment:
    if isinstance(given, datetime):
        return aware(given)
    if isinstance(given, timedelta):
        return given
    if isinstance(given, date):
        return aware(datetime(given.year, given.month, given.day))  # noqa: DTZ001 - aware() makes it UTC, as for text
    return moment(_text(given))


def _choice(kind: type[StrEnum], given: object) -> StrEnum:
    try:
        return kind(_text(given).strip().lower())
    except ValueError:
        raise ValueError(f"write one of {', '.join(kind)}") from None


def _texts(given: object) -> tuple[str, ...]:
    if isinstance(given, str):
        if _BRACKETED.fullmatch(given):
            raise ValueError("write a list with commas between its texts, such as a,b: without brackets and quotes")
        return tuple(_utf8(part.strip()) for part in given.split(",") if part.strip())
    if isinstance(given, list | tuple):
        return tuple(_utf8(_text(item)) for item in given)
    raise ValueError("write a list of texts")


def _table(given: object) -> dict[str, object]:
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise ValueError('write a JSON object, such as {"helpfulness": 2}') from None
    if not isinstance(given, dict):
        raise ValueError("write a table of names and values")  # noqa: TRY004 - callers collect ValueErrors as problems
    return given


_READERS: Final[dict[Any, Callable[[object], Any]]] = {
    bool: _flag,
    int: _whole,
    float: _number,
    str: lambda given: _utf8(_text(given).strip()),
    Endpoint: lambda given: root_of(_utf8(_text(given))),
    Path: _path,
    Secret: _secret,
    timedelta: _duration,
    Moment: _moment,
    ByteSize: _size,
    tuple[str, ...]: _texts,
}


def _check_bounds(key: CatalogKey, value: Any) -> None:  # noqa: ANN401 - bounds compare with what they bound
    if key.key.least is not None and value < key.key.least:
        raise ValueError(f"write at least {_bound_text(key, key.key.least)}")
    if key.key.most is not None and value > key.key.most:
        raise ValueError(f"write at most {_bound_text(key, key.key.most)}")


def _bound_text(key: CatalogKey, bound: float | timedelta) -> str:
    return key_to_toml(key, bound).strip('"')
