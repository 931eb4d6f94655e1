"""How like one text is to another, by their words, whatever was done to case, marks and links."""

import re
from collections.abc import Set as AbstractSet

HALF = 0.5
"""Share of their words in common above which two texts are one, worded otherwise."""

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
"""Letters of Thai, Lao, Burmese, Khmer, Japanese and Chinese: no space tells a word from a sentence."""
_LABEL = re.compile(rf"(?:[^\W{_UNSPACED}]|-)+")
_WORD = re.compile(r"\w+")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_LONG_WORD = re.compile(r"\w{3,}")


def is_label(text: str | None) -> bool:
    """Whether a text is one bare word, as models note of a message what it is about, or whether it is safe."""
    return text is not None and _LABEL.fullmatch(text) is not None


def bare(text: str) -> str:
    """The words of a text alone, without case and marks, a space around each."""
    return f" {' '.join(_WORD.findall(text.lower()))} "


def without_tags(text: str) -> str:
    """A text without the tags of HTML or XML, whose names are no words of it."""
    return _TAG.sub(" ", text) if "<" in text else text


def long_words(text: str) -> set[str]:
    """The words of a text that are more than an article."""
    return set(_LONG_WORD.findall(text.lower()))


def likeness(words: AbstractSet[str], others: AbstractSet[str]) -> float:
    """The share of two texts' words that both have."""
    return len(words & others) / max(len(words), len(others), 1)


def is_rewording(text: str, other: str) -> bool:
    """Whether two texts are mostly of the same words: one in HTML, masked, or with its citations replaced."""
    return likeness(long_words(text), long_words(other)) > HALF
