"""Builds the message list of one agent: adds what each call says for the first time, keeps the rest aside.

Every llm call repeats the history in its inputs. What it repeats is referred to; what follows the known part is new;
what stands inside it and is unknown (a summary, an edited copy, injected context) is kept aside (guides/output.md).
"""

from trajworker.assembly.kept.context import append, joined, refer
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.words import (
    ALTERNATIVE,
    CONTEXT,
    EDITED,
    STOPPED,
    SUMMARY,
    Opening,
    is_written_out,
    shown_to_model,
)
from trajworker.assembly.telling.alignment import FreshSystem, Seen, made
from trajworker.assembly.telling.echoes import TurnSoFar, is_echo, retells
from trajworker.assembly.telling.fresh import Fresh, Keyed
from trajworker.assembly.telling.linking import complete, from_run, match_run, pending_of
from trajworker.assembly.telling.memory import StepDraft
from trajworker.assembly.telling.turns import Turns
from trajworker.dialects import Draft, digest
from trajworker.dialects.speech import RAW
from trajworker.model.message import ASSISTANT, NOT_TRAINABLE, SYSTEM, TOOL, TRAINABLE, USER


class Transcript(Turns):
    """The growing message list of one agent in one trace."""

    def take(self, call: Call, opening: Opening | None) -> None:
        """Take in one llm call: its prompt, then its answer."""
        seen, rest = self.match_prefix(call, opening) or self.match(call, opening)
        self.repeated = [one for one in seen if not isinstance(one, FreshSystem)]
        if opening is not None and opening.begins and rest and all(one.role is TOOL for one, _ in rest):
            self.begin_turn_without_words(opening)
        self.add_missing_results(rest, call.run.start_time, first=opening is not None)
        results, rest = self._leading_results(rest)
        outside = [self.system(draft) for draft in call.prompt.system] if call.prompt.system else []
        if opening is not None and opening.root is not None and self.total == 0 and not outside:
            outside = self._system_of(opening.root, rest)
        view = self._placed(seen)
        for reference in results:
            refer(view, reference)
        begins = opening.begins if opening is not None else self.speaks_again(call, rest, view)
        for reference in self._append(rest, opening, begins=begins):
            refer(view, reference)
        if begins and self.turn == self.before.entries:
            self.begin_turn_without_words(opening)
        if opening is not None:
            self.orphans(call.run.start_time, asking=call)
        self._remember(call, view)
        self.shown = shown_to_model(rest) or self.shown
        self.answer, self.untold_calls, self.renamed = None, [], {}
        if call.answer.draft is None or call.failed:
            return
        if not begins and self.turn == 0:
            self.turn = 1
        self._add_answer(call, call.answer.draft, outside)

    def _add_answer(self, call: Call, answer: Draft, outside: list[int]) -> None:
        """Add what the model said, and the step it is: `outside` are system prompts beside the view."""
        if self.frame.said_before is not None and self.frame.said_before[0] == call.key:
            for draft in self.frame.said_before[1]:
                if not self._said_in_turn(key := digest(draft)) and key not in self.aside_keys:
                    self.add(draft, key)
        index = self.add(answer, call.key)
        self.answered = True
        self.answer, self.answer_ids = index, sorted(call.ids)
        self.reasoned = [index] if answer.reasoning else []
        if answer.id:
            self.ids.add(answer.id)
        if answer.tool_calls:
            self.pending += pending_of(index, answer.tool_calls)
        answer.trainable_status = TRAINABLE
        if answer.finish_reason in ("length", "content_filter") or RAW in answer.flags or STOPPED in answer.flags:
            answer.trainable_status = NOT_TRAINABLE
        for other in call.answer.others:
            self.aside(other, ALTERNATIVE)
        seen = joined(outside, self.view)
        refer(seen, index)
        self.steps.append(StepDraft(view=seen, answer=index, call=call, summarised=self._summarised(seen)))

    def _placed(self, seen: list[Seen]) -> list[tuple[int, int]]:
        """What a prompt repeats as references, its fresh system prompts added."""
        view: list[tuple[int, int]] = []
        for one in seen:
            if isinstance(one, FreshSystem):
                refer(view, self.system(one.draft, one.key))
            else:
                append(view, *one)
        return view

    def _system_of(self, root: Root, rest: list[Keyed]) -> list[int]:
        """The system prompt that only the root was given (Claude Agent SDK)."""
        if any(draft.role is SYSTEM for draft, _ in rest):
            return []
        return [self.system(draft) for draft in root.system]

    def _summarised(self, view: list[tuple[int, int]]) -> bool:
        if not self.asides:
            return False
        own = [-1 - start - self.before.asides for start, _ in view if start < 0]
        return any(0 <= place < len(self.asides) and SUMMARY in self.asides[place].flags for place in own)

    def _remember(self, call: Call, view: list[tuple[int, int]]) -> None:
        """Keep the hash of the prompt, so that the next one that begins with it need not be decoded."""
        self.view = view
        array = call.prompt.array
        if array is None or not view or self.was_cut:
            self.prefix.forget()
        else:
            self.prefix.keep(array)

    def _leading_results(self, rest: list[Keyed]) -> tuple[list[int], list[Keyed]]:
        """Add the results that answer the last calls: they came before all that a prompt says anew, above them too."""
        self.results_told = bool(rest) and rest[0][0].role is TOOL
        if not self.results_told:
            return [], rest
        stop = next((place for place, (draft, _) in enumerate(rest) if draft.role is not TOOL), len(rest))
        return self.add_results(rest[:stop]), rest[stop:]

    def _append(self, rest: list[Keyed], opening: Opening | None, *, begins: bool) -> list[int]:
        """Add what a prompt says for the first time; the references under which the prompt now stands."""
        if not rest:
            return []
        fresh = Fresh.of(rest, opening, begins=begins)
        references: list[int] = []
        place, start = 0, len(self.drafts)
        while place < len(rest):
            if rest[place][0].role is not TOOL:
                references.append(self._told(fresh, place, start))
                place += 1
                continue
            stop = place
            while stop < len(rest) and rest[stop][0].role is TOOL:
                stop += 1
            references += self.add_results(rest[place:stop])
            place = stop
        return references

    def _told(self, fresh: Fresh, place: int, start: int) -> int:
        """The reference of one message that is no result; the prompt's new ones begin at `start`."""
        draft, key = fresh.rest[place]
        if place == fresh.user:
            return self.add_user(draft, key, fresh.opening, start)
        if draft.role is SYSTEM:
            return self.system(draft, key)
        flag = fresh.beside(place, self.quotes)
        if flag is None and fresh.opening is None and not draft.tool_calls and self._is_echo(draft):
            flag = CONTEXT
        if flag is not None:
            return self.aside(draft, flag, key)
        if self.answer is not None and self._repeats_calls(draft):
            return self.answer
        index = self.add(draft, key)
        if draft.role is ASSISTANT and draft.tool_calls:
            self.pending += pending_of(index, draft.tool_calls)
        if draft.role is USER and self.turn_user is None:
            self.turn_user = index  # the agent spoke first
        return index

    def _repeats_calls(self, draft: Draft) -> bool:
        """Whether a prompt tells calls of the last answer one by one, under ids of the app's own."""
        told = made(draft)
        if draft.role is not ASSISTANT or draft.content or not told:
            return False
        if not all(one in self.untold_calls for one in told):
            return False
        self.untold_calls = [one for one in self.untold_calls if one not in told]
        return True

    def _is_echo(self, draft: Draft) -> bool:
        """Whether a message inside the turn only tells again what was said in it."""
        users = draft.role is USER
        if not users and (draft.role is not ASSISTANT or not self.answer_ids):
            return False
        so_far = TurnSoFar(
            asked=self.own(self.turn_user) if self.turn_user is not None else None,
            shown=self.shown,
            answer=self.own(self.answer) if self.answer is not None else None,
            results=[(one.content or "").strip() for one in self.drafts if users and one.role is TOOL],
            told=self.results_told,
        )
        return is_echo(draft, so_far) if users else retells(draft, so_far)

    def finish(self, trailing: list[Draft], *, waits: bool = False) -> None:
        """Tell what only tool runs and the root's outputs tell; where it `waits` for a human, no empty results."""
        self.limit = None
        by_id = {draft.tool_response.id: draft for draft in trailing if draft.tool_response and draft.tool_response.id}
        for call in list(self.pending):
            run = match_run(call, self.runs, self.pending, None)
            draft = by_id.pop(call.id, None) if call.id else None
            if (run is None and draft is None) or (waits and run is not None and run.is_empty):
                continue
            self.pending.remove(call)
            said = complete(draft or from_run(run), call, run)  # type: ignore[arg-type]  # one of them is there
            self.add(said, digest(said))
        self.orphans(None)
        for draft in trailing:
            key = digest(draft)
            if draft.role is not ASSISTANT or draft.says_nothing or self._is_told(draft, key):
                continue
            if any(call.id in self.answer_ids for call in draft.tool_calls or ()):
                self.aside(draft, EDITED, key)  # a human put other arguments into the call that waits
                continue
            self.add(draft, key)
            self.answered = True

    def _is_told(self, draft: Draft, key: bytes) -> bool:
        """Whether an assistant message that the trace gave back was told in this turn."""
        if draft.id in self.ids or self._said_in_turn(key):
            return True
        said = self.own(self.answer) if self.answer is not None and not draft.tool_calls else None
        return said is not None and is_written_out(draft.content, said.content)

    def _said_in_turn(self, key: bytes) -> bool:
        """Whether a message was told in this turn, be it by a trace that the turn was interrupted in."""
        return key in self.keys or any(
            self.key(place) == key for place in range(self.turn_user or 0, self.before.total)
        )
