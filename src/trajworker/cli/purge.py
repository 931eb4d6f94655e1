"""`trajworker purge`: conversations erased from staging for good; published files that hold them are listed.

Whoever asks to be forgotten means every place: copies of staging that an upgrade left beside it are erased whole, and a
conversation is erased from what imports have staged, too. Erasing by age leaves imports alone, which would lack the
conversations ever after; what was left alone is named.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import anyio

from trajworker.api.options import Options, point_in_time
from trajworker.cli.settings import load_asked, staging_of
from trajworker.config import Purpose, Settings
from trajworker.errors import ConfigError, ConversationNotFound
from trajworker.staging import Purged, Staging, open_staging


def main(asked: argparse.Namespace) -> int:
    """Erase, then tell what is left for the owner of the files to do."""
    if not asked.conversation and not asked.before:
        raise ConfigError("say what to erase: --conversation ID or --before TIME")
    settings = load_asked(asked, Purpose.LOCAL)
    staging = staging_of(settings)
    before = point_in_time(asked.before, "--before")
    imported = _imported_beside(staging, settings)
    unknown = set(asked.conversation)
    for file in [staging, *(imported if asked.conversation else [])]:
        purged = anyio.run(_purge, file, asked.conversation, before if file == staging else None)
        unknown.difference_update(purged)
        _tell(settings, file, [one for found in purged.values() for one in found])
    if before is not None:
        for file in imported:
            sys.stdout.write(
                f"not looked at: {file}, which imports staged; to erase there too, name it with --staging\n"
            )
    if unknown:
        raise ConversationNotFound(f"staging knows no conversation {', '.join(sorted(unknown))}")
    return 0


def _imported_beside(staging: Path, settings: Settings) -> list[Path]:
    """What imports have staged in the folder they stage in; nothing where that lies in a home that there is not."""
    try:
        folder = Options(settings=settings).storage_dir
    except ConfigError:
        return []
    return [file for file in sorted(folder.glob("*.db")) if not file.samefile(staging)]


def _tell(settings: Settings, file: Path, purged: Sequence[Purged]) -> None:
    conversations = sum(one.conversations for one in purged)
    runs = sum(one.runs for one in purged)
    sys.stdout.write(f"erased {conversations} conversations with {runs} runs from {file}\n")
    for copy in sorted({name for one in purged for name in one.copies}):
        sys.stdout.write(f"erased {copy}, the copy of staging from before an upgrade, which held them too\n")
    for name in sorted({name for one in purged for name in one.files}):
        sys.stdout.write(f"still published in {os.path.join(settings.sink.out, name)}\n")  # noqa: PTH118 - a name only


async def _purge(file: Path, conversations: Sequence[str], before: datetime | None) -> dict[str, list[Purged]]:
    """What was erased, by the conversation that was asked for; all that was older under no name."""
    async with open_staging(file) as staging:
        found = {name: await _purge_everywhere(staging, name) for name in conversations}
        if before is not None:
            found[""] = [await staging.purge_before(before)]
    return {name: purged for name, purged in found.items() if purged}


async def _purge_everywhere(staging: Staging, conversation_id: str) -> list[Purged]:
    """A thread id is scoped to a project, and the person who asks to be forgotten is not."""
    erased: list[Purged] = []
    for project in (await staging.figures()).projects:
        try:
            erased.append(await staging.purge_conversation(project.id, conversation_id))
        except ConversationNotFound:
            continue
    return erased
