"""The worker on one page: who runs, who stops first, and in which order it ends.

Intake reads cycles of slices into staging and nudges; the outlet delivers what is finished whenever it is nudged. The
nudge is a stream of one: many nudges while the outlet works are one look at the table. A stop ends intake at once, the
end of intake ends the outlet, and the outlet's last act is to publish what it has committed.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from msgspec import Struct

from trajworker.errors import EXIT_UNAVAILABLE, SinkFull, SourceError, StagingFull, TrajworkerError
from trajworker.events import Observer, ProjectFailed
from trajworker.model.run import Project
from trajworker.ports import RunSource
from trajworker.worker.cycle import Cycle
from trajworker.worker.outlet import Outlet
from trajworker.worker.stop import Stop, request_on_signal

FindProjects = Callable[[], Awaitable[list[Project]]]
"""Asked before each cycle, so that new projects matching a pattern are picked up."""

PENDING_NUDGES = 1
TICK_S = 5.0
"""How often the outlet looks although nothing came: files grow old and conversations idle by the clock alone."""


class Rhythm(Struct, frozen=True, kw_only=True):
    """How long a worker lives and how often it looks: `poll` between cycles, None for one cycle only."""

    poll: timedelta | None = None
    flush: bool = False
    """At the end of one cycle, deliver unfinished conversations too, marked incomplete."""


class Outcome(Struct, frozen=True, kw_only=True):
    """How the last cycle of reading went: projects asked for, and those that could not be read, by id."""

    projects: int = 0
    failed: dict[str, SourceError] = {}


class Supervisor:
    """Runs both corridors until all is delivered or somebody asks it to stop."""

    def __init__(self, source: RunSource, cycle: Cycle, outlet: Outlet, observer: Observer, rhythm: Rhythm) -> None:
        """Own nothing: what is passed in is opened and closed by the caller."""
        self._source = source
        self._cycle = cycle
        self._outlet = outlet
        self._observer = observer
        self._rhythm = rhythm
        self.outcome = Outcome()

    async def run(self, find_projects: FindProjects, stop: Stop) -> None:
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
                            await self._read(find_projects, send)
                            intake.cancel_scope.cancel()
                    send.close()
            watch.cancel_scope.cancel()

    async def _read(self, find_projects: FindProjects, nudges: MemoryObjectSendStream[None]) -> None:
        while self._rhythm.poll is not None:
            try:
                await self._cycle_once(find_projects)
            except* (SourceError, StagingFull) as passing:  # a daemon outlives its source, and a full disk
                for error in passing.exceptions:
                    self._observer(ProjectFailed(project="*", error=str(error), exit_code=_code(error)))
            nudge(nudges)
            await anyio.sleep(self._rhythm.poll.total_seconds())
        await self._cycle_once(find_projects)

    async def _cycle_once(self, find_projects: FindProjects) -> None:
        projects = await find_projects()
        failed = await self._cycle.run(projects, await self._source.now())
        self.outcome = Outcome(projects=len(projects), failed=failed)

    async def _deliver(self, nudges: MemoryObjectReceiveStream[None], stop: Stop) -> None:
        async for _ in nudges:
            try:
                await self._outlet.deliver(await self._source.now())
            except (SourceError, SinkFull, StagingFull) as passing:
                if self._rhythm.poll is None:
                    raise
                self._observer(ProjectFailed(project="*", error=str(passing), exit_code=passing.exit_code))
        if not stop.requested:
            await self._outlet.deliver_last(await self._source.now(), flush=self._rhythm.flush)
        await self._outlet.close()


def _code(error: BaseException) -> int:
    return error.exit_code if isinstance(error, TrajworkerError) else EXIT_UNAVAILABLE


async def _tick(nudges: MemoryObjectSendStream[None]) -> None:
    while True:
        await anyio.sleep(TICK_S)
        nudge(nudges)


def nudge(nudges: MemoryObjectSendStream[None]) -> None:
    """Ask for a look at the table; one request that waits is enough."""
    try:
        nudges.send_nowait(None)
    except anyio.WouldBlock:
        return
