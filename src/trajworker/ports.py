"""The seams: what crosses between rooms, and the small protocols behind which adapters stand.

Data walks forward (source -> staging -> sink); only acknowledgements walk back, and only through the store.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from trajworker.model.run import Feedback, Project, Run


class Purpose(StrEnum):
    """Why a slice is read; only `COVER` and `CATCH_UP` move the watermark when they are done."""

    COVER = "cover"
    """For the first time, to its end."""
    CATCH_UP = "catch_up"
    """What is new since the watermark, and the overlap before it for what came late."""
    ENDED = "ended"
    """Runs that ended since the last cycle, whenever they started."""
    DEEP_SCAN = "deep_scan"
    """The whole horizon again, to measure how late the late ones were."""


class Slice(Struct, frozen=True, kw_only=True):
    """A stretch of start times of one project, [start, end), read page by page, newest first."""

    project_id: str
    start: datetime
    end: datetime
    purpose: Purpose = Purpose.COVER
    ended_after: datetime | None = None
    """Only runs whose end time is later (purpose `ENDED`)."""
    floor: datetime | None = None
    """Below this start time reading may stop at a page that brings nothing new (purpose `CATCH_UP`)."""
    id: int | None = None
    """Given by the store."""
    cursor: str | None = None
    """Where reading goes on; None at the beginning."""
    pages: int = 0
    """Pages read of it so far."""


class Unreadable(Struct, frozen=True, kw_only=True):
    """A run that could not be read: kept raw in quarantine, counted, never guessed at."""

    project_id: str
    run_id: str | None
    reason: str
    raw: bytes


class Page(Struct, frozen=True, kw_only=True):
    """One answer of the source. `oldest` is the earliest start time on it, None when it is empty."""

    runs: tuple[Run, ...]
    unreadable: tuple[Unreadable, ...] = ()
    next_cursor: str | None = None
    oldest: datetime | None = None
    size_bytes: int = 0


class StagedPage(Struct, frozen=True, kw_only=True):
    """What one transaction takes in: the runs of a page, the state of its slice afterwards, and slices split off it.

    `fetch_seq` was taken when the request was SENT, so that a slow old answer cannot beat a newer one.
    `slice` is None for runs asked for by id. `done` says that the slice is read to its end.
    """

    page: Page
    fetch_seq: int
    slice: Slice | None = None
    done: bool = False
    split: tuple[Slice, ...] = ()
    feedback: tuple[Feedback, ...] = ()


class StageOutcome(Struct, frozen=True, kw_only=True):
    """What a page changed: rows new or newer, rows seen before, conversations touched."""

    changed: int
    unchanged: int
    conversations: int
    split: tuple[Slice, ...] = ()
    """The slices split off, now with the ids the store gave them; reading them starts only after this commit."""


class Coverage(Struct, frozen=True, kw_only=True):
    """Start times of a project that were read whole: [start, end), without a hole. `end` is the watermark."""

    start: datetime
    end: datetime
    deep_scanned: datetime | None = None
    """End of the newest finished deep scan."""


class RunSource(Protocol):
    """Where runs come from; every method retries within its budget, then raises a `SourceError`."""

    async def find_projects(self, names: Sequence[str]) -> list[Project]:
        """Resolve names or ids; raises ProjectNotFound naming near ones."""
        ...

    async def page(self, part: Slice) -> Page:
        """The page of `part` at its cursor; raises CursorExpired when the slice must be begun again."""
        ...

    async def runs_by_id(self, project_id: str, ids: Sequence[str]) -> Page:
        """Those runs as they are now; ids the source no longer has are absent."""
        ...

    async def feedback(self, run_ids: Sequence[str]) -> list[Feedback]:
        """Feedback left on those runs."""
        ...

    async def now(self) -> datetime:
        """Time as the server tells it (`Date`), never the host clock alone."""
        ...


class RunStore(Protocol):
    """The intake's side of staging."""

    async def plan(self, slices: Sequence[Slice]) -> None:
        """Remember slices to be read."""
        ...

    async def unread(self, project_id: str) -> list[Slice]:
        """Slices not yet read to their end, with their cursors."""
        ...

    async def stage(self, staged: StagedPage) -> StageOutcome:
        """Take in a page: runs, cursor and "conversation changed" in ONE transaction."""
        ...

    async def pending(self, project_id: str, limit: int) -> list[str]:
        """Ids of runs that have not ended and are due for another look."""
        ...

    async def coverage(self, project_id: str) -> Coverage | None:
        """What has been read whole; None before the first slice is done."""
        ...


class Activity(Struct, frozen=True, kw_only=True):
    """What decides whether a conversation is finished: see `assembly.lifecycle`."""

    conversation: int
    """Key in the store."""
    project_id: str
    conversation_id: str
    last_activity: datetime
    pending_roots: int
    pending_runs: int
    oldest_pending: datetime | None
    revision: int
    """Last one emitted, 0 if none."""
    content_hash: bytes | None = None
    """Of the last revision: an equal one is not emitted again, only marked as looked at."""


class TraceVersion(Struct, frozen=True, kw_only=True):
    """One trace of a conversation, in the order of its start: what it holds now, and the fold made of it before, if
    any.

    `version` changes whenever a run or feedback of the trace changes. `fold` was made of `folded_version`.
    """

    trace_id: str
    start: datetime
    version: int
    folded_version: int | None = None
    fold: bytes | None = None


class Emission(Struct, frozen=True, kw_only=True):
    """A revision that was appended to the part: the ledger row, with the folds it was made of."""

    conversation: int
    revision: int
    content_hash: bytes
    part: int
    offset: int
    length: int
    sha256: bytes
    seen: dict[str, int]
    """Version of each trace that was folded: newer ones keep the conversation changed."""
    folds: dict[str, bytes]
    """New folds by trace id, to be kept."""


class Ledger(Protocol):
    """The outlet's side of staging: which conversations are due, what they are made of, and what has been said."""

    def changed(self, now: datetime) -> AsyncIterator[Activity]:
        """Conversations that changed since their last emission, longest idle first."""
        ...

    async def traces(self, conversation: int) -> list[TraceVersion]:
        """The traces of a conversation in order of start."""
        ...

    def runs(self, conversation: int, trace_id: str) -> AsyncIterator[Run]:
        """The runs of one trace in tree order, decoded one by one."""
        ...

    async def feedback(self, conversation: int, trace_id: str) -> list[Feedback]:
        """Feedback left on the runs of one trace."""
        ...

    async def record(self, emissions: Sequence[Emission]) -> None:
        """Commit emissions with the length of their part: this is the emission, nothing before it counts."""
        ...
