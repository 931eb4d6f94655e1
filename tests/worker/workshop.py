"""A worker whose source is a list that a test turns; staging and sink are real."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel

from support.published import lines_in
from support.staged import PROJECT_ID, START, a_run, minute
from trajworker.assembly import FoldSettings
from trajworker.assembly.lifecycle import FinishRule
from trajworker.assembly.rules import DEFAULT_SETTINGS
from trajworker.errors import ProjectNotFound
from trajworker.events import Event
from trajworker.model.run import Feedback, Project, Run
from trajworker.ports import Late, Page, Slice, SlicePurpose
from trajworker.sinks import JsonlSettings, open_sink
from trajworker.sinks.rotation import Limits
from trajworker.staging import Staging, open_staging
from trajworker.worker.cycle import Cycle
from trajworker.worker.folding import Folding
from trajworker.worker.outlet import Delivery, Outlet
from trajworker.worker.planning import Reading
from trajworker.worker.stop import Stop
from trajworker.worker.supervisor import Rhythm, Supervisor

NO_LIMITS = Limits()
A_DAY, A_MONTH = timedelta(days=1), timedelta(days=30)
AT_ONCE = FinishRule(idle=timedelta(0), pending_timeout=A_DAY, abandon_roots=True)


async def _at_once(_part: Slice) -> None:
    await anyio.lowlevel.checkpoint()


@dataclass
class ListedSource:
    """A source of runs in memory, newest first; `hold` is awaited before each page and may fail."""

    runs: list[Run] = field(default_factory=list)
    projects: dict[str, Project] = field(default_factory=lambda: {"p": Project(PROJECT_ID, "p")})
    at: datetime = START + timedelta(days=1)
    page_size: int = 10
    hold: Callable[[Slice], Awaitable[None]] = _at_once
    find: Callable[[], None] = lambda: None
    asked: list[Slice] = field(default_factory=list)
    by_id: list[Sequence[str]] = field(default_factory=list)
    scores: list[Feedback] = field(default_factory=list)
    off_pages: set[str] = field(default_factory=set)
    """Names of runs that are to be had by id only, as those are that lie too far back to be read again."""

    async def find_projects(self, names: Sequence[str]) -> list[Project]:
        self.find()
        found = [project for name, project in self.projects.items() if name in names or "*" in names]
        if not found:
            raise ProjectNotFound(f"no project {names}")
        return found

    async def page(self, slice_: Slice) -> Page:
        self.asked.append(slice_)
        await self.hold(slice_)
        shown = [run for run in self.runs if run.project_id == slice_.project_id and run.name not in self.off_pages]
        inside = [run for run in shown if slice_.start <= run.start_time < slice_.end]
        if slice_.purpose is SlicePurpose.ENDED:
            inside = [
                run for run in inside if run.end_time and slice_.ended_after and run.end_time > slice_.ended_after
            ]
        inside.sort(key=lambda run: run.start_time, reverse=True)
        begin = int(slice_.cursor or 0)
        runs = tuple(inside[begin : begin + self.page_size])
        more = begin + self.page_size < len(inside)
        oldest = min((run.start_time for run in runs), default=None)
        return Page(runs=runs, next_cursor=str(begin + self.page_size) if more else None, oldest=oldest, size_bytes=1)

    async def runs_by_id(self, _project_id: str, ids: Sequence[str]) -> Page:
        self.by_id.append(ids)
        return Page(runs=tuple(run for run in self.runs if run.id in ids))

    async def feedback(self, run_ids: Sequence[str]) -> list[Feedback]:
        return [one for one in self.scores if one.run_id in run_ids]

    async def now(self) -> datetime:
        return self.at


@dataclass
class Workshop:
    """A worker that is driven by hand, or run as a whole with `supervise`."""

    source: ListedSource
    staging: Staging
    cycle: Cycle
    outlet: Outlet
    out: Path
    stop: Stop
    events: list[Event]

    async def read(self) -> dict[str, Any]:
        return dict(await self.cycle.run(list(self.source.projects.values()), self.source.at))

    async def deliver(self) -> None:
        await self.outlet.deliver(self.source.at, self.stop)

    async def work(self) -> None:
        """Read and deliver once."""
        await self.read()
        await self.deliver()

    async def supervise(self, rhythm: Rhythm, names: Sequence[str] = ("p",)) -> Supervisor:
        supervisor = Supervisor(self.source, self.cycle, self.outlet, self.events.append, rhythm)
        await supervisor.run(names, self.stop)
        return supervisor

    async def lines(self) -> list[Any]:
        """Everything said, once it is published."""
        await self.outlet.close()
        return list(lines_in(self.out))

    async def revisions(self) -> list[tuple[str, int]]:
        """Conversation and revision of every published line, in order."""
        return [(line["task"]["conversation_id"], line.get("revision", 1)) for line in await self.lines()]

    def of_kind(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def workshop(  # noqa: PLR0913 - what a test turns
    folder: Path,
    *,
    finish: FinishRule = AT_ONCE,
    late: Late = Late.SIDE,
    clock: Callable[[], float] = anyio.current_time,
    rules: FoldSettings = DEFAULT_SETTINGS,
    limits: Limits = NO_LIMITS,
    **reading: Any,
) -> AsyncIterator[Workshop]:
    """A worker of its own."""
    source = ListedSource()
    events: list[Event] = []
    ages = {"settle": timedelta(0), "lookback": timedelta(days=300), "horizon": A_MONTH, "deep_scan": A_DAY}
    asked = {"since": START, **ages, **reading}
    async with (
        open_staging(folder / "staging.db") as staging,
        open_sink(staging, JsonlSettings(out=folder / "out", limits=limits), clock=clock) as sink,
    ):
        cycle = Cycle(source, staging, lambda _: Reading(**asked), events.append, 2)
        folding = Folding(staging, rules, cycle.reread)
        delivery = Delivery(finish=finish, late=late, horizon=A_MONTH)
        outlet = Outlet(staging, sink, folding, delivery, events.append)
        yield Workshop(source, staging, cycle, outlet, folder / "out", Stop(5.0), events)


def day(number: float) -> datetime:
    return minute(number * 24 * 60)


async def deliver_and_compact(shop: Workshop) -> None:
    """Thread "t", of one run, is delivered and long quiet: its payloads are dropped."""
    shop.source.runs = [a_run("one", thread="t")]
    await shop.work()
    shop.source.at = day(60)
    await shop.outlet.compact(shop.source.at, shop.stop)
