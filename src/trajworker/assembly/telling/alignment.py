"""Aligns a prompt with what is known: what it repeats is found, what is new is left over."""

from itertools import takewhile
from typing import Any

from msgspec import Struct, structs

from trajworker.assembly.kept.context import alone, expand, refer
from trajworker.assembly.kept.folds import Amendment
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.words import ALTERNATIVE, EDITED, Opening, turn_user
from trajworker.assembly.telling.late import Late
from trajworker.assembly.telling.repeats import repeated_by
from trajworker.dialects import Draft, digest, read_array
from trajworker.model.message import ASSISTANT, SYSTEM, USER, TrainableStatus


class FreshSystem(Struct, eq=False):
    """A system prompt that no prompt before held, with its digest; whoever adds it knows what came before it."""

    draft: Draft
    key: bytes


Seen = tuple[int, int] | FreshSystem
"""What a prompt repeats, as a range of references; or a system prompt that it says for the first time."""


def made(draft: Draft) -> list[tuple[str, dict[str, Any] | None]]:
    """The calls of a message, without their ids."""
    return [(call.name, call.arguments) for call in draft.tool_calls or ()]


class Alignment(Late):
    """Finds a prompt's messages among the known ones."""

    def match_prefix(self, call: Call, opening: Opening | None) -> tuple[list[Seen], list[tuple[Draft, bytes]]] | None:
        """The view of a prompt that begins, byte for byte, with the one before it; None where it does not."""
        self.was_cut = False
        rest = self.behind_prefix(call)
        if rest is None or (call.prompt.previous is not None and self._leaves_history(call)):
            return None
        rest = self.without_own(call, opening, rest)
        begins = opening is not None and opening.begins
        if begins and not any(draft.role is USER for draft in rest):
            return None
        if opening is not None and not rest and self.replays(call):
            return None
        view = list(self.view)
        keyed = [(draft, digest(draft)) for draft in rest]
        place = 0
        if keyed and keyed[0][0].role is ASSISTANT and self.answer is not None:
            if len(keyed) > 1 and keyed[1][0].role is ASSISTANT:
                place = self._said_meanwhile(keyed, view)
            refer(view, self.same_answer(*keyed[place]))
            place += 1
        following = self.answer + 1 if self.answer is not None else self._behind_view()
        limit = turn_user(rest, opening) if begins else len(keyed)
        while place < limit:
            repeated = next((ref for ref in range(following, self.total) if self._repeats(ref, *keyed[place])), None)
            if repeated is None:
                break
            refer(view, repeated)
            following = repeated + 1
            place += 1
        return [*view], keyed[place:]

    def _said_meanwhile(self, keyed: list[tuple[Draft, bytes]], view: list[tuple[int, int]]) -> int:
        """Keep aside what an app itself said while the last answer was made; the place of the copy of that."""
        own = takewhile(lambda one: one[0].role is ASSISTANT, keyed)
        place = next((place for place, (_, key) in enumerate(own) if key == self.key(self.answer or 0)), 0)
        for draft, key in keyed[:place]:
            refer(view, self.aside(draft, EDITED, key))
        return place

    def _behind_view(self) -> int:
        """What follows the last prompt where no call answered it: the app may have, in words of its own."""
        return self.view[-1][1] if self.view and self.view[-1][1] > 0 else self.total

    def repeats_unanswered(self, call: Call) -> bool:
        """Whether a prompt is the last one again, which got no answer: a call that was tried once more."""
        if self.answer is not None or not self.view:
            return False
        told = [key for draft, key in zip(call.read(), call.digests(), strict=True) if draft.role is not SYSTEM]
        shown = [self.key(place) for place in expand(self.view)]
        return told == [key for key in shown if key not in self.systems]

    def replays(self, call: Call) -> bool:
        """Whether a prompt stops short of an answer that waited for nothing: an older state was gone back to."""
        if self.answer is None or self.answer_ids or self.before.interrupted:
            return False
        return self.key(self.answer) not in call.digests()

    def _leaves_history(self, call: Call) -> bool:
        """Whether a prompt names the last answer instead of telling what led to it: a word in it is said anew."""
        last = self.steps[-1].call if self.steps else None
        return last is not None and last.key not in call.digests() and call.names_answer(last)

    def is_last_answer(self, draft: Draft) -> bool:
        """Whether a message says what the model said last."""
        return self.answer is not None and self.key(self.answer) == digest(draft)

    def behind_prefix(self, call: Call) -> list[Draft] | None:
        """What a prompt says behind the one before it; None where it does not begin with it. Decoded once."""
        length = self.prefix.length
        if call.rest is not None and call.rest[0] == length:
            return call.rest[1]
        behind = self.prefix.behind(call.prompt.array) if call.prompt.array is not None else None
        if behind is None:
            return None
        rest = read_array(behind)
        call.rest = (length, rest)
        return rest

    def _repeats(self, reference: int, draft: Draft, key: bytes) -> bool:
        if self.key(reference) == key:
            return True
        known, told = self.own(reference), draft.tool_response
        if told is None or told.id is None:
            return False
        if known is None:
            return self._was_answered(reference, told.id)
        return known.tool_response is not None and known.tool_response.id == told.id

    def _was_answered(self, reference: int, call_id: str) -> bool:
        """Whether a message of an earlier trace is the result of a call of the last answer."""
        if self.answer is None or call_id not in self.answer_ids or any(call.id == call_id for call in self.pending):
            return False
        return self.answer < reference <= self.answer + len(self.answer_ids)

    def same_answer(self, draft: Draft, key: bytes) -> int:
        """The reference for the history's copy of the last answer; what the copy has more is taken over."""
        answer = self.answer
        assert answer is not None  # noqa: S101 - callers have checked
        said = self.own(answer) if len(draft.tool_calls or ()) < len(self.answer_ids) else None
        if said is not None:
            copied = made(draft)
            self.untold_calls = [one for one in made(said) if one not in copied]
        if self.key(answer) != key and not (
            draft.tool_calls and {call.id for call in draft.tool_calls} & set(self.answer_ids)
        ):
            return self.aside(draft, EDITED)
        self._complete_answer(answer, draft, key)
        if draft.reasoning and answer not in self.reasoned:
            own = self.own(answer)
            if own is not None:
                own.reasoning = draft.reasoning
                own.blocks = own.blocks or draft.blocks
            else:
                self.amendments.append(Amendment(start=answer, stop=answer + 1, reasoning=draft.reasoning))
            self.reasoned = [answer]
        return answer

    def _complete_answer(self, answer: int, copy: Draft, key: bytes) -> None:
        """Give the last answer what only the history's copy of it tells: its words, or the ids of its calls."""
        said, calls, known = self.own(answer), copy.tool_calls or (), self.answer_ids
        if said is not None and copy.content and not said.content and made(said) == made(copy):
            said.content = copy.content
            self.keys[answer - self.before.total] = key
        if self.key(answer) != key or not calls or (len(calls) == len(known) and calls[0].id in known):
            return
        ids = [call.id for call in calls if call.id]
        if len(ids) < max(len(calls), len(known)):
            return
        if len(ids) == len(known):
            self.renamed = {ids[call.place]: call.id for call in self.pending if call.index == answer}
            return
        if said is not None:
            said.tool_calls = copy.tool_calls
        else:
            self.amendments.append(Amendment(start=answer, stop=answer + 1, ids=ids))
        self.answer_ids = sorted(ids)
        self.pending = [
            structs.replace(call, id=ids[call.place]) if call.index == answer else call for call in self.pending
        ]

    def match(self, call: Call, opening: Opening | None) -> tuple[list[Seen], list[tuple[Draft, bytes]]]:
        """What any other prompt repeats, in order, what stands between kept aside; and what it says behind that.

        System prompts said for the first time are left to the caller, who knows what came before them.
        """
        drafts = self.without_own(call, opening)
        keyed = list(zip(drafts, call.digests(), strict=False))
        if self.total == 0:
            return [], keyed
        begins = opening is not None and opening.begins
        limit = turn_user(drafts, opening) if begins else len(drafts)
        references = repeated_by(self, keyed[:limit])
        if call.prompt.previous is not None and self._leaves_history(call):
            references = [
                None if draft.role is USER else found
                for (draft, _), found in zip(keyed[:limit], references, strict=True)
            ]
        last = max((place for place, found in enumerate(references) if found is not None), default=-1)
        last = self._claim_answer(keyed, references, last, limit)
        if (begins and limit < len(keyed)) or (opening is not None and not keyed[last + 1 :] and self.replays(call)):
            self._supersede(references[: last + 1], keyed, limit)
        seen: list[Seen] = []
        for place in range(last + 1):
            found = references[place]
            draft, key = keyed[place]
            if found is None and draft.role is SYSTEM:
                seen.append(FreshSystem(draft=draft, key=key))
                continue
            if found is None:
                found = self.aside(draft, EDITED, key)
            elif found == self.answer and draft.role is ASSISTANT:
                found = self.same_answer(draft, key)
            seen.append(alone(found))
        return seen, keyed[last + 1 :]

    def _claim_answer(
        self, keyed: list[tuple[Draft, bytes]], references: list[int | None], last: int, limit: int
    ) -> int:
        """The assistant message right behind the repeated prompt is the last answer, even if the app rewrote it."""
        if self.answer is None or self.answer in references or last + 1 >= limit:
            return last
        draft, _ = keyed[last + 1]
        if draft.role is not ASSISTANT:
            return last
        ids = {call.id for call in draft.tool_calls or ()} & set(self.answer_ids)
        behind = bool(self.view) and last >= 0 and references[last] in (self.view[-1][1] - 1, self.turn_user)
        if not ids and not behind:
            return last
        references[last + 1] = self.answer
        following, place = self.answer + 1, last + 2
        while place < limit and following < self.total and self._repeats(following, *keyed[place]):
            references[place] = following
            following += 1
            place += 1
        return place - 1

    def _supersede(self, references: list[int | None], keyed: list[tuple[Draft, bytes]], user: int) -> None:
        """Mark answers that a regenerated or edited turn replaces."""
        known = [ref for ref in references if ref is not None and ref >= 0 and self.key(ref) not in self.systems]
        asked = self.turn_user
        if asked is None or None in references:
            return
        first = next((ref for ref in range(self.total) if self.key(ref) not in self.systems), None)
        repeated = user < len(keyed) and self.key(asked) == keyed[user][1] and all(ref < asked for ref in known)
        # prompts that carry no history tell nothing of what they go back to
        if repeated and (known or (asked == first and not self._asks_another(keyed))):
            start = asked + 1
        elif known and known == list(range(known[0], known[0] + len(known))) and known[0] == first:
            start = known[-1] + 1
        else:
            return
        if start < self.total:
            superseded = TrainableStatus.SUPERSEDED
            self.amendments.append(Amendment(start=start, stop=self.total, status=superseded, flag=ALTERNATIVE))

    def _asks_another(self, keyed: list[tuple[Draft, bytes]]) -> bool:
        """Whether a prompt has none of the agent's system prompts but one of its own (a title, say)."""
        systems = [key for draft, key in keyed if draft.role is SYSTEM]
        return bool(systems) and bool(self.systems) and self.systems.keys().isdisjoint(systems)
