"""The seams: what crosses between rooms, and the small protocols behind which adapters stand.

Data walks forward (source -> staging -> sink); only acknowledgements walk back, and only through the store.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
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
    restarts: int = 0
    """Times it was begun again, because its cursor expired or came twice."""


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

    `fetch_seq` was taken when the request was SENT, so that a slow old answer cannot beat a newer one; it counts from 1
    in each process (the store puts its epoch before it).
    `slice` is None for runs asked for by id. `done` says that the slice is read to its end.
    """

    page: Page
    fetch_seq: int
    slice: Slice | None = None
    done: bool = False
    split: tuple[Slice, ...] = ()
    feedback: tuple[Feedback, ...] = ()


class StageOutcome(Struct, frozen=True, kw_only=True):
    """What a page changed: rows new or newer, rows seen before, conversations touched.

    `cursor_seen`: the cursor that the slice would go on from was used in it before: reading goes in a circle. The page
    is staged; the slice must be begun again (`plan` it with its id, `restarts` + 1) or given up.
    """

    changed: int
    unchanged: int
    conversations: int
    cursor_seen: bool = False
    late: int = 0
    """Changed runs that lie where everything had been read before."""
    oldest_late: datetime | None = None
    """When the earliest of those began."""
    split: tuple[Slice, ...] = ()
    """The slices split off, now with the ids the store gave them; reading them starts only after this commit."""


class Coverage(Struct, frozen=True, kw_only=True):
    """Which stretches of a project's start times were read whole, in order, none touching the next.

    `watermark` is the end of the longest prefix of complete slices; None before the first. Stretches that nobody
    asked for do not hold it back; slices planned and not read yet do.
    """

    spans: tuple[tuple[datetime, datetime], ...] = ()
    watermark: datetime | None = None
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

    async def plan(self, project: Project, slices: Sequence[Slice]) -> None:
        """Remember slices to be read; one with an `id` is begun again as given, with a fresh memory of cursors."""
        ...

    async def unread(self, project_id: str) -> list[Slice]:
        """Slices not yet read to their end, with their cursors."""
        ...

    async def stage(self, staged: StagedPage) -> StageOutcome:
        """Take in a page: runs, cursor and "conversation changed" in ONE transaction."""
        ...

    async def pending(self, project_id: str, now: datetime, limit: int) -> list[str]:
        """Ids of runs that have not ended and are due for another look; each is next due in 1 h, 6 h, 1 d, then 7 d."""
        ...

    async def coverage(self, project_id: str) -> Coverage:
        """What `COVER` and `CATCH_UP` slices read whole, and the watermark; empty before the first slice is done."""
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
    empty: bool = False
    """All its traces moved to other conversations after it was emitted: only a tombstone revision is left to say."""
    reduced: bool = False
    """Payloads of it were dropped by `Upkeep.compact`: fetch `Upkeep.reduced` runs again before assembling it."""
    content_hash: bytes | None = None
    """Of the last revision: an equal one is not emitted again, only marked as looked at."""


class TraceVersion(Struct, frozen=True, kw_only=True):
    """One trace of a conversation: what it holds now, and the fold made of it before, if any.

    `version` changes whenever a run or feedback of the trace changes. `fold` was made of `folded_version`.
    """

    trace_id: str
    start: datetime
    version: int
    folded_version: int | None = None
    fold: bytes | None = None


class Line(Struct, frozen=True, kw_only=True):
    """Where a line lies: the part (its sequence number), offset and length in bytes with the line feed, its sha256."""

    part: int
    offset: int
    length: int
    sha256: bytes


class Emission(Struct, frozen=True, kw_only=True):
    """A conversation as it was assembled: the ledger row, with the folds it was made of.

    `line` is None where the content is still that of `revision`: nothing was appended, only folds and marks are kept.
    """

    conversation: int
    revision: int
    content_hash: bytes
    line: Line | None
    seen: dict[str, int]
    """Version of each trace that was folded: newer ones keep the conversation changed."""
    folds: dict[str, bytes] = {}
    """New folds by trace id, to be kept."""


class Material(Struct, frozen=True, kw_only=True):
    """What a conversation is made of: its traces in order of start, and what is needed to fold those that changed.

    `runs` and `feedback` hold every trace from the first changed one on, by trace id, runs in tree order. `runs` is
    None where that is too much to hold at once: read trace by trace then.
    """

    traces: list[TraceVersion]
    runs: dict[str, list[Run]] | None
    feedback: dict[str, list[Feedback]] = {}


