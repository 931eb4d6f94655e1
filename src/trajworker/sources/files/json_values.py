"""Cuts a stream of JSON into its values without decoding them and without holding more than the longest of them.

Values stand one behind the other (JSON Lines or not); of an array, and of an object's list under `runs` or `items`, the
elements come one by one.
"""

import re
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import IO

import msgspec
from msgspec import Raw

from trajworker.decoding import REFUSED
from trajworker.sources.wires.mending import BOM

CHUNK_BYTES = 1 << 20
LONGEST_BYTES = 256 << 20
"""A value longer than this is no run."""
LISTS = (b'"runs"', b'"items"')
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)
_SPACE = re.compile(rb"\s*")


class BrokenFile(ValueError):
    """A file ends within a value, is no JSON, or holds more than one value may weigh."""


def values(stream: IO[bytes]) -> Iterator[bytes]:
    """The values of a stream, or of the list it is.

    Raises:
        BrokenFile: it is no JSON, is cut short, or holds too large a value.
    """
    first = stream.read(CHUNK_BYTES).removeprefix(BOM)
    if _is_lines(first):
        yield from _lines(first, stream)
    else:
        yield from _Cutter(first, stream).values()


def _is_lines(first: bytes) -> bool:
    """Whether the first line is a value by itself that is no list of runs."""
    line = first.lstrip().partition(b"\n")[0].strip()
    if not line.startswith(b"{") or line.startswith((b'{"runs"', b'{"items"')):
        return False
    try:
        decoded = msgspec.json.decode(line, type=dict[str, Raw])
    except REFUSED:
        return False
    return not any(name.decode()[1:-1] in decoded for name in LISTS)


def _lines(first: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    pieces: list[bytes] = []  # of the line that has not ended yet: joined once, however long it is
    size = 0
    for chunk in chain((first,), iter(partial(stream.read, CHUNK_BYTES), b"")):
        end, *begun = chunk.split(b"\n")
        pieces.append(end)
        size += len(end)
        if begun:
            *whole, rest = begun
            yield from filter(None, map(bytes.strip, (b"".join(pieces), *whole)))
            pieces, size = [rest], len(rest)
        if size > LONGEST_BYTES:
            raise BrokenFile(f"a line of more than {LONGEST_BYTES} bytes")
    yield from filter(None, (b"".join(pieces).strip(),))


class _Cutter:
    """Follows brackets through a stream, whatever its line ends."""

    def __init__(self, first: bytes, stream: IO[bytes]) -> None:
        self._buffer = first
        self._stream = stream
        self._place = 0
        self._ended = False
        self._lines_gone = 0
        """Ends of lines in what is no longer held."""
        self._depth = 0
        self._level = 0
        """How deep the elements stand."""
        self._start = -1
        """Where the value that is open begins."""

    def values(self) -> Iterator[bytes]:
        """The values; see `values`."""
        before = last = b""
        for text, at in self._tokens():
            if text in (b"[", b"{"):
                self._open(text, at, named=before in LISTS and last == b":")
            elif text in (b"]", b"}"):
                if self._close():
                    yield self._buffer[self._start : self._place]
                    self._start = -1
            elif self._depth == self._level and self._start < 0 and text != b",":
                raise BrokenFile(f"it holds a value that is no object in line {self._line}")
            before, last = last, text
            if self._start < 0 and self._place > CHUNK_BYTES:
                self._lines_gone += self._buffer.count(b"\n", 0, self._place)
                self._buffer, self._place = self._buffer[self._place :], 0
        if self._depth:
            raise BrokenFile("it ends within a value")

    @property
    def _line(self) -> int:
        """The line in which the place is."""
        return self._lines_gone + self._buffer.count(b"\n", 0, self._place) + 1

    def _open(self, text: bytes, at: int, *, named: bool) -> None:
        """A bracket opens: a list of values, a value, or something within one."""
        in_envelope = self._depth == 1 and self._level == 0 and named
        if text == b"[" and (self._depth == 0 or in_envelope):
            self._level, self._start = self._depth + 1, -1
        elif self._depth == self._level and self._start < 0:
            self._start = at
        self._depth += 1

    def _close(self) -> bool:
        """A bracket closes; whether a value ends with it."""
        self._depth -= 1
        if self._depth < 0:
            raise BrokenFile(f"a bracket closes that was never opened in line {self._line}")
        if self._depth < self._level:
            self._level = 0
            return False
        return self._depth == self._level and self._start >= 0

    def _tokens(self) -> Iterator[tuple[bytes, int]]:
        """Texts, marks and words, each with where it begins; what is read stays until a value has ended."""
        while True:
            space = _SPACE.match(self._buffer, self._place)
            at = space.end() if space else self._place
            token = _TOKEN.match(self._buffer, at)
            if (token is None or token.end() == len(self._buffer)) and self._more():
                continue
            if token is None:
                if at < len(self._buffer):
                    raise BrokenFile("it ends within a text, or is no JSON")
                return
            self._place = token.end()
            yield token.group(), at

    def _more(self) -> bool:
        """Read on; False at the end. Each time as much again, so that a long value is looked at a few times only."""
        if self._ended:
            return False
        if len(self._buffer) - self._place > LONGEST_BYTES:
            raise BrokenFile(f"it holds a value of more than {LONGEST_BYTES} bytes")
        chunk = self._stream.read(max(CHUNK_BYTES, len(self._buffer) - self._place))
        self._ended = not chunk
        self._buffer += chunk
        return not self._ended
