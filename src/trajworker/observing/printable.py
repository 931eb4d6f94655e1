"""Text of strangers (ids, names, messages) made safe for a terminal: what could act on it is shown as an escape."""

from typing import Final
from unicodedata import category

_SPOKEN: Final = frozenset("\n\t\u200c\u200d")
"""Beside spaces of any width, what texts are made of though it has no shape: lines, tabs, joiners of letters."""


def printable(text: str) -> str:
    r"""The text with every control and other unprintable character written as an escape such as `\x1b`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def printable_text(text: str) -> str:
    """The same for text of several lines: line feeds, tabs and whatever else writers use between letters stay."""
    if text.isprintable():
        return text
    return "".join(char if _is_written(char) else _escaped(char) for char in text)


def _is_written(char: str) -> bool:
    return char.isprintable() or char in _SPOKEN or category(char) == "Zs"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
