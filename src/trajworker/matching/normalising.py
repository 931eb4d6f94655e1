"""What changes from run to run, taken out of arguments before they are written or compared: ids, times, durations.

Ids become `<id 1>`, `<id 2>` in order of first appearance, so that it still shows which were the same. A normaliser may
also be a function of a text that returns the text to keep. Keys of objects that are data or ids are texts, too; those
that could be names in a program stay.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from msgspec import structs

from trajworker.errors import ConfigError
from trajworker.matching.calls import CallPath, NoTextReturned
from trajworker.matching.data_keys import is_name, renamed

Normaliser: TypeAlias = str | Callable[[str], str]
_Change: TypeAlias = Callable[[str, Any], Any]

_ID: Final = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|\b(?:call|toolu|msg|run|resp|chatcmpl|thread|file|req|session|lc_run)[_-]+[A-Za-z0-9]{6,}\b"
    r"|\b[0-9a-f]{32}\b|\b[0-9A-HJKMNP-TV-Z]{26}\b"
)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_TIME_KEY: Final = re.compile(r"(?:^|_)(?:timestamp|time|at)$|(?:Time|At|Timestamp)$")
_DURATION: Final = re.compile(
    r"\bPT\d[\dHMS.]*\b|\b\d+(?:\.\d+)?\s?(?:ns|us|µs|ms|s|secs?|seconds?|mins?|minutes?|h|hours?)\b"
)
_DURATION_KEY: Final = re.compile(r"duration|elapsed|latency|took", re.IGNORECASE)


class UnknownNormaliser(ConfigError, ValueError):
    """A normaliser of that name does not exist; the message names those that do."""


def normalised(path: CallPath, normalisers: Iterable[Normaliser]) -> CallPath:
    """The same calls with arguments normalised; raises UnknownNormaliser, and NoTextReturned for a function."""
    changes = [_change(normaliser) for normaliser in normalisers]
    return _changed(path, changes) if changes else path


def refuse_unknown(names: Iterable[str]) -> None:
    """Raise UnknownNormaliser for a name that stands for none; a function has no name that a file could hold."""
    for name in names:
        if not isinstance(name, str) or name not in _NAMED:
            raise UnknownNormaliser(f"no normaliser is named {name!r}: there are {', '.join(_NAMED)}")


def _change(normaliser: Normaliser) -> _Change:
    if callable(normaliser):
        return lambda _, value: _told(normaliser, value) if isinstance(value, str) else value
    make = _NAMED.get(normaliser)
    if make is None:
        raise UnknownNormaliser(f"no normaliser {normaliser!r}: there are {', '.join(_NAMED)}, and your own functions")
    return make()


def _told(normaliser: Callable[[str], Any], text: str) -> str:
    """What a function keeps of a text; anything else would make all texts alike, so that every run matches."""
    kept = normaliser(text)
    if isinstance(kept, str):
        return kept
    name = getattr(normaliser, "__qualname__", type(normaliser).__qualname__)
    raise NoTextReturned(f"the normaliser {name} returned {type(kept).__name__}: return the text to keep")


def _changed(path: CallPath, changes: Sequence[_Change]) -> CallPath:
    calls = tuple(structs.replace(call, arguments=_walk("", call.arguments, changes)) for call in path.calls)
    return structs.replace(path, calls=calls)


def _walk(key: str, value: Any, changes: Sequence[_Change]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        names = _names(value, changes)
        return {names.get(name, name): _walk(str(name), item, changes) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(key, item, changes) for item in value]
    return _put(key, value, changes)


def _put(key: str, value: Any, changes: Sequence[_Change]) -> Any:  # noqa: ANN401 - JSON
    for change in changes:
        value = change(key, value)
    return value


def _names(keys: Iterable[Any], changes: Sequence[_Change]) -> dict[str, str]:
    """What stands in the place of keys that are data, or an id that could as well be a name."""
    texts = [key for key in keys if isinstance(key, str)]
    data = [key for key in texts if not is_name(key) or _is_id(key)]
    return renamed((key for key in texts if key not in data), data, lambda key: str(_put("", key, changes)))


def _is_id(key: str) -> bool:
    """Whether a key is nothing but an id: of what names are made of, too, only that with a digit (`file_contents`)."""
    return _ID.fullmatch(key) is not None and any(char.isdigit() for char in key)


def _ids() -> _Change:
    seen: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return seen.setdefault(found[0], f"<id {len(seen) + 1}>")

    return lambda _, value: _ID.sub(numbered, value) if isinstance(value, str) else value


def _times() -> _Change:
    return lambda key, value: _replaced(value, _TIME, "<time>", told_by_key=_TIME_KEY.search(key) is not None)


def _durations() -> _Change:
    return lambda key, value: _replaced(
        value, _DURATION, "<duration>", told_by_key=_DURATION_KEY.search(key) is not None
    )


def _replaced(value: Any, pattern: re.Pattern[str], name: str, *, told_by_key: bool) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return pattern.sub(name, value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return name if number and told_by_key else value


_NAMED: Final[dict[str, Callable[[], _Change]]] = {"ids": _ids, "times": _times, "durations": _durations}
