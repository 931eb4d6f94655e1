"""Builds the message list of one agent: aligns each prompt with what is known, adds what is new, keeps the rest aside.

Every llm call repeats the history in its inputs. What it repeats is referred to; what follows the known part is new;
what stands inside it and is unknown (a summary, an edited copy, injected context) is kept aside. design.md section 4.
"""

from collections.abc import Sequence
from datetime import datetime
from difflib import SequenceMatcher
from hashlib import blake2b
from os.path import commonprefix

from msgspec import Struct

from trajworker.assembly.calls import Call, Root, ToolRun
from trajworker.assembly.context import TAIL, Context, Pending, expand
from trajworker.assembly.linking import complete, from_run, match_result, match_run, pending_of
from trajworker.dialects import Draft, digest, read_array
from trajworker.dialects.draft import DIGEST_SIZE
from trajworker.model.message import Role, TrainableStatus

SUMMARY, EDITED, CONTEXT, ALTERNATIVE, HISTORY = "summary", "edited", "context", "alternative", "history"
MIN_QUOTE = 4
"""Characters from which a text that a prompt repeats counts as quoted on its own."""


MOSTLY = 0.8
"""Share of a prompt that must begin the next one for that to be the same prompt with more behind it."""


def goes_on_in_text(text: str | None, before: str | None, answer: str | None) -> bool:
    """Whether a prompt's text begins like the one before and has its answer written into it."""
    if not text or not before or not answer or not answer.strip() or answer.strip() not in text:
        return False
    return len(commonprefix([text, before])) >= MOSTLY * len(before)


class HistoryNeeded(Exception):
    """The context's window is too short for this trace: fold it against the whole history."""


class Amendment(Struct, array_like=True):
    """A change to messages [start, stop) of earlier folds, applied when the line is written."""

    start: int
    stop: int
    status: TrainableStatus | None = None
    reasoning: str | None = None
    flag: str | None = None


class StepDraft(Struct, eq=False):
    """One decision: what was seen (ranges), what was produced (index), and the call behind it."""

    view: list[tuple[int, int]]
    answer: int
    call: Call
    summarised: bool = False


class Opening(Struct, eq=False):
    """How the first llm call of a trace is to be read: who spoke, in which words, and whether a turn begins."""

    root: Root | None = None
    begins: bool = True


class Quotes(Struct):
    """Texts made or found inside the trace: prompts that repeat them are context, not conversation."""

    found: list[str] = []
    branches: list[str] = []

    def quoted(self, draft: Draft) -> bool:
        """Whether a prompt message is made of these texts."""
        text = draft.content
        if not text:
            return False
        if any(quote in text for quote in self.found if len(quote) >= MIN_QUOTE):
            return True
        return len(self.branches) > 1 and all(quote in text for quote in self.branches)


