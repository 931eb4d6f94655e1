"""Turns inside one trace: a session in which the user speaks again after an answer, all of it under one root."""

from collections import Counter
from datetime import datetime

from trajworker.assembly.dialogues.scopes import Sorted
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.roots import Root, texts_given
from trajworker.assembly.reading.words import is_phrase
from trajworker.model.run import Run

Break = tuple[datetime | None, datetime]
"""When a turn had been answered, and when the one behind it begins."""


class Session:
    """Where the user speaks again in a trace."""

    def __init__(self, run: Run, root: Root, chosen: Sorted) -> None:
        """The root's run, what it was given and gave back, and the agent's calls below it."""
        self.breaks: list[Break] = []
        self._run = run
        self._root = root
        self._calls = chosen.main
        self._reopening = set(map(id, chosen.reopening)) if chosen.reopening else frozenset()
        self._given: Counter[str] | None = None
        self._answers: set[str | None] | None = None

    def speaks(self, words: str | None, asked: str | None) -> bool:
        """Whether words behind an answer are the user's: the root was given them too, or not even what was `asked`.

        A root that was given the question and nothing more is one turn, whatever its prompts go on to say: such words
        are the app's (another try, a reflection). So is one that was given anything and gave back the last answer only.
        A root that only repeats what its first call was given and its last gave back (OpenAI Agents) tells nothing.
        """
        text, question = (words or "").strip(), (asked or "").strip()
        if not text or not question:
            return False
        if self._given is None:
            self._given = Counter([] if self._repeats_calls() else texts_given(self._run))
            self._given[question] -= 1
        if self._given[text] > 0:
            self._given[text] -= 1
            return True
        if +self._given and self._gave_last_answer():
            return False
        return not any(_tells(given, question) for given, times in self._given.items() if times >= 0)

    def reopens(self, call: Call) -> bool:
        """Whether a call goes on with the dialogue in a new context, whatever its prompt repeats."""
        return id(call) in self._reopening

    def _repeats_calls(self) -> bool:
        """Whether the root tells, byte for byte, what its first call was given and what its last gave back."""
        if not self._calls or bytes(self._run.inputs) != bytes(self._calls[0].run.inputs):
            return False
        return bytes(self._run.outputs) == bytes(self._calls[-1].run.outputs)

    def _gave_last_answer(self) -> bool:
        """Whether the root gave back the last answer of the calls below it, and none before that."""
        said, finals = [call.text for call in self._calls if call.text is not None], self._root.finals()
        return len(said) > 1 and said[-1] in finals and finals.isdisjoint(said[:-1])

    def turns_after(self, time: datetime, *, answered: bool) -> int:
        """How many turns begin after a time: as soon as the one before is `answered`, else with the next question."""
        return sum((answer if answered and answer else begun) > time for answer, begun in self.breaks)

    def work_after(self, call: Call) -> int:
        """How many turns begin after a call beside the dialogue: it is for the next question, or says an answer."""
        given = call.read()[-1].content if self.breaks and call.read() else None
        if self._answers is None:
            self._answers = {one.text for one in self._calls}
        said = given is not None and given.strip() in self._answers
        return self.turns_after(call.run.start_time, answered=not said)


def _tells(text: str, question: str) -> bool:
    """Whether a text is the question, a part of it that a template stood around, or holds it."""
    return text == question or (is_phrase(text) and text in question) or (is_phrase(question) and question in text)
