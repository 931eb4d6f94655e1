"""One cycle of reading: what is uncovered or new, then what ended, may be late, or is due for another look."""

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Protocol

from trajworker.errors import SourceError
from trajworker.events import Observer, ProjectStarted
from trajworker.model.run import Project
from trajworker.ports import RunSource, RunStore, Slice, SlicePurpose, Upkeep
from trajworker.worker.intake import Intake
from trajworker.worker.planning import Reading, deep_scan, ended_since, plan

LOOK_BATCH = 100
AGAIN = (SlicePurpose.ENDED, SlicePurpose.DEEP_SCAN)
ENDED_MARK = "ended"
DEEP_SCAN_MARK = "deep_scan"


class StagingStore(RunStore, Upkeep, Protocol):
    """What a cycle needs of staging: runs and slices, and times remembered over restarts."""


class Cycle:
    """Reads projects up to now, as often as it is run."""

    def __init__(
        self, source: RunSource, store: StagingStore, reading: Reading, observer: Observer, pagers: int
    ) -> None:
        """Read as `reading` says with at most `pagers` requests at a time."""
        self._source = source
        self._store = store
        self._reading = reading
        self._observer = observer
        self._pagers = pagers
        self._fetch_seq = count(1)

    async def run(self, projects: Sequence[Project], now: datetime) -> dict[str, SourceError]:
        """Read what can have settled by `now` (server time); returns what failed, by project id."""
        intake = Intake(self._source, self._store, self._observer, self._fetch_seq, self._pagers)
        by_id = {project.id: project for project in projects}
        uncovered = [slice_ for project in projects for slice_ in await self._uncovered(project, now)]
        await intake.read(by_id, uncovered)
        readable = [project for project in projects if project.id not in intake.failed]
        again = [slice_ for project in readable for slice_ in await self._again(project, intake, now)]
        await intake.read(by_id, again)
        for project in readable:
            if ids := await self._store.due(project.id, now, LOOK_BATCH):
                await intake.reread(project, ids)
        for project in readable:
            if project.id not in intake.failed:
                await self._remember(project.id, again, now)
        return intake.failed

    async def reread(self, project: Project, ids: Sequence[str]) -> None:
        """Stage those runs again; raises the SourceError that kept them from coming."""
        intake = Intake(self._source, self._store, self._observer, self._fetch_seq, self._pagers)
        await intake.reread(project, ids)
        if project.id in intake.failed:
            raise intake.failed[project.id]

    async def _uncovered(self, project: Project, now: datetime) -> list[Slice]:
        unread = await self._store.unread(project.id)
        slices = plan(project.id, self._reading, await self._store.coverage(project.id), unread, now)
        self._observer(ProjectStarted(project=project.name, start=self._reading.since, end=self._reading.end(now)))
        await self._store.plan(project, slices)
        return await self._store.unread(project.id)

    async def _again(self, project: Project, intake: Intake, now: datetime) -> list[Slice]:
        """What must be read again although it is covered: nothing on a first cycle, nor where all was just read."""
        slices = []
        ended = await self._store.mark(project.id, ENDED_MARK)
        if ended is not None and project.id in intake.stopped_early:
            slices.append(ended_since(project.id, self._reading, ended, now))
        scanned = await self._store.mark(project.id, DEEP_SCAN_MARK)
        if scanned is not None and (scan := deep_scan(project.id, self._reading, scanned, now)) is not None:
            slices.append(scan)
        await self._store.plan(project, slices)
        unread = await self._store.unread(project.id) if slices else []
        return [slice_ for slice_ in unread if slice_.purpose in AGAIN]

    async def _remember(self, project_id: str, again: Sequence[Slice], now: datetime) -> None:
        await self._store.set_mark(project_id, ENDED_MARK, now)
        scanned = any(slice_.project_id == project_id and slice_.purpose is SlicePurpose.DEEP_SCAN for slice_ in again)
        if scanned or await self._store.mark(project_id, DEEP_SCAN_MARK) is None:
            await self._store.set_mark(project_id, DEEP_SCAN_MARK, now)
