"""`trajworker purge`: conversations erased from staging for good; files that still hold them are named."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import anyio

from trajworker.api.arguments import point_in_time
from trajworker.api.purging import Chosen, Erasure, choose, imported_beside, purge
from trajworker.cli.settings import load_asked, staging_of
from trajworker.config import Purpose
from trajworker.errors import ConfigError, ConversationNotFound, TrajworkerError
from trajworker.model.times import moment_at
from trajworker.observing.counting import counted


def main(asked: argparse.Namespace) -> int:
    """Erase, then tell what is left for the owner of the files to do."""
    if not asked.conversation and not asked.before:
        raise ConfigError("say what to erase: --conversation ID or --before TIME")
    if asked.conversation and asked.before:
        raise ConfigError(
            "--conversation erases one of any age, --before all that are older: purge with the one, then with the other"
        )
    if asked.project and asked.before:
        raise ConfigError(
            "--project tells whose --conversation is meant, and --before erases from every project: leave one out"
        )
    settings = load_asked(asked, Purpose.LOCAL)
    staging = staging_of(settings)
    asked_before = point_in_time(asked.before, "--before")
    before = None if asked_before is None else moment_at(asked_before, datetime.now(UTC))
    imported = imported_beside(staging, settings)
    chosen = choose([staging, *imported], asked.conversation, asked.project)
    failures = anyio.run(_purge, staging, imported, chosen, before)
    if before is not None:
        for file in imported:
            sys.stdout.write(
                f"not looked at: {file}, which imports staged; to erase there too, name it with --staging\n"
            )
    if failures:
        raise ExceptionGroup("not everything was purged", failures)
    return 0


async def _purge(
    staging: Path, imported: Sequence[Path], chosen: Chosen, before: datetime | None
) -> list[TrajworkerError]:
    """Tell of each file as soon as it is done; what kept files or conversations from being erased."""
    failures: list[TrajworkerError] = []
    try:
        async for erasure in purge(staging, imported, chosen, before):
            _report(erasure)
            failures += [] if erasure.failure is None else [erasure.failure]
    except ConversationNotFound as error:
        failures.append(error)
    return failures


def _report(erasure: Erasure) -> None:
    purged = erasure.purged
    if purged or erasure.failure is None:
        conversations = counted(sum(one.conversations for one in purged), "conversation")
        runs = counted(sum(one.runs for one in purged), "run")
        sys.stdout.write(f"erased {conversations} with {runs} from {erasure.file}\n")
    for copy in sorted({name for one in purged for name in one.copies}):
        sys.stdout.write(f"erased {copy}, the copy of staging from before an upgrade, which held them too\n")
    for part in erasure.struck:
        lines = counted(part.lines, "line")
        sys.stdout.write(f"took {lines} out of {Path(erasure.out or '') / part.name}, which is not published yet\n")
    for name in sorted({name for one in purged for name in one.files}):
        sys.stdout.write(f"still published in {_place(erasure.out, name)}\n")


def _place(out: str | None, name: str) -> str:
    """Where a file is, as far as is known: its consumer may have taken it."""
    if out is None:
        return name
    path = Path(out) / name
    return str(path) if path.exists() else f"{name}, which is not in {out}"
