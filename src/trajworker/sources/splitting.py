"""Cuts a page into its runs without understanding them: what is left when one of them cannot be decoded."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:"]', re.DOTALL)
_SPACE = b" \t\r\n"


class Torn(ValueError):
    """The text ends before the page does, or holds no list of runs at all."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The runs of a page, undecoded, and the rest of it with an empty list in their place."""

    runs: tuple[bytes, ...]
    rest: bytes


def split(content: bytes, key: str) -> Pieces:
    """Cut the list under `key` of the outermost object into its elements, in one linear pass.

    Raises:
        Torn: brackets do not close, or there is no such list.
    """
    opening, closing, runs = -1, -1, []
    depth, start, last_string, awaiting = 0, 0, b"", False
    wanted = b'"' + key.encode() + b'"'
    for token in _TOKEN.finditer(content):
        text = token.group()
        if text == b'"':
            raise Torn("the answer ends within a text")
        if text in (b"{", b"["):
            depth += 1
            if text == b"[" and depth == 2 and awaiting and opening < 0:  # noqa: PLR2004 - inside the outermost object
                opening, start = token.start(), token.end()
        elif text in (b"}", b"]"):
            if depth == 2 and opening >= 0 and closing < 0:  # noqa: PLR2004 - same
                runs.append(content[start : token.start()].strip(_SPACE))
                closing = token.end()
            depth -= 1
        elif text == b"," and depth == 2 and opening >= 0 and closing < 0:  # noqa: PLR2004 - same
            runs.append(content[start : token.start()].strip(_SPACE))
            start = token.end()
        if depth == 1:
            awaiting = text == b":" and last_string == wanted
            last_string = text if text.startswith(b'"') else b""
    if closing < 0 or depth != 0:
        raise Torn("the answer ends before its list of runs does")
    if runs == [b""]:
        runs = []
    return Pieces(tuple(runs), content[:opening] + b"[]" + content[closing:])
