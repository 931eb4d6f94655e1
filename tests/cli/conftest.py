"""A folder in which the worker has delivered the sample once, for the commands that only look."""

from datetime import timedelta
from importlib.resources import as_file, files
from pathlib import Path

import anyio
import pytest
from msgspec import Struct

from trajworker.config.endpoint import root_of
from trajworker.config.settings import (
    ConversationSettings,
    IntakeSettings,
    Settings,
    SinkSettings,
    SourceSettings,
    StagingSettings,
    WorkerSettings,
)
from trajworker.events import ignore
from trajworker.simulator import Simulator, SimulatorSettings, serve
from trajworker.wiring import run_worker


class Delivered(Struct, frozen=True):
    """Where things are."""

    out: Path
    staging: Path


def settings(url: str, out: Path, staging: Path) -> Settings:
    """A worker that reads the sample project once."""
    return Settings(
        source=SourceSettings(endpoint=root_of(url), projects=("demo",)),
        staging=StagingSettings(file=staging),
        intake=IntakeSettings(settle=timedelta(0)),
        conversation=ConversationSettings(idle=timedelta(0)),
        sink=SinkSettings(out=out),
        worker=WorkerSettings(once=True),
    )


async def deliver(folder: Path) -> Delivered:
    """Run the worker on the sample."""
    simulator = Simulator(SimulatorSettings())
    with as_file(files("trajworker") / "sample") as sample:
        simulator.load(sample)
    delivered = Delivered(out=folder / "out", staging=folder / "staging.db")
    async with serve(simulator) as url:
        assert await run_worker(settings(url, delivered.out, delivered.staging), ignore) == 0
    return delivered


@pytest.fixture
def delivered(tmp_path: Path) -> Delivered:
    """The sample, delivered anew."""
    return anyio.run(deliver, tmp_path)
