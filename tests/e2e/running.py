"""The real command in a process of its own, and what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from support.published import files_in, lines_in
from trajworker.trajectory import Trajectory
from trajworker.trajectory.line import load

PATIENCE_S = 60
LOOK_S = 0.01
KEY = "lsv2_pt_canary_1f2e3d"
QUICK = {
    "LANGSMITH_API_KEY": KEY,
    "TRAJWORKER_SOURCE_RATE_SCALE": "1000",
    "TRAJWORKER_SOURCE_ATTEMPTS": "2",
}
"""No waiting for limits that the simulator does not keep, and few retries."""
INSTANTLY = ("--idle", "0s", "--settle", "0s", "--since", "2020-01-01")


@dataclass(frozen=True)
class Done:
    """How a process ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Workplace:
    """Where a worker reads from and writes to; `folder` is its own."""

    url: str
    folder: Path
    projects: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def staging(self) -> Path:
        return self.folder / "staging" / "staging.db"

    def command(self, *more: str) -> list[str]:
        """`trajworker run` over everything there is."""
        asked = [part for project in self.projects for part in ("--project", project)]
        files = ["--out", str(self.out), "--staging", str(self.staging)]
        return [sys.executable, "-m", "trajworker", "run", "--endpoint", self.url, *asked, *files, *INSTANTLY, *more]

    def surroundings(self) -> dict[str, str]:
        """The environment of the process: ours without anything that would configure a worker."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "TRAJWORKER_"))}
        return kept | QUICK | self.environment

    async def run(self, *more: str) -> Done:
        """Run to the end."""
        with anyio.fail_after(PATIENCE_S):
            done = await anyio.run_process(self.command(*more), env=self.surroundings(), check=False)
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    async def once(self, *more: str) -> Done:
        """Run to the end with `--once`; it must end well."""
        done = await self.run("--once", *more)
        assert done.code == 0, done.err[-3000:]
        return done

    @contextmanager
    def started(self, *more: str) -> Iterator[subprocess.Popen[bytes]]:
        """A process that is killed at the end of the block, whatever it does by then."""
        surroundings = self.surroundings()
        # What coverage counts is lost with the kill, and its own handler of SIGTERM breaks when a second one meets it.
        surroundings.pop("COVERAGE_PROCESS_CONFIG", None)
        process = subprocess.Popen(
            self.command(*more), env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.communicate()

    def published(self) -> dict[str, bytes]:
        """Every file and manifest that a consumer may act on."""
        return {path.name: path.read_bytes() for path in files_in(self.out)}

    def revisions(self) -> list[tuple[str, int]]:
        """Conversation and revision of every published line, in order."""
        return [(line["task"]["conversation_id"], line.get("revision", 1)) for line in lines_in(self.out)]

    def newest(self) -> dict[str, Any]:
        """What the newest revision of each conversation says, without its number and pane."""
        newest = {line["task"]["conversation_id"]: line for line in lines_in(self.out)}
        return {name: {k: v for k, v in line.items() if k not in ("revision", "pane")} for name, line in newest.items()}

    def trajectories(self) -> list[Trajectory]:
        return list(load(self.out))


async def until(so: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Wait for another process to get there: it gives no signal, so it is looked at."""
    with anyio.fail_after(within_s):
        while not so():  # noqa: ASYNC110 - as above
            await anyio.sleep(LOOK_S)


def everything_in(folder: Path) -> dict[str, bytes]:
    """Every byte below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def each_revision_once(said: Sequence[tuple[str, int]]) -> bool:
    """Whether every conversation's revisions are 1, 2, ... in this order, none twice, none left out."""
    counted: dict[str, int] = {}
    for name, revision in said:
        if revision != counted.get(name, 0) + 1:
            return False
        counted[name] = revision
    return True


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
