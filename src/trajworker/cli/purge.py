"""`trajworker purge`: conversations erased from staging for good; published files that hold them are listed.

Whoever asks to be forgotten means every place: copies of staging that an upgrade left beside it are erased whole.
"""

import argparse
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import anyio

from trajworker.cli.settings import load_asked, staging_of
from trajworker.config import Purpose, Settings
from trajworker.config.values import moment
from trajworker.errors import ConfigError, ConversationNotFound
from trajworker.staging import Purged, Staging, open_staging


def main(asked: argparse.Namespace) -> int:
    """Erase, then tell what is left for the owner of the files to do."""
    if not asked.conversation and not asked.before:
        raise ConfigError("say what to erase: --conversation ID or --before TIME")
    settings = load_asked(asked, Purpose.LOCAL)
    before = moment(asked.before, datetime.now(UTC)) if asked.before else None
    purged = anyio.run(_purge, settings, list(asked.conversation), before)
    conversations = sum(one.conversations for one in purged)
    runs = sum(one.runs for one in purged)
    sys.stdout.write(f"erased {conversations} conversations with {runs} runs from {settings.staging.file}\n")
    for copy in sorted({name for one in purged for name in one.copies}):
        sys.stdout.write(f"erased {copy}, the copy of staging from before an upgrade, which held them too\n")
    files = sorted({name for one in purged for name in one.files})
    for name in files:
        sys.stdout.write(f"still published in {os.path.join(settings.sink.out, name)}\n")  # noqa: PTH118 - a name only
    return 0


async def _purge(settings: Settings, conversations: list[str], before: datetime | None) -> list[Purged]:
    async with open_staging(staging_of(settings)) as staging:
        purged = [one for name in conversations async for one in _purge_everywhere(staging, name)]
        if before is not None:
            purged.append(await staging.purge_before(before))
        return purged


async def _purge_everywhere(staging: Staging, conversation_id: str) -> AsyncIterator[Purged]:
    """A thread id is scoped to a project, and the person who asks to be forgotten is not."""
    found = False
    for project in (await staging.figures()).projects:
        try:
            purged = await staging.purge_conversation(project.id, conversation_id)
        except ConversationNotFound:
            continue
        found = True
        yield purged
    if not found:
        raise ConversationNotFound(f"staging knows no conversation {conversation_id}")
