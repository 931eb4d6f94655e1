"""`trajworker repair`: what a damaged disk lost is written again, files by the next run, which emits what they held."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio

from trajworker.cli.settings import load_asked, staging_of
from trajworker.config import Purpose, Settings
from trajworker.config.fingerprint import OUT
from trajworker.errors import EXIT_IO, ConfigError
from trajworker.observing.counting import counted
from trajworker.sinks import Repaired, repair
from trajworker.sinks.adoption import refuse_left_behind
from trajworker.staging import open_staging


def main(asked: argparse.Namespace) -> int:
    """Repair; exit code 74 when something cannot be made again.

    A folder that is not there is not repaired: one that was mistyped would have lost every file.
    """
    repaired = anyio.run(_repair, load_asked(asked, Purpose.LOCAL))
    if not repaired.voided and not repaired.manifests:
        sys.stdout.write("nothing is damaged\n")
    if repaired.manifests:
        sys.stdout.write(f"files {_numbers(repaired.manifests)} have their manifests again\n")
    if repaired.voided:
        again = f"; run `trajworker run`, which writes {counted(repaired.due_again, 'revision')} again"
        sys.stdout.write(f"files {_numbers(repaired.voided)} are void{again if repaired.due_again else ''}\n")
    if repaired.gone_for_good:
        sys.stderr.write(
            f"trajworker: {counted(repaired.gone_for_good, 'revision')} cannot be made again: superseded, or the runs "
            "are gone\n"
        )
        return EXIT_IO
    return 0


def _numbers(files: Sequence[int]) -> str:
    return ", ".join(map(str, files))


async def _repair(settings: Settings) -> Repaired:
    if not settings.sink.out.is_dir():
        raise ConfigError(f"there is no folder {settings.sink.out}; name it with --out, or make it if it was lost")
    async with open_staging(staging_of(settings)) as staging:
        for before in (await staging.altered({OUT: str(settings.sink.out.absolute())})).values():
            await refuse_left_behind(settings.sink.out, Path(before), staging)
        return await repair(settings.sink.out, staging, settings.sink.consumed)
