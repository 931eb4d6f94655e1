"""One cycle of reading: what is uncovered or new, then what ended, may be late, or is due for another look."""

from collections.abc import Callable, Container, Iterable, Sequence
from datetime import datetime
from itertools import count
from typing import Protocol

from trajworker.errors import SourceError
from trajworker.events import Observer, ProjectStarted
from trajworker.model.run import Project
from trajworker.model.times import EARLIEST
from trajworker.ports import Marks, RunSource, RunStore, Slice, SlicePurpose
from trajworker.worker.intake import Intake
from trajworker.worker.planning import Lagging, Reading, deep_scan, ended_since, plan

LOOK_BATCH = 100
READ_AGAIN = (SlicePurpose.ENDED, SlicePurpose.DEEP_SCAN)
ENDED_MARK = "ended"
DEEP_SCAN_MARK = "deep_scan"


class StagingStore(RunStore, Marks, Protocol):
    """What a cycle needs of staging: runs and slices, and times remembered over restarts."""


class Cycle:
    """Reads projects up to now, as often as it is run."""

    def __init__(
        self,
        source: RunSource,
        store: StagingStore,
        reading_at: Callable[[datetime], Reading],
        observer: Observer,
        pagers: int,
    ) -> None:
        """Read with at most `pagers` requests at a time, as `reading_at` the server's time of the first cycle says."""
        self._source = source
        self._store = store
        self._reading_at = reading_at
        self._asked: Reading | None = None
        self._observer = observer
        self._pagers = pagers
        self._fetch_seq = count(1)
        self.lagging: Lagging | None = None
        """What the last cycle could not read yet of what is asked for."""

    async def run(self, projects: Sequence[Project], now: datetime) -> dict[str, SourceError]:
        """Read up to `now` (server time), as far as `reading` goes; returns what failed, by project id."""
        self.lagging = self._reading(now).lagging(now)
        intake = Intake(self._source, self._store, self._observer, self._fetch_seq, self._pagers)
        by_id = {project.id: project for project in projects}
        uncovered = [slice_ for project in projects for slice_ in await self._plan_uncovered(project, now)]
        await intake.read(by_id, uncovered)
        readable = [project for project in projects if project.id not in intake.failed]
        # where the catch-up went on to the end, all was just read
        behind = [project for project in readable if project.id in intake.stopped_early]
        again = [slice_ for project in behind for slice_ in await self._plan_again(project, uncovered, now)]
        await intake.read(by_id, again)
        for project in readable:
            await self._look_again(project, intake, now)
        scanned = _scanned([*uncovered, *again]) | (by_id.keys() - intake.stopped_early)
        for project in readable:
            if project.id not in intake.failed:
                await self._remember(project.id, now, scanned)
        return intake.failed

    async def reread(self, project: Project, ids: Sequence[str]) -> None:
        """Stage those runs again; raises the SourceError that kept them from coming."""
        intake = Intake(self._source, self._store, self._observer, self._fetch_seq, self._pagers)
        await intake.reread(project, ids)
        if project.id in intake.failed:
            raise intake.failed[project.id]

    def _reading(self, now: datetime) -> Reading:
        """How projects are read: ages stay what they were in the first cycle."""
        if self._asked is None:
            self._asked = self._reading_at(now)
        return self._asked

    async def _plan_uncovered(self, project: Project, now: datetime) -> list[Slice]:
        """Plan what is uncovered or new; the slices to read, those that an earlier cycle left among them."""
        unread = await self._store.unread(project.id)
        reading = self._reading(now)
        slices = plan(project.id, reading, await self._store.coverage(project.id), unread, now)
        await self._store.plan(project, slices)
        since = None if reading.since == EARLIEST else reading.since
        self._observer(ProjectStarted(project=project.name, start=since, end=reading.end(now)))
        return await self._store.unread(project.id)

    async def _plan_again(self, project: Project, read: Sequence[Slice], now: datetime) -> list[Slice]:
        """Plan what must be read again although it is covered; a deep scan that was resumed is not begun anew."""
        slices = []
        ended = await self._store.mark(project.id, ENDED_MARK)
        if ended is not None:
            slices.append(ended_since(project.id, self._reading(now), ended, now))
        scanned = await self._store.mark(project.id, DEEP_SCAN_MARK)
        if scanned is not None and project.id not in _scanned(read):
            scan = deep_scan(project.id, self._reading(now), scanned, now)
            slices += [] if scan is None else [scan]
        await self._store.plan(project, slices)
        unread = await self._store.unread(project.id) if slices else []
        return [slice_ for slice_ in unread if slice_.purpose in READ_AGAIN]

    async def _look_again(self, project: Project, intake: Intake, now: datetime) -> None:
        """Ask for the runs that are due; those that could not be asked for stay due."""
        if ids := await self._store.due(project.id, now, LOOK_BATCH):
            await intake.reread(project, ids)
            if project.id not in intake.failed:
                await self._store.reschedule(project.id, ids, now)

    async def _remember(self, project_id: str, now: datetime, scanned: Container[str]) -> None:
        """Note that all that ended by now was met, and where the horizon was read, that too."""
        await self._store.set_mark(project_id, ENDED_MARK, now)
        if project_id in scanned or await self._store.mark(project_id, DEEP_SCAN_MARK) is None:
            await self._store.set_mark(project_id, DEEP_SCAN_MARK, now)


def _scanned(slices: Iterable[Slice]) -> set[str]:
    """Projects of which the whole horizon is among the slices."""
    return {slice_.project_id for slice_ in slices if slice_.purpose is SlicePurpose.DEEP_SCAN}
