"""Cuts from a prompt what was added to its array after the call: JS clients serialise late what an app goes on with."""

from collections.abc import Iterator

from msgspec import Struct

from trajworker.assembly.kept.context import expand
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.words import Opening, is_phrase, said_by_root
from trajworker.assembly.telling.memory import Memory
from trajworker.dialects import Draft, digest
from trajworker.model.message import Role


class Shown(Struct, gc=False):
    """A prompt, as much of it as was read.

    Args:
        call: whose prompt it is.
        opening: how it is to be read, if it is the first of its trace.
        drafts: its messages, or those behind its known beginning.
        known: that beginning, as ranges of references.
    """

    call: Call
    opening: Opening | None
    drafts: list[Draft]
    known: list[tuple[int, int]] = []

    def followed(self) -> Iterator[int]:
        """Where it says what the call answered, and behind that the user's next word or the results of its calls."""
        answer, text = self.call.answer.draft, self.call.text or ""
        if answer is None or not (text or answer.tool_calls):
            return
        behind = Role.TOOL if answer.tool_calls else Role.USER
        for place in range(len(self.drafts) - 1):
            draft = self.drafts[place]
            if draft.role is not Role.ASSISTANT or self.drafts[place + 1].role is not behind:
                continue
            if (draft.content or "").strip() == text and digest(draft) == self.call.key:
                yield place

    def asked_before(self, place: int) -> int | None:
        """Where the user spoke last before a place."""
        return next((at for at in range(place - 1, -1, -1) if self.drafts[at].role is Role.USER), None)


class Late(Memory):
    """Finds a call's own answer in its prompt."""

    def without_own(self, call: Call, opening: Opening | None, rest: list[Draft] | None = None) -> list[Draft]:
        """A prompt, or the `rest` of it behind its known beginning, up to its own answer."""
        drafts = call.read() if rest is None else rest
        if call.answer.draft is None or not drafts:
            return drafts
        shown = Shown(call=call, opening=opening, drafts=drafts, known=self.view if rest is not None else [])
        place = self._calls_place(shown) if call.ids else self._words_place(shown)
        self.was_cut = self.was_cut or place < len(drafts)
        return drafts[:place] if place < len(drafts) else drafts

    def _calls_place(self, shown: Shown) -> int:
        """Where the calls of an answer stand in its array; the end where they do not."""
        ids, drafts = shown.call.ids, shown.drafts
        for place, draft in enumerate(drafts):
            if not draft.tool_calls or not ids & {one.id for one in draft.tool_calls} or self._is_answer(ids):
                continue
            if self._tells_more(shown, place):
                return place
        return len(drafts)

    def _words_place(self, shown: Shown) -> int:
        """Where an answer without ids stands in its array, which later turns may follow; the end where it does not."""
        drafts, key = shown.drafts, shown.call.key
        if drafts[-1].role is not Role.ASSISTANT:
            own = (place for place in shown.followed() if self._tells_more(shown, place))
            return next((place for place in own if self._is_own(shown, place)), len(drafts))
        end = len(drafts) - (digest(drafts[-1]) == key)
        places = (place for place, draft in enumerate(drafts) if digest(draft) == key)
        return next((place for place in places if self._tells_more(shown, place)), end)

    def _is_own(self, shown: Shown, place: int) -> bool:
        """Whether a message that says what the call answered is that answer, and no older one in the same words.

        It bears the answer's id, or stands behind what the call was asked: the user's message that the trace is about.
        """
        call, answer = shown.call, shown.call.answer.draft
        if call.key in self.quotes.apart:
            return False
        if answer is not None and answer.id is not None and shown.drafts[place].id == answer.id:
            return True
        asked = shown.asked_before(place)
        if shown.opening is not None:
            return asked is not None and self._is_asked(shown, asked, place, shown.opening)
        if self.turn_user is None:
            return False
        if asked is None:
            return any(start <= self.turn_user < stop for start, stop in shown.known)
        return digest(shown.drafts[asked]) == self.key(self.turn_user)

    def _is_asked(self, shown: Shown, asked: int, place: int, opening: Opening) -> bool:
        """Whether the root was given a user's message, and none of those behind the answer to it.

        Who says the same twice is heard twice where the conversation is known as far as that.
        """
        drafts = shown.drafts
        if not _shows(drafts[asked], opening):
            return False
        behind = [one for one in drafts[place + 1 :] if one.role is Role.USER and _shows(one, opening)]
        if not behind:
            return True
        key = digest(drafts[asked])
        return self.total > 0 and self._tells_more(shown, asked) and all(digest(one) == key for one in behind)

    def _tells_more(self, shown: Shown, place: int) -> bool:
        """Whether a prompt tells a message once more than it was said so far."""
        key = digest(shown.drafts[place])
        if key in self.aside_keys:
            return False
        said = sum(self.key(reference) == key for reference in range(self.total))
        if said and shown.known:
            said -= sum(self.key(reference) == key for reference in expand(shown.known) if reference >= 0)
        return sum(digest(draft) == key for draft in shown.drafts[:place]) >= said

    def _is_answer(self, ids: frozenset[str]) -> bool:
        """Whether these call ids were given before: weak providers count from one in each turn."""
        return bool(ids & set(self.answer_ids)) or any(
            ids & {call.id for call in draft.tool_calls or ()} for draft in self.drafts
        )


def _shows(draft: Draft, opening: Opening) -> bool:
    """Whether a user's message is what the root was given, be it in a template."""
    text = (draft.content or "").strip()
    said = said_by_root(opening)
    return text in said or any(is_phrase(one) and one in text for one in said)
