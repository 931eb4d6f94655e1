"""Cuts a page into its runs without understanding them: what is left when one of them cannot be decoded."""

import re

from msgspec import Struct

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:"]', re.DOTALL)
_SPACE = b" \t\r\n"
LIST_DEPTH = 2
"""The list stands inside the outermost object."""


class Torn(ValueError):
    """The text ends before the page does, or holds no list of runs at all."""


class Pieces(Struct, frozen=True):
    """The runs of a page, undecoded, and the rest of it with an empty list in their place."""

    runs: tuple[bytes, ...]
    rest: bytes


def split(content: bytes, key: str) -> Pieces:
    """Cut the list under `key` of the outermost object into its elements, in one linear pass.

    Raises:
        Torn: brackets do not close, or there is no such list.
    """
    marks = _marks(content, b'"' + key.encode() + b'"')
    opening, *inner = marks
    starts = [opening, *inner[:-1]]
    runs = tuple(content[at + 1 : end].strip(_SPACE) for at, end in zip(starts, inner, strict=True))
    return Pieces(() if runs == (b"",) else runs, content[:opening] + b"[]" + content[inner[-1] + 1 :])


def _marks(content: bytes, wanted: bytes) -> list[int]:
    """Where the wanted list opens, where its commas are, and where it closes."""
    marks: list[int] = []
    closed, depth, before, last = False, 0, b"", b""
    for token in _TOKEN.finditer(content):
        text = token.group()
        if text == b'"':
            raise Torn("the answer ends within a text")
        here = depth == LIST_DEPTH and bool(marks) and not closed
        if text in b"[{":
            depth += 1
            if depth == LIST_DEPTH and text == b"[" and not marks and (before, last) == (wanted, b":"):
                marks.append(token.start())
        elif text in b"]}":
            depth -= 1
            closed = closed or here
        if here and (closed or text == b","):
            marks.append(token.start())
        before, last = last, text
    if not closed or depth:
        raise Torn("the answer ends before its list of runs does")
    return marks
