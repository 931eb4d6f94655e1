"""The worker on one page: who runs, who stops first, and in which order it ends.

Intake reads cycles of slices into staging and nudges; the outlet delivers what is finished whenever it is nudged. The
nudge is a stream of one: many nudges while the outlet works are one look at the table. A stop ends intake at once, the
end of intake ends the outlet, and the outlet's last act is to publish what it has committed.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from msgspec import Struct

from trajworker.errors import SinkFull, SourceError, StagingFull, TrajworkerError
from trajworker.events import Corridor, CorridorFailed, CorridorRecovered, Observer, ProjectFailed, RangeCut
from trajworker.ports import RunSource
from trajworker.worker.cycle import Cycle
from trajworker.worker.outlet import Outlet
from trajworker.worker.planning import Lagging
from trajworker.worker.projects import find_projects
from trajworker.worker.stop import Stop, request_on_signal

PENDING_NUDGES = 1
TICK_S = 5.0
"""How often the outlet looks although nothing came: files grow old and conversations idle by the clock alone."""
LULL = timedelta(minutes=30)
"""How long conversations must have been idle to be delivered before all that is read once has been read."""
COMPACT_EVERY = timedelta(minutes=10)
PAUSE_S = 30.0
"""Pause of the outlet after a disk was full, unless cycles come more often."""
PASSING = (SourceError, SinkFull, StagingFull)
"""What a daemon outlives: a source that is away, and a disk that is full."""


class Rhythm(Struct, frozen=True, kw_only=True):
    """How long a worker lives and how often it looks: `poll` between cycles, None for one cycle only."""

    poll: timedelta | None = None
    flush: bool = False
    """At the end of one cycle, deliver unfinished conversations too, marked incomplete."""


class Outcome(Struct, frozen=True, kw_only=True):
    """How the last cycle of reading went: projects asked for, and those that could not be read, by id or name."""

    projects: int = 0
    failed: dict[str, SourceError] = {}
    unassembled: SourceError | None = None
    """Why conversations could not be assembled at last: payloads that were dropped could not be fetched again."""
    lagging: Lagging | None = None
    """What could not be read yet of the range asked for."""
    faults: tuple[TrajworkerError, ...] = ()
    """Why a daemon could read nothing, or deliver nothing, at last."""


class Supervisor:
    """Runs both corridors until all is delivered or somebody asks it to stop."""

    def __init__(self, source: RunSource, cycle: Cycle, outlet: Outlet, observer: Observer, rhythm: Rhythm) -> None:
        """Own nothing: what is passed in is opened and closed by the caller."""
        self._source = source
        self._cycle = cycle
        self._outlet = outlet
        self._observer = observer
        self._rhythm = rhythm
        self._compacted: datetime | None = None
        self._projects = 0
        self._failed: dict[str, SourceError] = {}
        self._faults: dict[Corridor, tuple[TrajworkerError, ...]] = {}

    @property
    def outcome(self) -> Outcome:
        """How it went."""
        return Outcome(
            projects=self._projects,
            failed=self._failed,
            unassembled=self._outlet.failed,
            lagging=self._cycle.lagging,
            faults=tuple(fault for faults in self._faults.values() for fault in faults),
        )

    async def run(self, projects: Sequence[str], stop: Stop) -> None:
        """Return when everything asked for is delivered, or after a stop; a failure of either corridor ends both."""
        send, receive = anyio.create_memory_object_stream[None](PENDING_NUDGES)
        async with anyio.create_task_group() as watch:
            await watch.start(request_on_signal, stop, self._observer)
            with stop.work(), send, receive:
                async with anyio.create_task_group() as corridors:
                    corridors.start_soon(self._deliver, receive, stop)
                    with stop.intake():
                        async with anyio.create_task_group() as intake:
                            intake.start_soon(_tick, send)
                            await self._read(projects, send)
                            intake.cancel_scope.cancel()
                    send.close()
            watch.cancel_scope.cancel()

    async def _read(self, projects: Sequence[str], nudges: MemoryObjectSendStream[None]) -> None:
        while self._rhythm.poll is not None:
            try:
                await self._cycle_once(projects)
            except* PASSING as passing:
                self._fail(Corridor.INTAKE, *_leaves(passing))
            else:
                self._recover(Corridor.INTAKE)
            _nudge(nudges)
            await anyio.sleep(self._rhythm.poll.total_seconds())
        await self._cycle_once(projects)
        if (lagging := self._cycle.lagging) is not None:
            again_after = lagging.until + lagging.settle
            settle_s = lagging.settle.total_seconds()
            self._observer(
                RangeCut(read_to=lagging.read_to, until=lagging.until, settle_s=settle_s, again_after=again_after)
            )

    async def _cycle_once(self, names: Sequence[str]) -> None:
        found = await find_projects(self._source, names)
        if found.failed and not found.projects:
            raise next(iter(found.failed.values()))
        for name, error in found.failed.items():
            self._observer(ProjectFailed(project=name, error=str(error), exit_code=error.exit_code))
        self._projects = len(found.projects) + len(found.failed)
        self._failed = found.failed | await self._cycle.run(found.projects, await self._source.now())

    async def _deliver(self, nudges: MemoryObjectReceiveStream[None], stop: Stop) -> None:
        async for _ in nudges:
            emitted = self._outlet.emitted
            try:
                await self._deliver_once(stop)
            except PASSING as passing:
                if self._rhythm.poll is None:
                    raise
                self._fail(Corridor.OUTLET, passing)
                await stop.wait(min(PAUSE_S, self._rhythm.poll.total_seconds()))
            else:
                if self._outlet.emitted > emitted or not stop.requested:  # a stop ends it before it can fail
                    self._recover(Corridor.OUTLET)
        if not stop.requested:
            await self._outlet.deliver_last(await self._source.now(), stop, flush=self._rhythm.flush)
        await self._outlet.close()

    async def _deliver_once(self, stop: Stop) -> None:
        now = await self._source.now()
        following = self._rhythm.poll is not None
        await self._outlet.deliver(now, stop, timedelta(0) if following else LULL)
        if following and (self._compacted is None or now - self._compacted >= COMPACT_EVERY):
            await self._outlet.compact(now, stop)
            self._compacted = now

    def _fail(self, corridor: Corridor, *faults: TrajworkerError) -> None:
        self._faults[corridor] = faults
        for text, code in {str(error): error.exit_code for error in faults}.items():
            self._observer(CorridorFailed(corridor=corridor, error=text, exit_code=code))

    def _recover(self, corridor: Corridor) -> None:
        if self._faults.pop(corridor, None) is not None:
            self._observer(CorridorRecovered(corridor=corridor))


def _leaves(error: BaseException) -> Iterator[TrajworkerError]:
    if isinstance(error, BaseExceptionGroup):
        for cause in error.exceptions:
            yield from _leaves(cause)
    elif isinstance(error, TrajworkerError):
        yield error


async def _tick(nudges: MemoryObjectSendStream[None]) -> None:
    while True:
        await anyio.sleep(TICK_S)
        _nudge(nudges)


def _nudge(nudges: MemoryObjectSendStream[None]) -> None:
    """Ask for a look at the table; one request that waits is enough."""
    try:
        nudges.send_nowait(None)
    except anyio.WouldBlock:
        return
