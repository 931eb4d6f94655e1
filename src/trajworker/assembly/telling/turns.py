"""Where a turn begins in a message list: the user's message in his own words, a word behind an answer, or no word."""

from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.words import (
    Opening,
    is_given,
    is_phrase,
    own_words,
    root_drafts,
    trailing_block,
    turn_user,
    words_inside,
)
from trajworker.assembly.telling.fresh import Keyed
from trajworker.assembly.telling.results import Results
from trajworker.dialects import Draft, digest
from trajworker.dialects.speech import RAW
from trajworker.model.message import ASSISTANT, SYSTEM, USER


class Turns(Results):
    """Begins turns."""

    def speaks_again(self, call: Call, rest: list[Keyed], view: list[tuple[int, int]]) -> bool:
        """Whether the user speaks behind an answer that was the turn's last: a session, all of it in this trace."""
        answer = self.own(self.answer) if self.answer is not None else None
        asked = self.own(self.turn_user) if self.turn_user is not None else None
        if self.frame.session is None or answer is None or asked is None or not rest:
            return False
        named = call.prompt.previous is not None or self.frame.session.reopens(call)
        goes_on = named or self._ends_with_answer(view, answer)
        if not goes_on or answer.tool_calls or answer.finish_reason not in (None, "stop"):
            return False
        place = turn_user([draft for draft, _ in rest], None)
        draft = rest[place][0] if trailing_block(rest) == 0 and place < len(rest) else None
        if draft is None or self.quotes.quoted(draft) or self.quotes.judged(draft):
            return False
        if not self.frame.session.speaks(draft.content, asked.content):
            return False
        self.frame.session.breaks.append((self.steps[-1].call.run.end_time, call.run.start_time))
        self.answered = False
        return True

    def add_user(self, draft: Draft, key: bytes, opening: Opening | None, start: int) -> int:
        """The message that begins a turn, in the user's own words where a template stood between.

        The same prompt's messages begin at `start`: what users said in it right before belongs to the turn, or to those
        before of which nothing else is told.
        """
        self.turn += 1
        if RAW in draft.flags:
            draft.content = draft.content or words_inside(draft, opening)
        words = own_words(draft, opening, made=self.quotes.made(draft) or self._is_handed_on(draft, opening))
        if words is not None:
            draft.rendered, draft.content, draft.blocks = draft.content, words, None
        for place in range(len(self.drafts) - 1, -1, -1):
            before = self.drafts[place]
            beside = before.role is USER and place >= start
            if not (beside or is_given(before, opening) or (before.role is SYSTEM and before.turn != 0)):
                break
            before.turn = self.turn
        if self.before.wordless and self.turn == self.before.entries + 1:
            self._asked_in_vain(start)
        index = self.add(draft, key)
        if words is not None:
            self.spoken.setdefault(digest(draft), []).append(index)
        self.turn_user = index
        return index

    def _is_handed_on(self, draft: Draft, opening: Opening | None) -> bool:
        """Whether a message is, word for word, what a call beside the dialogue made of the root's words: a chain."""
        text = (draft.content or "").strip()
        words = opening.root.words if opening is not None and opening.root is not None else []
        if not words or not self.frame.internal or not is_phrase(text):
            return False
        prompts = [call.read() for call in self.frame.internal if call.text == text]
        asked = [prompt[-1] for prompt in prompts if prompt]
        return any(one.role is USER and one.content == words[-1].content for one in asked)

    def _asked_in_vain(self, start: int) -> None:
        """Have questions of this turn be those of the wordless turns before it, in order: one for each of these."""
        if self.before.total and not self.repeated:
            return  # a prompt without the history does not tell what was asked in it either
        mine = [place for place in range(start, len(self.drafts)) if self.drafts[place].turn == self.turn]
        asked = [place for place in mine if self.drafts[place].role is USER]
        for turn, last in zip(range(self.turn - self.before.wordless, self.turn), asked, strict=False):
            for place in mine:
                if self.drafts[place].turn == self.turn and place <= last:
                    self.drafts[place].turn = turn

    def begin_turn_without_words(self, opening: Opening | None) -> None:
        """A turn whose user message no prompt tells: its words are the root's, if it has any."""
        self.turn += 1
        words = root_drafts(opening.root if opening is not None else None)
        for draft in words:
            key = digest(draft)
            if key not in self.keys:
                self.turn_user = self.add(draft, key)
                continue
            self._begins_at(self.keys.index(key))  # the prompt goes on behind it: a sub-agent that was resumed
        if not words:
            asked = [place for place, draft in enumerate(self.drafts) if draft.role is USER]
            if asked:
                self._begins_at(asked[-1])  # the calls before this one were never recorded

    def _begins_at(self, place: int) -> None:
        """Have the turn begin with a message of this trace that is told already."""
        self.turn_user = self.before.total + place
        for later in self.drafts[place:]:
            later.turn = self.turn

    def open_without_calls(self, asked: list[Draft], system: list[Draft]) -> None:
        """A turn of a trace that made no llm call: what was asked in it, and under which system prompts."""
        for draft in system:
            self.system(draft)
        self.turn += 1
        for draft in asked:
            self.turn_user = self.add(draft, digest(draft))

    def _ends_with_answer(self, view: list[tuple[int, int]], answer: Draft) -> bool:
        """Whether what a prompt repeats ends with the last answer, or with as much of it as the user let it say."""
        if not view or view[-1][0] >= 0:
            return bool(view) and view[-1][1] == self.total
        place = -1 - view[-1][0] - self.before.asides
        cut = self.asides[place] if 0 <= place < len(self.asides) else None
        text = (cut.content or "").strip() if cut is not None and cut.role is ASSISTANT else ""
        return bool(text) and (answer.content or "").startswith(text) and self.answer == self.total - 1