class Transcript:
    """The growing message list of one agent in one trace."""

    def __init__(self, before: Context, runs: list[ToolRun], quotes: Quotes) -> None:
        self.before = before
        self.runs = runs
        self.quotes = quotes
        self.drafts: list[Draft] = []
        self.keys: list[bytes] = []
        self.asides: list[Draft] = []
        self.aside_keys = dict(before.aside_keys)
        self.systems = dict(before.systems)
        self.steps: list[StepDraft] = []
        self.amendments: list[Amendment] = []
        self.pending: list[Pending] = list(before.pending)
        self.view = list(before.view)
        self.answer = before.answer
        self.answer_ids = list(before.answer_ids)
        self.reasoned = before.reasoned[-1:] if before.reasoned else []
        self.prefix_length, self.prefix_hash = before.prefix_length, before.prefix_hash
        self.turn = before.entries
        self.turn_user = before.turn_user
        self.answered = False
        self.ids: set[str] = set()
        self.decoded = 0
        self.shown: str | None = None

    # -- lookups -------------------------------------------------------------------------------------------------

    @property
    def total(self) -> int:
        """Messages so far, those of earlier traces included."""
        return self.before.total + len(self.drafts)

    def key(self, reference: int) -> bytes | None:
        """Digest of a message."""
        if reference < self.before.total:
            return self.before.known(reference)
        place = reference - self.before.total
        return self.keys[place] if place < len(self.keys) else None

    def _own(self, reference: int) -> Draft | None:
        """A message of this trace."""
        place = reference - self.before.total
        return self.drafts[place] if 0 <= place < len(self.drafts) else None

    # -- one llm call --------------------------------------------------------------------------------------------

    def take(self, call: Call, opening: Opening | None) -> None:
        """Take in one llm call: its prompt, then its answer."""
        outside = [self._system(draft) for draft in call.prompt.system]
        view, rest = self._match_prefix(call, opening)
        if view is None:
            view, rest = self._match(call, opening)
        begins = opening is not None and opening.begins
        self._settle_tools(rest, call.run.start_time, first=opening is not None)
        if opening is not None and opening.root is not None and self.total == 0 and not outside:
            outside = self._system_of(opening.root, rest)
        view = view + self._append(rest, opening)
        if begins and self.turn == self.before.entries:
            self._begin_turn_without_words(opening)
        self._remember(call, view)
        self.shown = _shown(rest) or self.shown
        self.answer = None
        answer = call.answer.draft
        if answer is None or call.failed:
            return
        if not begins and self.turn == 0:
            self.turn = 1
        index = self._add(answer, call.key)
        self.answered = True
        self.answer, self.answer_ids = index, sorted(call.ids)
        self.reasoned = [index] if answer.reasoning else []
        if answer.id:
            self.ids.add(answer.id)
        if answer.tool_calls:
            self.pending += pending_of(index, answer.tool_calls)
        answer.trainable_status = TrainableStatus.TRAINABLE
        if answer.finish_reason in ("length", "content_filter") or "raw" in answer.flags:
            answer.trainable_status = TrainableStatus.NOT_TRAINABLE
        for other in call.answer.others:
            self._aside(other, ALTERNATIVE)
        seen = _joined([*_ranged(outside), *view, (index, index + 1)])
        self.steps.append(StepDraft(view=seen, answer=index, call=call, summarised=self._summarised(view)))

    def _system_of(self, root: Root, rest: list[tuple[Draft, bytes]]) -> list[int]:
        """The system prompt that only the root was given (Claude Agent SDK)."""
        if any(draft.role is Role.SYSTEM for draft, _ in rest):
            return []
        return [self._system(draft) for draft in root.system]

    def _summarised(self, view: list[tuple[int, int]]) -> bool:
        own = [-1 - start - self.before.asides for start, _ in view if start < 0]
        return any(0 <= place < len(self.asides) and SUMMARY in self.asides[place].flags for place in own)

    def _remember(self, call: Call, view: list[tuple[int, int]]) -> None:
        """Keep the hash of the prompt, so that the next one that begins with it need not be decoded."""
        self.view = view
        array = call.prompt.array
        if array is None or not view or (call.drafts is not None and self._was_cut):
            self.prefix_length, self.prefix_hash = 0, b""
            return
        self.prefix_length = len(array) - 1
        self.prefix_hash = blake2b(memoryview(array)[:-1], digest_size=DIGEST_SIZE).digest()

    _was_cut = False

    # -- alignment -----------------------------------------------------------------------------------------------

    def _match_prefix(
        self, call: Call, opening: Opening | None
    ) -> tuple[list[tuple[int, int]] | None, list[tuple[Draft, bytes]]]:
        """The view of a prompt that begins, byte for byte, with the one before it; None where it does not."""
        self._was_cut = False
        rest = self.behind_prefix(call)
        if rest is None:
            return None, []
        begins = opening is not None and opening.begins
        if begins and not any(draft.role is Role.USER for draft in rest):
            return None, []
        rest = self._without_own(call, rest)
        view = list(self.view)
        keyed = [(draft, digest(draft)) for draft in rest]
        place = 0
        if keyed and keyed[0][0].role is Role.ASSISTANT and self.answer is not None:
            view = _joined([*view, *_ranged([self._same_answer(*keyed[0])])])
            place = 1
        following = self.answer + 1 if self.answer is not None else self.total
        limit = _turn_user(rest, opening) if begins else len(keyed)
        while place < limit and following < self.total and self._repeats(following, *keyed[place]):
            view = _joined([*view, (following, following + 1)])
            following += 1
            place += 1
        return view, keyed[place:]

    def behind_prefix(self, call: Call) -> list[Draft] | None:
        """What a prompt says behind the one before it; None where it does not begin with it. Decoded once."""
        array, length = call.prompt.array, self.prefix_length
        if call.rest is not None and call.rest[0] == length:
            return call.rest[1]
        if array is None or not length or len(array) <= length or array[length] not in b",]":
            return None
        if blake2b(memoryview(array)[:length], digest_size=DIGEST_SIZE).digest() != self.prefix_hash:
            return None
        rest = read_array(b"[" + array[length + 1 :]) if array[length : length + 1] == b"," else []
        self.decoded += len(rest)
        call.rest = (length, rest)
        return rest

    def _repeats(self, reference: int, draft: Draft, key: bytes) -> bool:
        if self.key(reference) == key:
            return True
        known = self._own(reference)
        if known is None or known.role is not Role.TOOL or draft.role is not Role.TOOL:
            return False
        mine, told = known.tool_response, draft.tool_response
        return mine is not None and told is not None and mine.id is not None and mine.id == told.id

    def _same_answer(self, draft: Draft, key: bytes) -> int:
        """The reference for the history's copy of the last answer; what the copy has more is taken over."""
        answer = self.answer
        assert answer is not None  # noqa: S101 - callers have checked
        if self.key(answer) != key and not (
            draft.tool_calls and {call.id for call in draft.tool_calls} & set(self.answer_ids)
        ):
            return self._aside(draft, EDITED)
        if draft.reasoning and answer not in self.reasoned:
            own = self._own(answer)
            if own is not None:
                own.reasoning = draft.reasoning
                own.blocks = own.blocks or draft.blocks
            else:
                self.amendments.append(Amendment(start=answer, stop=answer + 1, reasoning=draft.reasoning))
            self.reasoned = [answer]
        return answer

    def _match(self, call: Call, opening: Opening | None) -> tuple[list[tuple[int, int]], list[tuple[Draft, bytes]]]:
        """The view of any other prompt: its known messages in order, what stands between them kept aside."""
        drafts = self._without_own(call, call.read())
        self.decoded += len(drafts)
        keyed = list(zip(drafts, call.digests(), strict=False))
        if self.total == 0:
            return [], keyed
        begins = opening is not None and opening.begins
        limit = _turn_user(drafts, opening) if begins else len(drafts)
        references = self._references(keyed[:limit])
        last = max((place for place, found in enumerate(references) if found is not None), default=-1)
        last = self._claim_answer(keyed, references, last, limit)
        if self.before.offset and last + 1 < limit and self.before.total > self.before.offset:
            raise HistoryNeeded
        if begins:
            self._supersede(references[: last + 1], keyed, limit)
        view: list[int] = []
        for place in range(last + 1):
            found = references[place]
            draft, key = keyed[place]
            if found is None:
                found = self._system(draft) if draft.role is Role.SYSTEM else self._aside(draft, EDITED, key)
            elif found == self.answer and draft.role is Role.ASSISTANT:
                found = self._same_answer(draft, key)
            view.append(found)
        return _joined(_ranged(view)), keyed[last + 1 :]

    def _claim_answer(
        self, keyed: list[tuple[Draft, bytes]], references: list[int | None], last: int, limit: int
    ) -> int:
        """The assistant message right behind the repeated prompt is the last answer, even if the app rewrote it."""
        if self.answer is None or self.answer in references or last + 1 >= limit:
            return last
        draft, _ = keyed[last + 1]
        if draft.role is not Role.ASSISTANT:
            return last
        ids = {call.id for call in draft.tool_calls or ()} & set(self.answer_ids)
        behind = bool(self.view) and last >= 0 and references[last] == self.view[-1][1] - 1
        if not ids and not behind:
            return last
        references[last + 1] = self.answer
        following, place = self.answer + 1, last + 2
        while place < limit and following < self.total and self._repeats(following, *keyed[place]):
            references[place] = following
            following += 1
            place += 1
        return place - 1

    def _references(self, keyed: list[tuple[Draft, bytes]]) -> list[int | None]:
        """For each prompt message the message it repeats, in order; the newest of equal ones."""
        wanted = [key for _, key in keyed]
        found: list[int | None] = [None] * len(wanted)
        head = 0
        while head < len(keyed) and keyed[head][0].role is Role.SYSTEM:
            found[head] = self.systems.get(wanted[head])
            head += 1
        thread = self._thread()
        place = head
        for reference, key in thread:
            if place < len(wanted) and key == wanted[place]:
                found[place] = reference
                place += 1
            else:
                break
        if place == len(wanted) or (thread and place - head == len(thread)):
            return found
        for index in range(head, len(wanted)):
            found[index] = None
        known = [(ref, key) for ref in range(self.before.offset, self.total) if (key := self.key(ref)) is not None]
        known += [(-1 - index, key) for key, index in self.aside_keys.items()]
        known_keys = [key for _, key in reversed(known)]
        matcher = SequenceMatcher(None, known_keys, wanted[head:][::-1], autojunk=False)
        for block in matcher.get_matching_blocks():
            for step in range(block.size):
                found[len(wanted) - 1 - (block.b + step)] = known[len(known) - 1 - (block.a + step)][0]
        for index in range(head, len(wanted)):
            if found[index] is None and wanted[index] in self.aside_keys:
                found[index] = -1 - self.aside_keys[wanted[index]]
        return found

    def _thread(self) -> list[tuple[int, bytes]]:
        """What a prompt that goes on with the last one begins with: its view, its answer, and what came after."""
        references = [ref for ref in expand(self.view) if ref < 0 or self.key(ref) not in self.systems]
        if self.answer is not None:
            references += range(self.answer, self.total)
        asides = {-1 - index: key for key, index in self.aside_keys.items()}
        thread = []
        for ref in references:
            key = asides.get(ref) if ref < 0 else self.key(ref)
            if key is None:
                return []
            thread.append((ref, key))
        return thread

    def _supersede(self, references: list[int | None], keyed: list[tuple[Draft, bytes]], user: int) -> None:
        """Mark answers that a regenerated or edited turn replaces."""
        known = [ref for ref in references if ref is not None and ref >= 0 and self.key(ref) not in self.systems]
        asked = self.turn_user
        if user >= len(keyed) or asked is None or None in references:
            return
        first = next((ref for ref in range(self.total) if self.key(ref) not in self.systems), None)
        if self.key(asked) == keyed[user][1] and all(ref < asked for ref in known):
            start = asked + 1
        elif known and known == list(range(known[0], known[0] + len(known))) and known[0] == first:
            start = known[-1] + 1
        else:
            return
        if start < self.total:
            superseded = TrainableStatus.SUPERSEDED
            self.amendments.append(Amendment(start=start, stop=self.total, status=superseded, flag=ALTERNATIVE))

    def _without_own(self, call: Call, drafts: list[Draft]) -> list[Draft]:
        """A prompt without what was added to its array after the call (JS serialises late)."""
        answer = call.answer.draft
        if answer is None:
            return drafts
        ids = call.ids
        if ids:
            for place, draft in enumerate(drafts):
                if draft.tool_calls and ids & {one.id for one in draft.tool_calls} and not self._is_answer(ids):
                    self._was_cut = True
                    return drafts[:place]
        elif drafts and drafts[-1].role is Role.ASSISTANT and digest(drafts[-1]) == call.key:
            self._was_cut = True
            return drafts[:-1]
        return drafts

    def _is_answer(self, ids: set[str]) -> bool:
        """Whether these call ids were given before: weak providers count from one in each turn."""
        return bool(ids & set(self.answer_ids)) or any(
            ids & {call.id for call in draft.tool_calls or ()} for draft in self.drafts
        )

    # -- what is new ---------------------------------------------------------------------------------------------

    def _append(self, rest: list[tuple[Draft, bytes]], opening: Opening | None) -> list[tuple[int, int]]:
        """Add what a prompt says for the first time; the references under which the prompt now stands."""
        begins = opening is not None and opening.begins
        user = _turn_user([draft for draft, _ in rest], opening) if begins else len(rest)
        block = _trailing(rest)
        named = begins and opening is not None and _named(rest, user, opening)
        references: list[int] = []
        place = 0
        while place < len(rest):
            draft, key = rest[place]
            if draft.role is Role.TOOL:
                stop = place
                while stop < len(rest) and rest[stop][0].role is Role.TOOL:
                    stop += 1
                references += self._add_results(rest[place:stop])
                place = stop
                continue
            if place == user:
                references.append(self._add_user(draft, key, opening))
            elif draft.role is Role.SYSTEM:
                references.append(self._system(draft, key))
            elif SUMMARY in draft.flags:
                references.append(self._aside(draft, SUMMARY, key))
            elif draft.role is Role.USER and (
                (named and place >= block)
                or self.quotes.quoted(draft)
                or (opening is None and (self._is_scratchpad(draft) or self._is_rendering(draft)))
            ):
                references.append(self._aside(draft, CONTEXT, key))
            else:
                references.append(self._add(draft, key))
                if draft.role is Role.ASSISTANT and draft.tool_calls:
                    self.pending += pending_of(references[-1], draft.tool_calls)
            place += 1
        return _ranged(references)

    def _is_rendering(self, draft: Draft) -> bool:
        """Whether a prompt inside the turn puts the turn's own question in other words around it."""
        asked = self._own(self.turn_user) if self.turn_user is not None else None
        text = (asked.content or "").strip() if asked is not None else ""
        return len(text) >= MIN_QUOTE and text in (draft.content or "")

    def _is_scratchpad(self, draft: Draft) -> bool:
        """Whether a user message is the last prompt again with the answer written behind it."""
        answer = self._own(self.answer) if self.answer is not None else None
        return answer is not None and goes_on_in_text(draft.content, self.shown, answer.content)

    def _add_user(self, draft: Draft, key: bytes, opening: Opening | None) -> int:
        """The message that begins a turn, in the user's own words where a template stood between."""
        self.turn += 1
        words = _own_words(draft, opening)
        if words is not None:
            draft.rendered, draft.content, draft.blocks = draft.content, words, None
        index = self._add(draft, key)
        self.turn_user = index
        return index

    def _begin_turn_without_words(self, opening: Opening | None) -> None:
        """A turn whose user message no prompt tells: its words are the root's, if it has any."""
        self.turn += 1
        words = _root_drafts(opening.root if opening is not None else None)
        for draft in words:
            self.turn_user = self._add(draft, digest(draft))

    def open_without_calls(self, root: Root | None) -> None:
        """A turn of a trace that made no llm call: what its root was told."""
        self.turn += 1
        for draft in _root_drafts(root):
            self.turn_user = self._add(draft, digest(draft))

    def _add(self, draft: Draft, key: bytes) -> int:
        draft.turn = self.turn
        self.drafts.append(draft)
        self.keys.append(key)
        return self.total - 1

    def _system(self, draft: Draft, key: bytes | None = None) -> int:
        key = key or digest(draft)
        found = self.systems.get(key)
        if found is not None:
            return found
        if self.quotes.quoted(draft):
            return self._aside(draft, CONTEXT, key)
        if draft.flags and SUMMARY in draft.flags:
            return self._aside(draft, SUMMARY, key)
        index = self._add(draft, key)
        if index == 0 or all(self.key(ref) in self.systems for ref in range(index) if index <= len(self.systems)):
            draft.turn = 0
        self.systems[key] = index
        return index

    def _aside(self, draft: Draft, flag: str, key: bytes | None = None) -> int:
        key = key or digest(draft)
        if key in self.aside_keys:
            return -1 - self.aside_keys[key]
        index = self.before.asides + len(self.asides)
        if flag not in draft.flags:
            draft.flags = (*draft.flags, flag) if SUMMARY not in draft.flags else draft.flags
        draft.turn = self.turn
        self.asides.append(draft)
        self.aside_keys[key] = index
        return -1 - index

    # -- tools ---------------------------------------------------------------------------------------------------

    def _add_results(self, block: Sequence[tuple[Draft, bytes]]) -> list[int]:
        """Tool messages that stand side by side, in the order of the calls they answer."""
        linked: list[tuple[tuple[int, int, int], int, Draft, bytes]] = []
        for place, (draft, key) in enumerate(block):
            call = match_result(draft, self.pending)
            order = (call.index, call.place, place) if call is not None else (self.total, 0, place)
            run = None
            if call is not None:
                run = match_run(call, self.runs, self.pending, self._limit)
                self.pending.remove(call)
            linked.append((order, place, complete(draft, call, run), key))
        linked.sort(key=lambda entry: entry[0])
        references = [0] * len(linked)
        for _, place, draft, key in linked:
            references[place] = self._add(draft, key)
        return references

    _limit: datetime | None = None

    def _settle_tools(self, rest: list[tuple[Draft, bytes]], start: datetime, *, first: bool) -> None:
        """Before the next decision: results that its prompt leaves out are taken from their runs."""
        self._limit = start
        told = [draft for draft, _ in rest if draft.role is Role.TOOL]
        if self.pending and self.runs:
            open_calls = list(self.pending)
            for draft in told:
                answered = match_result(draft, open_calls)
                if answered is not None:
                    open_calls.remove(answered)
            self._from_runs(open_calls)
        if not told and not first:
            self._orphans(start)

    def _from_runs(self, calls: list[Pending]) -> None:
        for call in calls:
            run = match_run(call, self.runs, calls, self._limit)
            if run is not None:
                self.pending.remove(call)
                draft = complete(from_run(run), call, run)
                self._add(draft, digest(draft))

    def _orphans(self, before: datetime | None) -> None:
        """Tool runs that no call asked for, as far as anybody told."""
        if any(call.name for call in self.pending):
            return
        for run in self.runs:
            if run.linked or not (run.failed or run.value is not None):
                continue
            if before is not None and (run.run.end_time or run.run.start_time) > before:
                continue
            run.linked = True
            draft = complete(from_run(run), None, run)
            self._add(draft, digest(draft))

    def finish(self, trailing: list[Draft]) -> None:
        """At the end of the trace: what the prompts never told stands in tool runs and in the root's outputs."""
        self._limit = None
        by_id = {draft.tool_response.id: draft for draft in trailing if draft.tool_response and draft.tool_response.id}
        for call in list(self.pending):
            run = match_run(call, self.runs, self.pending, None)
            draft = by_id.pop(call.id, None) if call.id else None
            if run is None and draft is None:
                continue
            self.pending.remove(call)
            said = complete(draft or from_run(run), call, run)  # type: ignore[arg-type]  # one of them is there
            self._add(said, digest(said))
        self._orphans(None)
        for draft in trailing:
            key = digest(draft)
            if draft.role is Role.ASSISTANT and draft.id not in self.ids and key not in self.keys:
                self._add(draft, key)
                self.answered = True

    # -- afterwards ----------------------------------------------------------------------------------------------

    def after(self) -> Context:
        """The context for the next trace."""
        before = self.before
        tail = before.tail + b"".join(self.keys)
        offset = before.offset
        if len(tail) > TAIL * DIGEST_SIZE and before.offset + len(before.tail) // DIGEST_SIZE == before.total:
            dropped = len(tail) // DIGEST_SIZE - TAIL
            tail, offset = tail[dropped * DIGEST_SIZE :], offset + dropped
        return Context(
            total=self.total, asides=before.asides + len(self.asides), entries=self.turn,
            user_turns=before.user_turns, offset=offset, tail=tail,
            systems=list(self.systems.items())[-_KEPT:], aside_keys=list(self.aside_keys.items())[-_KEPT:],
            view=self.view, answer=self.answer, answer_ids=self.answer_ids,
            prefix_length=self.prefix_length, prefix_hash=self.prefix_hash, turn_user=self.turn_user,
            pending=self.pending[-_KEPT:], tools=before.tools, reasoned=self.reasoned,
        )  # fmt: skip


