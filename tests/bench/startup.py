"""How long a person waits for `--help`."""

import sys
from pathlib import Path
from typing import Final

from bench import measuring
from bench.report import Finding, spread
from bench.trials import scratch

AT_MOST: Final = 2.5
ROUNDS: Final = 15


def startup() -> list[Finding]:
    """`trajworker --help` and `--version` against `python -c pass`, interleaved, best of many."""
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
