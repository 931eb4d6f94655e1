"""The message list of one agent as it grows: what was said and what was kept aside, by digest and by place."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from msgspec import Struct

from trajworker.assembly.dialogues.sessions import Session
from trajworker.assembly.kept.context import KEPT, Context, Known, Past, Pending
from trajworker.assembly.kept.folds import Amendment
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.quotes import Quotes
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.tool_runs import ToolRun
from trajworker.assembly.reading.words import CONTEXT, SUMMARY, is_phrase
from trajworker.assembly.telling.open_runs import OpenRuns
from trajworker.dialects import Draft, digest
from trajworker.dialects.draft import DIGEST_SIZE
from trajworker.model.message import ASSISTANT, TOOL


class StepDraft(Struct, eq=False, gc=False):
    """One decision: what was seen (ranges), what was produced (index), and the call behind it."""

    view: list[tuple[int, int]]
    answer: int
    call: Call
    summarised: bool = False


class Frame(Struct, eq=False, gc=False):
    """What the trace around an agent's calls tells; of a sub-agent's nothing is known.

    Args:
        session: where the user speaks again.
        root: the root, where it gave messages back.
        said_before: the key of an answer, and what the app itself said right before it.
        internal: calls beside the agent's that are no part of the conversation.
    """

    session: Session | None = None
    root: Root | None = None
    said_before: tuple[bytes, list[Draft]] | None = None
    internal: list[Call] = []


class Reading(Struct, eq=False, gc=False):
    """How the prompt that is taken in now was read.

    Args:
        start: when its call began; None behind the last call.
        repeated: what it told again, as ranges.
        was_cut: whether its own answer stood in it, and was cut off with all that followed.
        begins_with_results: whether what it says anew begins with tool results.
        untold: calls that it leaves out while it tells what the others beside them gave back.
    """

    start: datetime | None = None
    repeated: list[tuple[int, int]] = []
    was_cut: bool = False
    begins_with_results: bool = False
    untold: list[tuple[Pending, ToolRun]] = []


class Transcript:
    """The messages of one agent so far, those of earlier traces by their digests only.

    Args:
        past: what earlier traces said; `before` is what they left to go on from.
        runs: the agent's tool runs.
        quotes: texts that the trace itself made.
        frame: what the trace around the agent's calls tells.
        total: messages so far, those of earlier traces included.
        aside_keys: indexes of what was kept aside, by digest; `systems` likewise for system prompts.
        prefix: the last prompt, to tell whether the next one begins with it.
        drafts: messages of this trace; `keys` are their digests, `asides` what it kept aside.
        ids: ids that a graph gave to answers of this trace.
        spoken: messages of this trace that a template stood around, by the digest of the user's own words.
        turn: the turn that is told now, from 1; `turn_user` is the message that began it.
        answered: whether a model answered in it.
        pending: calls that no result stands for yet.
        view: what the last prompt showed, as ranges.
        answer: what the model said to it, and the ids of its calls.
        reasoned: the last answer, where its reasoning is known.
        without_arguments: ids of its calls that were recorded without arguments.
        untold_calls: calls of the last answer that the history's copy of it leaves out.
        renamed: ids under which a history repeats the calls of the last answer, where it numbers them anew.
        shown: what the user's last message looked like to the model.
        reading: how the prompt that is taken in now was read.
        looked: messages of a prompt in which its own answer was looked for last, and where it stands.
    """

    def __init__(self, past: Past, runs: list[ToolRun], quotes: Quotes, frame: Frame | None = None) -> None:
        """One that goes on from earlier traces."""
        before = past.context
        self.past, self.before = past, before
        self.runs = OpenRuns(runs)
        self.quotes = quotes
        self.frame = frame or Frame()
        self.total = before.total
        self.aside_keys = dict(past.known.asides)
        self.systems = dict(past.known.systems)
        self.prefix = past.prefix()
        self.drafts: list[Draft] = []
        self.keys: list[bytes] = []
        self.asides: list[Draft] = []
        self.ids: set[str] = set()
        self.spoken: dict[bytes, list[int]] = {}
        self.steps: list[StepDraft] = []
        self.amendments: list[Amendment] = []
        self.turn, self.turn_user = before.entries, before.turn_user
        self.answered = False
        self.pending = list(before.pending)
        self.view = list(before.view)
        self.answer, self.answer_ids = before.answer, list(before.answer_ids)
        self.reasoned = before.reasoned[-1:]
        self.without_arguments = before.without_arguments
        self.untold_calls: list[tuple[str, dict[str, Any] | None]] = []
        self.renamed: dict[str, str | None] = {}
        self.shown: str | None = None
        self.reading = Reading()
        self.looked: tuple[Sequence[Draft], int | None] = ((), None)

    def turn_at(self, time: datetime) -> int:
        """The turn that a time lies in."""
        session = self.frame.session
        begun_later = session.turns_after(time, answered=True) if session is not None else 0
        return max(self.turn - begun_later, 1)

    def turn_beside(self, call: Call) -> int:
        """The turn that a call beside the dialogue belongs to: whose run it stands below, else that of its time."""
        session = self.frame.session
        if session is None or not session.breaks:
            return max(self.turn, 1)
        return self._turn_around(call) or max(self.turn - session.work_after(call), 1)

    def _turn_around(self, call: Call) -> int | None:
        """The turn that alone has its calls below the innermost run in which a call stands beside any."""
        for above in reversed(call.path[1:]):
            told = (self.own(step.answer) for step in self.steps if above in step.call.path)
            turns = {draft.turn for draft in told if draft is not None}
            if turns:
                return turns.pop() if len(turns) == 1 else None
        return None

    def key(self, reference: int) -> bytes | None:
        """Digest of a message."""
        if reference < self.before.total:
            return self.past.key(reference)
        place = reference - self.before.total
        return self.keys[place] if place < len(self.keys) else None

    def digests(self, start: int) -> list[bytes]:
        """Digests of the messages from a reference on."""
        past, size = self.past.known.messages, DIGEST_SIZE
        earlier = [bytes(past[at : at + size]) for at in range(start * size, self.before.total * size, size)]
        return earlier + self.keys[max(start - self.before.total, 0) :]

    def reworded(self, key: bytes) -> list[int]:
        """The messages in which a user's own words, by digest, were shown to a model in a template, oldest first."""
        return [*self.past.known.spoken.get(key, ()), *self.spoken.get(key, ())]

    def knows(self, key: bytes) -> bool:
        """Whether a message was told before, in whatever trace."""
        return key in self.aside_keys or any(self.key(place) == key for place in range(self.total))

    @property
    def told(self) -> set[bytes]:
        """Digests of all messages that were told before: where many are looked for, since making it is dear."""
        return {key for place in range(self.total) if (key := self.key(place)) is not None}.union(self.aside_keys)

    def own(self, reference: int) -> Draft | None:
        """A message of this trace."""
        place = reference - self.before.total
        return self.drafts[place] if 0 <= place < len(self.drafts) else None

    def add(self, draft: Draft, key: bytes) -> int:
        """Append a message; its reference."""
        draft.turn = self.turn
        self.drafts.append(draft)
        self.keys.append(key)
        index = self.total
        self.total = index + 1
        return index

    def system(self, draft: Draft, key: bytes | None = None) -> int:
        """A system prompt's reference: known, new, or an aside where it quotes what the trace itself made."""
        key = key or digest(draft)
        found = self.systems.get(key)
        if found is not None:
            return found
        if self.quotes.quoted(draft):
            return self.aside(draft, CONTEXT, key)
        if draft.flags and SUMMARY in draft.flags:
            return self.aside(draft, SUMMARY, key)
        first = self.total == len(self.systems)
        index = self.add(draft, key)
        if first:
            draft.turn = 0
        self.systems[key] = index
        return index

    def aside(self, draft: Draft, flag: str, key: bytes | None = None) -> int:
        """Keep a message aside, once; its reference."""
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

    def is_cut_off(self) -> bool:
        """Whether nothing was said behind what the tools gave back that were called last."""
        return bool(self.answer_ids) and not self.pending and bool(self.drafts) and self.drafts[-1].role is TOOL

    def tells(self, text: str) -> bool:
        """Whether an answer or a result of this trace is a text, holds it, or is held by it."""
        said = [one.text for one in self.drafts if one.role in (ASSISTANT, TOOL)]
        return text in said or any(text in one or (is_phrase(one) and one in text) for one in said)

    def news(self) -> Known:
        """What this trace said for the first time."""
        known = self.past.known
        return Known(
            messages=bytearray().join(self.keys),
            systems=_behind(self.systems, len(known.systems)),
            asides=_behind(self.aside_keys, len(known.asides)),
            spoken=self.spoken,
        )

    def after(self) -> Context:
        """The context for the next trace, but for its last prompt, which `Standing.seal` has it tell."""
        before = self.before
        return Context(
            total=self.total, asides=before.asides + len(self.asides), entries=self.turn,
            view=self.view, answer=self.answer, answer_ids=self.answer_ids,
            turn_user=self.turn_user, pending=self.pending[-KEPT:], tools=before.tools, reasoned=self.reasoned,
            without_arguments=self.without_arguments,
        )  # fmt: skip


def _behind(places: dict[bytes, int], count: int) -> dict[bytes, int]:
    """What was added behind the first so many."""
    return dict(islice(places.items(), count, None)) if len(places) > count else {}