def kept(traces: Sequence[TraceVersion]) -> int:
    """How many traces at the beginning are still what was folded: each fold stands on those before it."""
    for number, trace in enumerate(traces):
        if trace.fold is None or trace.folded_version != trace.version:
            return number
    return len(traces)


class Ledger(Protocol):
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

    def runs(self, conversation: int, trace_id: str) -> AsyncIterator[Run]:
        """The runs of one trace in tree order, decoded one by one."""
        ...

    async def feedback(self, conversation: int, trace_id: str) -> list[Feedback]:
        """Feedback left on the runs of one trace."""
        ...

    async def quarantine(self, conversation: int, reason: str, seen: dict[str, int]) -> None:
        """Set a conversation aside that cannot be assembled, until one of its traces changes; its runs stay."""
        ...


class Upkeep(Protocol):
    """What keeps staging small, and small things a daemon must remember over restarts."""

    async def compact(self, before: datetime) -> int:
        """Drop payloads of delivered conversations last active before that time, at most one batch.

        Returns how many runs were reduced, 0 when nothing is left to do. What dedup needs stays.
        """
        ...

    async def reduced(self, conversation: int, limit: int) -> list[str]:
        """Ids of runs of a conversation whose payloads were dropped; staging them again restores the payloads."""
        ...

    async def mark(self, project_id: str, name: str) -> datetime | None:
        """A time remembered under a name, e.g. up to when ended runs were asked for; None before the first."""
        ...

    async def set_mark(self, project_id: str, name: str, at: datetime) -> None:
        """Remember a time under a name."""
        ...


class Stream(StrEnum):
    """Which files a line goes to; the value is the first word of their names."""

    TRAJECTORIES = "trajectories"
    LATE = "late"
    """Side files for what came past the horizon."""


Unwritten = tuple[Iterable[bytes], Stream]
"""A line to be, in pieces, and where it goes."""


class Sink(Protocol):
    """Where trajectories go: the only writer of published files. One task uses it.

    Errors: `SinkFull` and `StagingFull` mean that the batch was undone and may be assembled again later; any other
    `SinkError` or `StagingError` is final.
    """

    async def append_all(self, lines: Sequence[Unwritten]) -> list[Line]:
        """Write lines (in pieces, without their line feeds) at the ends of the open parts; revocable until `commit`.

        All of them or none.
        """
        ...

    async def commit(self, emissions: Sequence[Emission]) -> None:
        """Sync the parts, then record the emissions in ONE transaction: nothing before that counts.

        The emissions hold every line appended since the last commit. Parts that are full or old enough are published.
        """
        ...

    async def discard(self) -> None:
        """Undo what was appended since the last commit."""
        ...

    async def publish_due(self) -> None:
        """Publish the parts that are old enough: call it from a timer."""
        ...

    async def publish_all(self) -> None:
        """Seal and publish whatever is committed: at the end, at a stop."""
        ...


class PartState(StrEnum):
    """How far a part has come; `VOID` stands in the chain for a file whose bytes were lost."""

    OPEN = "open"
    SEALED = "sealed"
    PUBLISHED = "published"
    VOID = "void"


class Part(Struct, frozen=True, kw_only=True):
    """A file of the sink as the ledger knows it.

    While open, `length` is what is committed; bytes after it never counted. Once sealed, `name`, `size_bytes` and
    `sha256` are those of the file to be published (compressed, if so configured). Ledger rows `first` to `last` are
    on it. `manifest` is the sha256 of its manifest, known once published.
    """

    seq: int
    stream: Stream
    state: PartState
    length: int = 0
    lines: int = 0
    name: str | None = None
    size_bytes: int | None = None
    sha256: bytes | None = None
    first: int | None = None
    last: int | None = None
    manifest: bytes | None = None


class PartLedger(Protocol):
    """The sink's side of staging: the rows of its files, and the transaction that makes an emission."""

    async def parts(self, first: int = 1, last: int | None = None) -> list[Part]:
        """The parts from one sequence number to another (inclusive), in order; numbers have no gaps."""
        ...

    async def put(self, part: Part) -> None:
        """Insert or replace the row of a part; the row of the previous state must be there."""
        ...

    async def drop(self, seq: int) -> None:
        """Forget the newest part, on which nothing was ever committed."""
        ...

    async def record(self, emissions: Sequence[Emission]) -> None:
        """Commit emissions together with the length and lines of their parts."""
        ...

    async def lost(self, seq: int) -> int:
        """Make void a part whose bytes are lost: revisions only found there are due again, with the same number.

        Returns how many can not be made again, because a newer revision was emitted or their payloads are gone.
        """
        ...
