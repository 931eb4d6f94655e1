"""How long a person waits for `--help`, and what a run costs that finds nothing to do."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from bench import measuring
from bench.contestants import FLOOR, WORKER, Round
from bench.corpora import Corpus, Figures
from bench.dialogues import Plan
from bench.recording import PROJECT, PROJECT_ID
from bench.report import Finding, spread
from bench.server import Server
from bench.trials import scratch

AT_MOST: Final = 2.5
ROUNDS: Final = 15
DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)


def startup() -> list[Finding]:
    """Both, each interleaved with what it is measured against."""
    return [*_waited_for(), _of_an_empty_run()]


def _waited_for() -> list[Finding]:
    """`trajworker --help` and `--version` against `python -c pass`, best of many."""
    program = Path(sys.executable).with_name("trajworker")
    commands = {
        "pass": [sys.executable, "-c", "pass"],
        "--help": [str(program), "--help"],
        "--version": [str(program), "--version"],
    }
    walls: dict[str, list[float]] = {name: [] for name in commands}
    cpus: dict[str, list[float]] = {name: [] for name in commands}
    with scratch() as folder:
        for _ in range(ROUNDS):
            for name, command in commands.items():
                cost = measuring.run(command, folder)
                walls[name].append(cost.wall_s)
                cpus[name].append(cost.cpu_s)
    found = []
    for name in ("--help", "--version"):
        ratios = [mine / bare for mine, bare in zip(walls[name], walls["pass"], strict=True)]
        best = min(walls[name]) / min(walls["pass"])
        cpu = min(cpus[name]) / min(cpus["pass"])
        found.append(
            Finding(
                bound=f"trajworker {name} at most {AT_MOST} x `python -c pass`",
                measured=f"x{best:.2f} best against best ({spread(ratios)}), CPU x{cpu:.2f}",
                reached=best <= AT_MOST,
            )
        )
    return found


def _of_an_empty_run() -> Finding:
    """CPU of starting and ending alone: the worker and the floor on a project without runs, one window each."""
    cpus: dict[str, list[float]] = {WORKER.name: [], FLOOR.name: []}
    with scratch() as nothing, Server((empty := _empty(nothing)).folder) as server:
        for _ in range(ROUNDS):
            for who in (WORKER, FLOOR):
                with scratch() as folder:
                    at = Round(server.url, empty, folder, windows=1)
                    cost = measuring.run(who.command(at), folder, environment=at.environment())
                if cost.exit_code:
                    raise RuntimeError(f"{who.name} failed: {cost.stderr[-500:]}")
                cpus[who.name].append(cost.cpu_s)
    ratios = [mine / floor for mine, floor in zip(cpus[WORKER.name], cpus[FLOOR.name], strict=True)]
    best = min(cpus[WORKER.name]) / min(cpus[FLOOR.name])
    return Finding(
        bound=f"start and end of `trajworker run --once` at most {AT_MOST} x those of the floor",
        measured=f"CPU x{best:.2f} best against best ({spread(ratios)})",
        reached=best <= AT_MOST,
    )


def _empty(folder: Path) -> Corpus:
    """A project that holds no runs."""
    (folder / "runs.jsonl").touch()
    (folder / "projects.json").write_bytes(msgspec.json.encode({PROJECT: PROJECT_ID}))
    figures = Figures(0, 0, 0, 0, 0, DAY, DAY + timedelta(days=1))
    return Corpus(Plan(name="nothing"), folder, figures)
