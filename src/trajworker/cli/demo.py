"""`trajworker demo`: simulator, sample recordings and worker in one process; needs no key, no network, no files."""

import argparse
import shlex
import sys
import tempfile
from datetime import timedelta
from importlib.resources import as_file, files
from pathlib import Path

import anyio

from trajworker.api.lines import refuse_taken
from trajworker.cli.rendering import overview, trajectory_page
from trajworker.cli.terminal import page_console
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
from trajworker.events import Observer
from trajworker.observing.summary import summary
from trajworker.observing.watching import watching
from trajworker.simulator import Simulator, SimulatorSettings, serve
from trajworker.trajectory import Trajectory
from trajworker.trajectory.line import load
from trajworker.wiring import run_worker

PROJECT = "demo"
NO_TIME = timedelta(0)


def main(asked: argparse.Namespace) -> int:
    """Run the worker once on the sample; show what was found, where it is, and what to try next."""
    out = Path(asked.out) if asked.out else Path(tempfile.mkdtemp(prefix="trajworker-demo-"))
    refuse_taken(out)
    console = page_console()
    console.print("A LangSmith-compatible server on loopback, filled with recorded traces; the worker reads it once.")
    with watching(sys.stderr, level="warning") as watch:
        code = anyio.run(_work, out, watch.observer)
    trajectories = list(load(out))
    console.print()
    console.print(overview(iter(trajectories)))
    console.print()
    shown = max(trajectories, key=_worth_showing, default=None)
    if shown is not None:
        console.print(trajectory_page(shown))
        console.print()
    console.print(f"{summary(watch.tally)}", soft_wrap=True)
    console.print(f"The files are in {out}", soft_wrap=True)
    if shown is not None:
        name = shlex.quote(shown.task.conversation_id or "")
        typed = sys.argv[0] if sys.argv[0].endswith("trajworker") else "trajworker"
        console.print(f"Next: {typed} show {name} --in {shlex.quote(str(out))}", soft_wrap=True)
    return code


async def _work(out: Path, observer: Observer) -> int:
    simulator = Simulator(SimulatorSettings())
    with as_file(files("trajworker") / "sample") as sample:
        simulator.load(sample)
    with tempfile.TemporaryDirectory(prefix="trajworker-") as staging:
        async with serve(simulator) as url:
            return await run_worker(_settings(url, out, Path(staging) / "staging.db"), observer)


def _settings(url: str, out: Path, staging: Path) -> Settings:
    return Settings(
        source=SourceSettings(endpoint=root_of(url), projects=(PROJECT,)),
        staging=StagingSettings(file=staging),
        intake=IntakeSettings(settle=NO_TIME),
        conversation=ConversationSettings(idle=NO_TIME),
        sink=SinkSettings(out=out),
        worker=WorkerSettings(once=True),
    )


def _worth_showing(trajectory: Trajectory) -> tuple[bool, int]:
    """A conversation of several turns with tool calls, but not a long one."""
    turns, calls = trajectory.task.num_turns or 0, len(trajectory.tool_calls)
    return turns > 1 and calls > 0, -len(trajectory.messages)
