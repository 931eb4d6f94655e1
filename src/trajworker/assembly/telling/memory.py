"""What a transcript knows: its messages and what was kept aside, by digest and by place."""

from datetime import datetime
from itertools import islice
from typing import Any

from msgspec import Struct

from trajworker.assembly.dialogues.sessions import Session
from trajworker.assembly.kept.context import KEPT, Context, Known, Past, Pending
from trajworker.assembly.kept.folds import Amendment
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.tool_runs import ToolRun
from trajworker.assembly.reading.words import CONTEXT, SUMMARY, Quotes, is_phrase
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


class Memory:
    """The messages of one agent so far, those of earlier traces by their digests only."""

    def __init__(self, past: Past, runs: list[ToolRun], quotes: Quotes, frame: Frame | None = None) -> None:
        self.past = past
        self.before = before = past.context
        self.runs = OpenRuns(runs)
        self.quotes = quotes
        self.frame = frame or Frame()
        self.drafts: list[Draft] = []
        self.total = before.total
        """Messages so far, those of earlier traces included."""
        self.keys: list[bytes] = []
        self.asides: list[Draft] = []
        self.aside_keys = dict(past.known.asides)
        self.systems = dict(past.known.systems)
        self.steps: list[StepDraft] = []
        self.amendments: list[Amendment] = []
        self.pending: list[Pending] = list(before.pending)
        self.view = list(before.view)
        self.answer = before.answer
        self.answer_ids = list(before.answer_ids)
        self.reasoned = before.reasoned[-1:] if before.reasoned else []
        self.spoken: dict[bytes, list[int]] = {}
        """Messages of this trace that a template stood around, by the digest of the user's own words."""
        self.prefix = past.prefix()
        self.turn = before.entries
        self.turn_user = before.turn_user
        self.answered = False
        self.ids: set[str] = set()
        self.repeated: list[tuple[int, int]] = []
        """What the prompt which is read has told again, as ranges."""
        self.untold_calls: list[tuple[str, dict[str, Any] | None]] = []
        """Calls of the last answer that the history's copy of it leaves out."""
        self.renamed: dict[str, str | None] = {}
        """Ids under which a history repeats the calls of the last answer, where it numbers them anew."""
        self.shown: str | None = None
        self.was_cut = False
        self.results_told = False
        self.limit: datetime | None = None
        self.untold: list[tuple[Pending, ToolRun]] = []
        """Calls that a prompt leaves out while it tells what the others beside them gave back."""

    def turn_at(self, time: datetime) -> int:
        """The turn that a time lies in."""
        session = self.frame.session
        begun_later = session.turns_after(time, answered=True) if session is not None else 0
        return max(self.turn - begun_later, 1)

    def turn_beside(self, call: Call) -> int:
        """The turn that a call beside the dialogue belongs to."""
        begun_later = self.frame.session.work_after(call) if self.frame.session is not None else 0
        return max(self.turn - begun_later, 1)

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
        self.total += 1
        return self.total - 1

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
        said = [(one.content or "").strip() for one in self.drafts if one.role in (ASSISTANT, TOOL)]
        return text in said or any(text in one or (is_phrase(one) and one in text) for one in said)

    def news(self) -> Known:
        """What this trace said for the first time."""
        known = self.past.known
        return Known(
            messages=bytearray().join(self.keys),
            systems=dict(islice(self.systems.items(), len(known.systems), None)),
            asides=dict(islice(self.aside_keys.items(), len(known.asides), None)),
            spoken=self.spoken,
        )

    def after(self) -> Context:
        """The context for the next trace."""
        before = self.before
        length, prefix = self.prefix.sealed()
        return Context(
            total=self.total, asides=before.asides + len(self.asides), entries=self.turn,
            view=self.view, answer=self.answer, answer_ids=self.answer_ids,
            prefix_length=length, prefix_hash=prefix, turn_user=self.turn_user,
            pending=self.pending[-KEPT:], tools=before.tools, reasoned=self.reasoned,
        )  # fmt: skip
