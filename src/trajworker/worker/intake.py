"""From slices of time to staged runs: a bounded group of pagers that share one queue.

A page lost in memory costs nothing: its cursor commits with its rows, so it is fetched again. A slice that turns out
dense is cut while pagers are idle, so that concurrency does not depend on how the day was spread. A pager holds one
page at most, and asks for none while enough of them wait for the store (`PageFlow`): that bounds memory.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import anyio
from msgspec import Struct
from msgspec.structs import replace

from trajworker.errors import CursorExpired, SourceError
from trajworker.events import (
    LateFound,
    Observer,
    PageStaged,
    ProjectFailed,
    RunQuarantined,
    RunsRecovered,
    SliceRead,
    SliceSplit,
)
from trajworker.model.run import NULL, Feedback, Project, Run
from trajworker.model.times import MICROSECOND
from trajworker.ports import Page, RunSource, RunStore, Slice, SlicePurpose, StagedPage, StageOutcome, Unreadable
from trajworker.worker.catching_up import Depth
from trajworker.worker.page_flow import PageFlow
from trajworker.worker.queue import SliceQueue
from trajworker.worker.slicing import ONE_PAGER_PER_S, SWIFT_CUTS, after, cut, cuts_allowed, following, quicken

SLICE_RESTARTS = 1
"""How often a slice is begun again because its cursor expired or went in circles, before it is given up."""
GIVEN_UP = "slice given up"


class Intake:
    """Reads slices into the store; a project that fails does not stop the others."""

    def __init__(
        self, source: RunSource, store: RunStore, observer: Observer, fetch_seq: Iterator[int], pagers: int
    ) -> None:
        """Ask for at most `pagers` pages at a time; `fetch_seq` rises with every request of the process."""
        self._source = source
        self._store = store
        self._observer = observer
        self._pagers = pagers
        self._fetch_seq = fetch_seq
        self._pages: Counter[str] = Counter()
        self._cuts: Counter[str] = Counter()
        self._projects: dict[str, Project] = {}
        self.failed: dict[str, SourceError] = {}
        """Projects that could not be read to the end, by id."""
        self.stopped_early: set[str] = set()
        """Projects whose catch-up ended at its floor: what is older was not looked at."""

    async def read(self, projects: Mapping[str, Project], slices: Sequence[Slice]) -> None:
        """Read all slices to their ends, and whatever is cut off them; `projects` by id."""
        self._projects |= projects
        shared = _Shared(SliceQueue(slices), PageFlow(self._pagers))
        async with anyio.create_task_group() as group:
            for _ in range(self._pagers):
                group.start_soon(self._page_slices, shared)

    async def reread(self, project: Project, ids: Sequence[str]) -> None:
        """Look again at runs known by id, such as those that had not ended or had to be set aside."""
        self._projects[project.id] = project
        seq = next(self._fetch_seq)
        try:
            page = await self._source.runs_by_id(project.id, ids)
            await self._stage(
                project.id, StagedPage(page=page, fetch_seq=seq, feedback=await self._feedback(page.runs))
            )
        except SourceError as error:
            self._fail(project.id, error)

    async def _page_slices(self, shared: "_Shared") -> None:
        while (slice_ := await shared.queue.take()) is not None:
            try:
                if slice_.project_id not in self.failed:
                    await self._read_slice(slice_, shared)
            except SourceError as error:
                self._fail(slice_.project_id, error)
            finally:
                await shared.queue.finish()

    def _fail(self, project_id: str, error: SourceError) -> None:
        self.failed[project_id] = error
        self._observer(ProjectFailed(project=self._name(project_id), error=str(error), exit_code=error.exit_code))

    def _name(self, project_id: str) -> str:
        """What people call the project."""
        project = self._projects.get(project_id)
        return project_id if project is None else project.name

    async def _read_slice(self, slice_: Slice, shared: "_Shared") -> None:
        """Read one slice, beginning again where its cursor is of no more use."""
        while True:
            try:
                await self._follow_cursors(slice_, shared)
            except CursorExpired as error:
                if slice_.restarts >= SLICE_RESTARTS:
                    await self._give_up(slice_, error)
                    return
                slice_ = replace(slice_, cursor=None, pages=0, restarts=slice_.restarts + 1)
                await self._store.plan(self._projects[slice_.project_id], [slice_])
            else:
                return

    async def _follow_cursors(self, slice_: Slice, shared: "_Shared") -> None:
        """Page by page until the end, a cut, or the depth at which a catch-up has seen enough."""
        depth = Depth()
        while True:
            async with shared.flow.page() as admitted_at:
                page = await self._read_page(slice_, shared, admitted_at)
            slice_, oldest, done = page.slice, page.oldest, page.done
            if not done and slice_.floor is not None and oldest is not None and oldest < slice_.floor:
                depth = depth.deeper(late=page.outcome.late > 0)
                if depth.enough:
                    slice_, done = await self._stop_early(slice_, oldest, page.fetch_seq), True
            if done:
                await shared.queue.add(page.outcome.split)
                self._observe_read(slice_)
                return
            if page.outcome.cursor_seen:
                raise CursorExpired("the server gave the same cursor twice within a slice")

    async def _stop_early(self, slice_: Slice, oldest: datetime, fetch_seq: int) -> Slice:
        """End a catch-up at the oldest run it has met: only what was looked at counts as read."""
        looked_at = replace(slice_, start=oldest + MICROSECOND)
        await self._store.stage(StagedPage(page=Page(runs=()), fetch_seq=fetch_seq, slice=looked_at, done=True))
        self.stopped_early.add(slice_.project_id)
        return looked_at

    async def _read_page(self, slice_: Slice, shared: "_Shared", admitted_at: float) -> "_ReadPage":
        """Ask for the page at the cursor and stage it; nothing of it is held longer than that."""
        seq = next(self._fetch_seq)
        page = await self._source.page(slice_)
        self._pages[slice_.project_id] += 1
        pieces = self._cut(slice_, page, shared.queue.idle)
        then = following(slice_, page, pieces)
        staged = StagedPage(
            page=page, fetch_seq=seq, feedback=await self._feedback(page.runs),
            slice=then.slice, done=then.done, split=then.split,
        )  # fmt: skip
        with shared.flow.arrived(admitted_at):
            outcome = await self._stage(slice_.project_id, staged)
        return _ReadPage(slice=then.slice, fetch_seq=seq, oldest=page.oldest, outcome=outcome, done=then.done)

    def _observe_read(self, slice_: Slice) -> None:
        name = self._name(slice_.project_id)
        self._observer(SliceRead(project=name, start=slice_.start, end=slice_.end, pages=slice_.pages))

    def _cut(self, slice_: Slice, page: Page, idle: int) -> tuple[Slice, ...]:
        """Pieces of what is left of the slice, where cutting is worth its price; empty to go on as it is."""
        pages_read = self._pages[slice_.project_id]
        allowed = cuts_allowed(pages_read, self._cuts[slice_.project_id])
        if not (
            allowed and page.runs and page.next_cursor and slice_.purpose in (SlicePurpose.COVER, SlicePurpose.SWIFT)
        ):
            return ()
        pieces = _pieces(slice_, page, allowed, idle, pages_read)
        more = len(pieces) - 1 + sum(len(after(piece)) for piece in pieces)
        if more <= 0:
            return ()
        self._cuts[slice_.project_id] += more
        self._observer(SliceSplit(project=self._name(slice_.project_id), slices=more + 1))
        return pieces

    async def _stage(self, project_id: str, staged: StagedPage) -> StageOutcome:
        began = anyio.current_time()
        page = staged.page
        outcome = await self._store.stage(staged)
        name = self._name(project_id)
        for unreadable in outcome.quarantined:
            self._observer(_quarantined(name, unreadable))
        if outcome.recovered:
            self._observer(RunsRecovered(project=name, runs=outcome.recovered))
        if (late := _found_late(name, staged.slice, outcome)) is not None:
            self._observer(late)
        self._observer(
            PageStaged(
                project=name,
                runs=len(page.runs),
                changed=outcome.changed,
                size_bytes=page.size_bytes,
                seconds=anyio.current_time() - began,
            )
        )
        return outcome

    async def _feedback(self, runs: Sequence[Run]) -> tuple[Feedback, ...]:
        """All feedback on the runs: no request about those whose figures say that there is none."""
        ids = [run.id for run in runs if run.feedback_stats != NULL]
        return tuple(await self._source.feedback(ids)) if ids else ()

    async def _give_up(self, slice_: Slice, error: CursorExpired) -> None:
        """Leave the slice to the next cycle, which begins it afresh; until then the quarantine says why it is missing.

        It stays unread, so the watermark does not pass it.
        """
        afresh = replace(slice_, cursor=None, pages=0, restarts=0)
        await self._store.plan(self._projects[slice_.project_id], [afresh])
        unreadable = Unreadable(
            project_id=slice_.project_id,
            run_id=None,
            reason=str(error),
            raw=b"",
            kind=GIVEN_UP,
            stretch=(slice_.start, slice_.end),
        )
        page = Page(runs=(), unreadable=(unreadable,))
        await self._stage(slice_.project_id, StagedPage(page=page, fetch_seq=next(self._fetch_seq)))


class _Shared(Struct, frozen=True):
    """What the pagers of one reading share."""

    queue: SliceQueue
    flow: PageFlow


class _ReadPage(Struct, frozen=True, kw_only=True):
    """A page that was asked for and staged; `slice` is its slice as it stands after it."""

    slice: Slice
    fetch_seq: int
    oldest: datetime | None
    outcome: StageOutcome
    done: bool


def _quarantined(project: str, unreadable: Unreadable) -> RunQuarantined:
    kind = unreadable.kind or unreadable.reason
    return RunQuarantined(project=project, run_id=unreadable.run_id, kind=kind, reason=unreadable.reason)


def _pieces(slice_: Slice, page: Page, allowed: int, idle: int, pages_read: int) -> tuple[Slice, ...]:
    if page.swift is not None and allowed >= SWIFT_CUTS:
        return quicken(slice_, page, page.swift)
    if idle and (page.pace_per_s is None or page.pace_per_s > ONE_PAGER_PER_S):
        return cut(slice_, page, min(idle, allowed) + 1, pages_read)
    return ()


def _found_late(project: str, slice_: Slice | None, outcome: StageOutcome) -> LateFound | None:
    """Runs that the usual overlap did not reach: how late they were is what the lookback should be set from."""
    if (
        slice_ is None
        or outcome.oldest_late is None
        or (slice_.floor is not None and outcome.oldest_late >= slice_.floor)
    ):
        return None
    late_s = (slice_.end - outcome.oldest_late).total_seconds()
    return LateFound(project=project, purpose=slice_.purpose, runs=outcome.late, late_s=late_s)
