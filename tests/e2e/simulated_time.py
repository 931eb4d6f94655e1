"""The whole worker against the simulator over real sockets, in simulated time: every wait moves the one clock there is.

Cycles and deliveries are driven one after the other, as the supervisor would, so that a seed tells everything.
"""

import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio.lowlevel
from msgspec.structs import replace

from support.published import lines_in
from trajworker import wiring
from trajworker.assembly import FoldSettings
from trajworker.config.settings import Settings
from trajworker.events import Event
from trajworker.simulator import ManualClock, Simulator, serve
from trajworker.sinks import JsonlSettings, open_sink
from trajworker.sources.asking.pacing import Paces
from trajworker.sources.asking.settings import LangSmithSettings, Limit
from trajworker.sources.asking.timing import Timing
from trajworker.sources.langsmith import LangSmithSource
from trajworker.staging import open_staging
from trajworker.worker.cycle import Cycle
from trajworker.worker.folding import Folding
from trajworker.worker.outlet import Delivery, Outlet
from trajworker.worker.planning import Reading
from trajworker.worker.projects import find_projects
from trajworker.worker.stop import Stop

PROJECT = "followed"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NO_LIMIT = Limit(1_000_000, 10.0)
READING = replace(wiring.reading(Settings(), BEGIN), since=BEGIN)
DELIVERY = wiring.delivery(Settings())
"""As they are without any configuration."""


def clock_at(moment: datetime) -> ManualClock:
    return ManualClock(moment.timestamp())


def turn(number: int, start: datetime, thread: str, seconds: float = 5.0) -> dict[str, Any]:
    """A trace of one run in v1 shape: question and answer of that number."""
    run_id = str(UUID(int=number + 1, version=4))
    end = start + timedelta(seconds=seconds)
    return {
        "id": run_id,
        "trace_id": run_id,
        "name": "model",
        "run_type": "llm",
        "status": "success",
        "start_time": start.replace(tzinfo=None).isoformat(),
        "end_time": end.replace(tzinfo=None).isoformat(),
        "dotted_order": start.strftime("%Y%m%dT%H%M%S%fZ") + run_id,
        "thread_id": thread,
        "extra": {"metadata": {"session_id": thread}},
        "inputs": {"messages": [{"role": "user", "content": f"question {number}"}]},
        "outputs": {"choices": [{"message": {"role": "assistant", "content": f"answer {number}"}}]},
    }


def talk(days: int, a_day: int, chance: random.Random) -> Iterable[dict[str, Any]]:
    """Conversations of one to four turns, minutes or (one in ten) days apart."""
    number = 0
    for day in range(days):
        for one in range(a_day):
            at = BEGIN + timedelta(days=day, seconds=chance.uniform(0, 86_000))
            for _ in range(chance.randint(1, 4)):
                if at >= BEGIN + timedelta(days=days):
                    break
                yield turn(number, at, f"thread-{day}-{one}", chance.choice((2.0, 40.0, 4000.0)))
                number += 1
                at += timedelta(days=chance.uniform(1, 3)) if chance.random() < 0.1 else timedelta(minutes=3)


@dataclass
class Following:
    """One worker in simulated time."""

    clock: ManualClock
    source: LangSmithSource
    cycle: Cycle
    outlet: Outlet
    out: Path
    events: list[Event] = field(default_factory=list)
    stop: Stop = field(default_factory=lambda: Stop(0.0))

    async def step(self) -> dict[str, Any]:
        """One cycle and one delivery; what failed, by project."""
        found = await find_projects(self.source, [PROJECT])
        failed = await self.cycle.run(found.projects, await self.source.now())
        await self.outlet.deliver(await self.source.now(), self.stop)
        return failed

    async def follow(self, until: datetime, every: timedelta) -> None:
        """Cycle after cycle until the clock is there."""
        while self.clock() < until.timestamp():
            assert not await self.step()
            self.clock.advance(every.total_seconds())


@asynccontextmanager
async def following(  # noqa: PLR0913 - what a test turns
    url: str,
    clock: ManualClock,
    folder: Path,
    reading: Reading,
    delivery: Delivery = DELIVERY,
    *,
    page_size: int = 1000,
    on_wait: Callable[[], None] = lambda: None,
) -> AsyncIterator[Following]:
    """A worker with files of its own; `on_wait` is called after each wait of the source."""
    chance = random.Random(5)

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)
        on_wait()
        await anyio.lowlevel.checkpoint()

    paces = Paces(Timing(now=clock, sleep=sleep, uniform=chance.uniform))
    settings = LangSmithSettings(
        endpoint=url, page_size=page_size, limits=dict.fromkeys(("v2", "v1", "v1_slow", "other"), NO_LIMIT)
    )
    events: list[Event] = []
    async with (
        open_staging(folder / "staging.db") as staging,
        LangSmithSource(settings, events.append, paces=paces) as source,
        open_sink(staging, JsonlSettings(out=folder / "out"), clock=clock) as sink,
    ):
        cycle = Cycle(source, staging, lambda _: reading, events.append, 4)
        folding = Folding(staging, FoldSettings(), cycle.reread)
        outlet = Outlet(staging, sink, folding, delivery, events.append)
        yield Following(clock, source, cycle, outlet, folder / "out", events)
        await outlet.close()


@asynccontextmanager
async def simulated(simulator: Simulator, documents: Iterable[dict[str, Any]]) -> AsyncIterator[str]:
    """A simulator that holds these runs, on a socket."""
    simulator.add_runs(PROJECT, documents)
    async with serve(simulator) as url:
        yield url


def newest(out: Path) -> dict[str, Any]:
    """What the newest revision of each conversation says, without its number and pane."""
    found = {line["task"]["conversation_id"]: line for line in lines_in(out)}
    return {name: {k: v for k, v in line.items() if k not in ("revision", "pane")} for name, line in found.items()}
