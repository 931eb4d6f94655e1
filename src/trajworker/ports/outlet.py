"""Between staging and the outlet: which conversations are due, what they are made of, and what may be dropped."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from trajworker.model.run import Feedback, Run


class Aggregation(StrEnum):
    """How the components of a reward that have a number become one value."""

    WEIGHTED_MEAN = "weighted_mean"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    LAST = "last"


class LostRevision(Struct, frozen=True):
    """The newest revision of a conversation whose published file is lost and that was not said again since."""

    revision: int
    content_hash: bytes


class Activity(Struct, frozen=True, kw_only=True):
    """What decides whether a conversation is finished: see `assembly.lifecycle`."""

    conversation: int
    """Key in the store."""
    project_id: str
    project: str | None = None
    """The project's name."""
    conversation_id: str
    last_activity: datetime
    pending_roots: int
    pending_runs: int
    oldest_pending: datetime | None
    revision: int
    """Last one emitted, 0 if none."""
    empty: bool = False
    """All its traces moved to other conversations after it was emitted: only a tombstone revision is left to say."""
    compacted: bool = False
    """Payloads of it were dropped: fetch its `ConversationStore.compacted_runs` again before assembling it."""
    content_hash: bytes | None = None
    """Of the last revision: an equal one is not emitted again, only marked as looked at."""
    lost: LostRevision | None = None
    """Content equal to it is said again under its number, any other under the next: its readers may know it."""


class TraceVersion(Struct, frozen=True, kw_only=True):
    """One trace of a conversation: what it holds now, and the fold made of it before, if any.

    `version` changes whenever a run or feedback of the trace changes. `fold` was made of `folded_version`.
    """

    trace_id: str
    start: datetime
    version: int
    folded_version: int | None = None
    fold: bytes | None = None


class Portion(Struct, frozen=True, kw_only=True):
    """What traces of a conversation are folded of, by trace id: in order of the traces, runs in no order."""

    runs: dict[str, list[Run]]
    feedback: dict[str, list[Feedback]]


class Material(Struct, frozen=True, kw_only=True):
    """What a conversation is made of: its traces in order of start, and what is needed to fold those that changed.

    `changed` holds every trace from the first changed one on; None where that is too much to hold at once: read it in
    portions then.
    """

    traces: list[TraceVersion]
    changed: Portion | None


def unchanged_prefix(traces: Sequence[TraceVersion]) -> int:
    """How many traces at the beginning are still what was folded: each fold stands on those before it."""
    for number, trace in enumerate(traces):
        if trace.fold is None or trace.folded_version != trace.version:
            return number
    return len(traces)


class ConversationStore(Protocol):
    """The outlet's side of staging: which conversations are due, and what they are made of."""

    async def materials(self, conversations: Sequence[int]) -> list[Material]:
        """What those conversations are made of, in one look."""
        ...

    def changed(self, before: datetime) -> AsyncGenerator[Activity, None]:
        """Conversations that changed and were last active before that time, longest idle first.

        They may be emitted while this iterates.
        """
        ...

    async def traces(self, conversation: int) -> list[TraceVersion]:
        """The traces of a conversation in order of start."""
        ...

    def portions(self, conversation: int, trace_ids: Sequence[str]) -> AsyncGenerator[Portion, None]:
        """Those traces of a conversation, in that order, some at a time: each portion may be held at once."""
        ...

    async def compacted_runs(self, conversation: int, limit: int) -> list[str]:
        """Ids of runs of a conversation whose payloads were dropped; staging them again restores the payloads."""
        ...

    async def quarantine(self, conversation: int, reason: str, seen: dict[str, int]) -> None:
        """Set a conversation aside that cannot be assembled, until its traces or the rules change; its runs stay."""
        ...
