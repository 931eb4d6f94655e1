"""Turns inside one trace: a session in which the user speaks again after an answer, all of it under one root."""

from collections import Counter
from datetime import datetime

from trajworker.assembly.roots import texts_given
from trajworker.assembly.words import is_phrase
from trajworker.model.run import Run


class Session:
    """Where the user speaks again in a trace."""

    def __init__(self, root: Run | None, *, answers_last: bool = False) -> None:
        """`answers_last`: whether what the root gave back is the last answer of its calls, and none before it."""
        self.breaks: list[tuple[datetime | None, datetime]] = []
        """When a turn had been answered, and when the one behind it begins."""
        self._root = root
        self._answers_last = answers_last
        self._given: Counter[str] | None = None

    def speaks(self, words: str | None, asked: str | None) -> bool:
        """Whether words behind an answer are the user's: the root was given them too, or not even what was `asked`.

        A root that was given the question and nothing more is one turn, whatever its prompts go on to say: such words
        are the app's (another try, a reflection). So is one that was given anything and gave back the last answer only.
        """
        text, question = (words or "").strip(), (asked or "").strip()
        if self._root is None or not text or not question:
            return False
        if self._given is None:
            self._given = Counter(texts_given(self._root))
            self._given[question] -= 1
        if self._given[text] > 0:
            self._given[text] -= 1
            return True
        if self._answers_last and +self._given:
            return False
        return not any(_tells(given, question) for given, times in self._given.items() if times >= 0)

    def turns_after(self, time: datetime) -> int:
        """How many turns begin after a time: as soon as the one before is answered, work is for the next question."""
        return sum((answered or begun) > time for answered, begun in self.breaks)


def _tells(text: str, question: str) -> bool:
    """Whether a text is the question, a part of it that a template stood around, or holds it."""
    return text == question or (is_phrase(text) and text in question) or (is_phrase(question) and question in text)
