"""Pointers into arguments (JSON Pointer, RFC 6901), and patterns of them with globs.

A pattern is a pointer whose segments may hold `*`, `?` and `[...]`; the segment `**` stands for any number of segments.
"""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final, TypeAlias

from msgspec import Struct

Path: TypeAlias = tuple[str, ...]

ANY_DEPTH: Final = "**"

ABSENT: Final = object()
"""Stands for a value that is not there, where null is another thing."""

REMEMBERED_FITS: Final = 4096
"""Answers kept: the same few paths are asked for in every call."""


def pointer(path: Path) -> str:
    """`("a", "b/c")` as `/a/b~1c`."""
    return "".join("/" + segment.replace("~", "~0").replace("/", "~1") for segment in path)


def segments(text: str) -> Path:
    """The segments of a JSON pointer, or of a dotted key such as `user.id`."""
    if text.startswith("/"):
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))
    return tuple(text.split("."))


def lookup(value: object, path: Path, absent: object = None) -> Any:  # noqa: ANN401 - any JSON value may stand there
    """What stands at `path`, `absent` where nothing does."""
    for segment in path:
        if isinstance(value, Mapping):
            value = value.get(segment, absent)
        elif isinstance(value, Sequence) and not isinstance(value, str) and segment.isdecimal():
            value = value[int(segment)] if int(segment) < len(value) else absent
        else:
            return absent
    return value


class PathPatterns(Struct, frozen=True):
    """Which paths are left out of a comparison."""

    patterns: tuple[Path, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.patterns)

    def covers(self, path: Path) -> bool:
        """Whether a pattern names `path` itself (what lies below it is then never looked at)."""
        return any(_fits(path, pattern) for pattern in self.patterns)


def path_patterns(texts: Iterable[str]) -> PathPatterns:
    """Patterns out of their texts; a text that begins without `/` is a dotted key."""
    return PathPatterns(tuple(segments(text) for text in texts))


@lru_cache(maxsize=REMEMBERED_FITS)
def _fits(path: Path, pattern: Path) -> bool:
    if not pattern:
        return not path
    if pattern[0] == ANY_DEPTH:
        return _fits(path, pattern[1:]) or (bool(path) and _fits(path[1:], pattern))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _fits(path[1:], pattern[1:])