_KEPT = 64
"""System prompts, asides and open calls a context remembers."""


def _ranged(references: list[int]) -> list[tuple[int, int]]:
    return [(ref, ref) if ref < 0 else (ref, ref + 1) for ref in references]


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges with neighbours joined."""
    joined: list[tuple[int, int]] = []
    for start, stop in ranges:
        if joined and start >= 0 and joined[-1][0] >= 0 and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return joined


def _shown(rest: list[tuple[Draft, bytes]]) -> str | None:
    """What the last new user message looked like to the model."""
    users = [draft for draft, _ in rest if draft.role is Role.USER]
    return (users[-1].rendered or users[-1].content) if users else None


def _trailing(rest: list[tuple[Draft, bytes]]) -> int:
    """Where the last stretch without assistant and tool messages begins."""
    place = len(rest)
    while place and rest[place - 1][0].role in (Role.USER, Role.SYSTEM):
        place -= 1
    return place


def _turn_user(drafts: list[Draft], opening: Opening | None) -> int:
    """Index of the message that begins the turn: the one the root names, else the last user message of the end."""
    start = len(drafts)
    while start and drafts[start - 1].role in (Role.USER, Role.SYSTEM):
        start -= 1
    users = [place for place in range(start, len(drafts)) if drafts[place].role is Role.USER]
    users = [place for place in users if SUMMARY not in drafts[place].flags] or users
    if not users:
        return len(drafts)
    said = _said(opening)
    named = [place for place in users if (drafts[place].content or "").strip() in said]
    return (named or users)[-1]


def _named(rest: list[tuple[Draft, bytes]], user: int, opening: Opening) -> bool:
    """Whether the root itself gave the turn's message word for word."""
    return user < len(rest) and (rest[user][0].content or "").strip() in _said(opening)


