"""Turns inside one trace: a session in which the user speaks again after an answer, all of it under one root."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from trajworker.assembly.dialogues.repeated_roots import only_repeats
from trajworker.assembly.dialogues.scopes import Sorted
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.roots import Root, is_written_in, texts_given
from trajworker.assembly.reading.searches import Search
from trajworker.assembly.reading.words import is_phrase
from trajworker.model.run import Run

Break = tuple[datetime | None, datetime]
"""When a turn had been answered, and when the one behind it begins."""


class Session:
    """Where the user speaks again in a trace."""

    def __init__(self, run: Run, root: Root, chosen: Sorted, searches: Sequence[Search] = ()) -> None:
        """The root's run, what it was given and gave back, the calls below it, and what was looked up there."""
        self.breaks: list[Break] = []
        self._run = run
        self._root = root
        self._calls = chosen.main
        self._beside = chosen.internal
        self._searches = searches
        self._questions: list[tuple[str, str]] = []
        """What was asked before each break, and behind it."""
        self._is_heard = False
        """Whether the app is known to look into what the user says."""
        self._reopening = set(map(id, chosen.reopening)) if chosen.reopening else frozenset()
        self._given: Counter[str] | None = None
        self._answers: set[str | None] | None = None

    def speaks(self, words: str | None, asked: str | None) -> bool:
        """Whether words behind an answer are the user's: the root was given them too, or not even what was `asked`.

        A root that was given the question and nothing more is one turn, whatever its prompts go on to say: such words
        are the app's (another try, a reflection). So is one that was given anything and gave back the last answer only.
        A root that only repeats what its first call was given and its last gave back (OpenAI Agents) tells nothing.
        Whatever the root was given, words are the user's that the app looked into before it answered them, and so are
        all behind these.
        """
        text, question = (words or "").strip(), (asked or "").strip()
        speaks = bool(text and question) and self._says(text, question)
        if speaks:
            self._questions.append((question, text))
        return speaks

    def _says(self, text: str, question: str) -> bool:
        """Whether the user says a text behind the answer to a question."""
        if self._given is None:
            self._given = Counter([] if only_repeats(self._run, self._calls) else texts_given(self._run))
            self._given[question] -= 1
        if self._given[text] > 0:
            self._given[text] -= 1
            return True
        self._is_heard = self._is_heard or self._was_looked_into(text)
        if self._is_heard:
            return True
        if +self._given and self._gave_last_answer():
            return False
        return not any(_tells(given, question) for given, times in self._given.items() if times >= 0)

    def reopens(self, call: Call) -> bool:
        """Whether a call goes on with the dialogue in a new context, whatever its prompt repeats."""
        return id(call) in self._reopening

    def _was_looked_into(self, text: str) -> bool:
        """Whether a text was looked up, or given alone to a call beside the dialogue, and no call said it.

        An app that asks its model again checks the answer, not its own words. It may look these up like any others, but
        then the last answer is what it was after.
        """
        looked_up = any((one.query or "").strip() == text for one in self._searches)
        if (not looked_up or self._gave_last_answer()) and not any(call.asked_alone == text for call in self._beside):
            return False
        return not any(is_written_in(call.run.outputs, text) for call in (*self._calls, *self._beside))

    def _gave_last_answer(self) -> bool:
        """Whether the root gave back the last answer of the calls below it, and none before that."""
        said, finals = [call.text for call in self._calls if call.text is not None], self._root.finals()
        if len(said) < 2 or said[-1] not in finals:  # noqa: PLR2004 - one answer is the last, and tells nothing
            return False
        told = {draft.text for draft in self._root.given_back()} if self._root.trailing else finals
        return told.isdisjoint(said[:-1])

    def turns_after(self, time: datetime, *, answered: bool) -> int:
        """How many turns begin after a time: as soon as the one before is `answered`, else with the next question."""
        return sum((answer if answered and answer else begun) > time for answer, begun in self.breaks)

    def work_after(self, call: Call) -> int:
        """How many turns begin after a call beside the dialogue: it is for the next question, or about what was said.

        What is said already is an answer, or the question before the next one (a title).
        """
        drafts = call.read() if self.breaks else []
        given = drafts[-1].text if drafts else None
        if self._answers is None:
            self._answers = {one.text for one in self._calls}
        time = call.run.start_time
        said = given in self._answers or self._is_asked_already(given, time)
        return self.turns_after(time, answered=not said)

    def _is_asked_already(self, text: str | None, time: datetime) -> bool:
        """Whether a text is the question before a time, and not the one behind it."""
        begun = (begun for _, begun in self.breaks)
        pair = next((pair for pair, begun in zip(self._questions, begun, strict=False) if begun > time), None)
        return pair is not None and pair[0] == text != pair[1]


def _tells(text: str, question: str) -> bool:
    """Whether a text is the question, a part of it that a template stood around, or holds it."""
    return text == question or (is_phrase(text) and text in question) or (is_phrase(question) and question in text)
