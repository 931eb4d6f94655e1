"""`trajworker repair`: what a damaged disk lost is declared void, and emitted again by the next run."""

import argparse
import sys

import anyio

from trajworker.cli.settings import load_asked
from trajworker.config import Purpose, Settings
from trajworker.errors import EXIT_IO
from trajworker.sinks import repair
from trajworker.sinks.recovery import Repaired
from trajworker.staging import open_staging


def main(asked: argparse.Namespace) -> int:
    """Repair; exit code 74 when something cannot be made again."""
    repaired = anyio.run(_repair, load_asked(asked, Purpose.LOCAL))
    if not repaired.voided:
        sys.stdout.write("nothing is damaged\n")
        return 0
    numbers = ", ".join(map(str, repaired.voided))
    sys.stdout.write(f"files {numbers} are void; run `trajworker run` and their revisions are written again\n")
    if repaired.gone_for_good:
        sys.stderr.write(
            f"trajworker: {repaired.gone_for_good} revisions cannot be made again: superseded, or their runs are gone\n"
        )
        return EXIT_IO
    return 0


async def _repair(settings: Settings) -> Repaired:
    async with open_staging(settings.staging.file) as staging:
        return await repair(settings.sink.out, staging, settings.sink.consumed)