def _said(opening: Opening | None) -> set[str]:
    root = opening.root if opening is not None else None
    if root is None:
        return set()
    texts = {draft.content.strip() for draft in root.words if draft.content}
    return texts | {text.strip() for text in root.texts.values()}


_KEYS = ("input", "question", "query", "prompt", "message", "text", "user_input", "user_message", "task", "topic", "q")


def _own_words(draft: Draft, opening: Opening | None) -> str | None:
    """The user's words behind a rendered prompt; None where the prompt is the user's words, or nobody knows them."""
    root = opening.root if opening is not None else None
    shown = draft.content
    if root is None or not shown or shown.strip() in _said(opening):
        return None
    if root.words:
        word = (root.words[-1].content or "").strip()
        return word if len(word) >= MIN_QUOTE and word in shown else None
    if not root.texts:
        return None
    inside = {key: text for key, text in root.texts.items() if text in shown}
    for key in _KEYS:
        if key in inside:
            return inside[key]
    if inside and (len(root.texts) == 1 or len(inside) == len(root.texts)):
        return max(inside.values(), key=len)
    if inside:
        longest = max(inside.values(), key=len)
        return longest if len(longest) >= MIN_QUOTE else None
    if len(root.texts) == 1:
        key, text = next(iter(root.texts.items()))
        return text if key in _KEYS or " " in text.strip() else None
    return None


def _root_drafts(root: Root | None) -> list[Draft]:
    if root is None:
        return []
    if root.words:
        return root.words
    for key in _KEYS:
        if key in root.texts:
            return [Draft(role=Role.USER, content=root.texts[key])]
    if len(root.texts) == 1:
        return [Draft(role=Role.USER, content=next(iter(root.texts.values())))]
    return []
