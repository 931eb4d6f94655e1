"""Between source and staging: slices of time are read page by page, and each page is staged in one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from trajworker.model.run import Feedback, Project, Run


class SlicePurpose(StrEnum):
    """Why a slice is read; those in `COVERING` move the watermark when they are done."""

    COVER = "cover"
    """For the first time, to its end."""
    CATCH_UP = "catch_up"
    """What is new since the watermark, and the overlap before it for what came late."""
    ENDED = "ended"
    """Runs that ended since the last cycle, whenever they started."""
    DEEP_SCAN = "deep_scan"
    """The whole horizon again, to measure how late the late ones were."""
    LEFT_OVER = "left_over"
    """What a `SWIFT` slice of the same stretch leaves out: runs that did not succeed (yet), or ended later. Read first:
    a run that ends between the two is then met by one of them at least."""
    UNSETTLED = "unsettled"
    """What began after the moment up to which an import reads, by the source's clock, and what may have come late into
    a stretch that is read on from a cursor. It counts as unread."""
    SWIFT = "swift"
    """Runs that succeeded and ended soon after the slice began: some servers allow more requests for them (`Swift`)."""


COVERING = (SlicePurpose.COVER, SlicePurpose.CATCH_UP, SlicePurpose.LEFT_OVER, SlicePurpose.SWIFT)
"""Purposes of slices after which a stretch of time counts as read, once nothing is left that was split off them."""


class Slice(Struct, frozen=True, kw_only=True):
    """A stretch of start times of one project, [start, end), read page by page, newest first."""

    project_id: str
    start: datetime
    end: datetime
    purpose: SlicePurpose = SlicePurpose.COVER
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
    kind: str | None = None
    """What it is counted as, where the reason names ids, times or what a server wrote."""
    trace_id: str | None = None
    """The trace it says it belongs to."""
    mark: bytes = b""
    """What tells it from others where it has no id and `raw` was masked away."""
    stretch: tuple[datetime, datetime] | None = None
    """Start times [start, end) that it stands for where it has no id: it is well once these are read whole."""


class Swift(Struct, frozen=True, kw_only=True):
    """Where the source allows more requests: for runs that started at `since` or later, and for `SWIFT` slices.

    `span` is how long after the start of a `SWIFT` slice a run must have ended to be met in it.
    """

    since: datetime
    span: timedelta


class Page(Struct, frozen=True, kw_only=True):
    """One answer of the source. `oldest` is the earliest start time on it, None when it is empty.

    `next_runs` is how many runs the page after it may hold, None for as many as this one. `pace_per_s` is how many
    pages like it a second the source is allowed to ask for, None where nothing limits it; `swift` tells where it could
    ask for more.
    """

    runs: tuple[Run, ...]
    unreadable: tuple[Unreadable, ...] = ()
    next_cursor: str | None = None
    oldest: datetime | None = None
    size_bytes: int = 0
    next_runs: int | None = None
    pace_per_s: float | None = None
    swift: Swift | None = None


class StagedPage(Struct, frozen=True, kw_only=True):
    """What one transaction takes in: the runs of a page, the state of its slice afterwards, and slices split off it.

    `fetch_seq` was taken when the request was SENT, so that a slow old answer cannot beat a newer one; it counts from 1
    in each process (the store puts its epoch before it).
    `slice` is None for runs asked for by id. `done` says that the slice is read to its end. `feedback` is all there is
    on the runs of the page, so that what was deleted is noticed; None where nobody asked.
    """

    page: Page
    fetch_seq: int
    slice: Slice | None = None
    done: bool = False
    split: tuple[Slice, ...] = ()
    feedback: tuple[Feedback, ...] | None = None


class StageOutcome(Struct, frozen=True, kw_only=True):
    """What a page brought; `changed` counts the runs that were new or newer.

    `cursor_seen`: the cursor that the slice would go on from was used in it before: reading goes in a circle. The page
    is staged; the slice must be begun again (`plan` it with its id, `restarts` + 1) or given up.
    """

    changed: int
    cursor_seen: bool = False
    late: int = 0
    """Changed runs that lie where everything had been read before."""
    oldest_late: datetime | None = None
    """When the earliest of those began."""
    quarantined: tuple[Unreadable, ...] = ()
    """What could not be read and was not in quarantine before."""
    recovered: int = 0
    """What left the quarantine, since it could be read now."""
    split: tuple[Slice, ...] = ()
    """The slices split off, now with the ids the store gave them; reading them starts only after this commit."""


class Coverage(Struct, frozen=True, kw_only=True):
    """Which stretches of a project's start times were read whole, in order, none touching the next.

    `watermark` is the end of the longest prefix of complete slices; None before the first. Stretches that nobody
    asked for do not hold it back; slices planned and not read yet do.
    """

    spans: tuple[tuple[datetime, datetime], ...] = ()
    watermark: datetime | None = None


class RunSource(Protocol):
    """Where runs come from; every method retries within its budget, then raises a `SourceError`."""

    async def find_projects(self, names: Sequence[str]) -> list[Project]:
        """Resolve names or ids; raises ProjectNotFound naming near ones."""
        ...

    async def page(self, slice_: Slice) -> Page:
        """The page of `slice_` at its cursor; raises CursorExpired when the slice must be begun again."""
        ...

    async def runs_by_id(self, project_id: str, ids: Sequence[str]) -> Page:
        """Those runs as they are now; ids the source no longer has are absent."""
        ...

    async def feedback(self, run_ids: Sequence[str]) -> list[Feedback]:
        """All feedback left on those runs."""
        ...

    async def now(self) -> datetime:
        """Time as the server tells it (`Date`), never the host clock alone."""
        ...


class Marks(Protocol):
    """Times of a project that are remembered over restarts."""

    async def mark(self, project_id: str, name: str) -> datetime | None:
        """A time remembered under a name, e.g. up to when ended runs were asked for; None before the first."""
        ...

    async def set_mark(self, project_id: str, name: str, at: datetime) -> None:
        """Remember a time under a name."""
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

    async def due(self, project_id: str, now: datetime, limit: int) -> list[str]:
        """Ids of runs to look at again: those that have not ended, and those set aside; at most `limit` of either."""
        ...

    async def reschedule(self, project_id: str, ids: Sequence[str], now: datetime) -> None:
        """Give runs that were looked at now their next time: in 1 h, then 6 h, 1 d, then every 7 d."""
        ...

    async def coverage(self, project_id: str) -> Coverage:
        """What was read whole (see `COVERING`), and the watermark; empty before the first slice is done."""
        ...
