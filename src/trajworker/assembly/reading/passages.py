"""Long texts that calls beside the dialogue wrote, known again by digest where a later trace passes them on."""

import re
from collections.abc import Iterable

from trajworker.assembly.kept.context import Passage
from trajworker.dialects import words_digest
from trajworker.model.message import USER

LONG_QUOTE = 24
"""Characters from which a text is passed on where it stands, and not a few words that somebody happened to say too."""

REMEMBERED = 16
"""Passages that a conversation remembers, the newest."""

_START = re.compile(r"(?:^|[:>\n])[\s\"'`*]*")
"""Where an app puts a text that it passes on: first, or behind a colon, a tag or a line."""


def with_passages(before: list[Passage], texts: Iterable[str | None]) -> list[Passage]:
    """The passages until now, and the long ones among these texts."""
    found = [_passage(text) for text in texts if text is not None and len(text) >= LONG_QUOTE]
    return [*(one for one in before if one not in found), *found][-REMEMBERED:] if found else before


def passes_on(text: str, passages: Iterable[Passage]) -> bool:
    """Whether a text has one of these passages in it, word for word."""
    starts = [found.end() for found in _START.finditer(text)]
    return any(
        _passage(text[start : start + length]) == (length, key)
        for length, key in passages
        for start in starts
        if start + length <= len(text)
    )


def _passage(text: str) -> Passage:
    return len(text), words_digest(USER, text)
