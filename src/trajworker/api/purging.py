"""What it means to forget: which files are erased, in which order, and what was left in them all the same.

Whoever asks to be forgotten means every place: copies of staging that an upgrade left beside it are erased whole, and a
conversation is erased from what imports have staged, too. Erasing by age leaves imports alone, which would lack the
conversations ever after. A file that cannot be erased from keeps no other from it.
"""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from trajworker.api.options import Options
from trajworker.config import Settings, fingerprint
from trajworker.errors import ConfigError, ConversationNotFound, StagingError, StagingOwned, TrajworkerError
from trajworker.staging import Purged, Staging, open_staging


class Erasure(Struct, kw_only=True):
    """What became of one staging file."""

    file: Path
    out: str | None = None
    """The folder in which its worker publishes; None where none has."""
    purged: list[Purged] = []
    known: set[str] = set()
    """Which of the conversations it knew."""
    searched: bool = False
    """Whether it was looked through for all of them: only then what it does not know is known not to be there."""
    failure: TrajworkerError | None = None
    """What kept it from being erased from, or from being erased from wholly; names the file."""


def imported_beside(staging: Path, settings: Settings) -> list[Path]:
    """What imports have staged in the folder they stage in; nothing where that lies in a home that there is not."""
    try:
        folder = Options(settings=settings).storage_dir
    except ConfigError:
        return []
    return [file for file in sorted(folder.glob("*.db")) if file.resolve() != staging.resolve()]


async def purge(
    staging: Path, imported: Sequence[Path], conversations: Sequence[str], before: datetime | None
) -> AsyncGenerator[Erasure, None]:
    """Erase conversations by their ids from staging, then from what was imported; by age from staging alone.

    Raises:
        ConversationNotFound: at the end, naming the ids that no file knew; not where a file could not be searched.
    """
    unknown, searched = dict.fromkeys(conversations), True
    for file in [staging, *(imported if conversations else [])]:
        erasure = await _erase(file, conversations, before if file == staging else None)
        for name in erasure.known:
            unknown.pop(name, None)
        searched = searched and erasure.searched
        yield erasure
    if unknown and searched:
        raise ConversationNotFound(f"staging knows no conversation {', '.join(sorted(unknown))}")


async def _erase(file: Path, conversations: Sequence[str], before: datetime | None) -> Erasure:
    """Erase from one file all that can be."""
    erasure = Erasure(file=file)
    try:
        async with open_staging(file) as staging:
            erasure.out = await staging.recall(fingerprint.OUT)
            for name in conversations:
                await _forget(staging, name, erasure)
            erasure.searched = True
            if before is not None:
                erasure.purged.append(await staging.purge_before(before))
    except (TrajworkerError, OSError) as error:
        erasure.failure = _naming(file, error)
    return erasure


async def _forget(staging: Staging, conversation_id: str, erasure: Erasure) -> None:
    """A thread id is scoped to a project, and the person who asks to be forgotten is not."""
    for project in await staging.projects():
        try:
            erasure.purged.append(await staging.purge_conversation(project, conversation_id))
        except ConversationNotFound:
            continue
        except StagingError as error:  # what a reader holds fast may be one of several
            erasure.failure = _naming(erasure.file, error)
        erasure.known.add(conversation_id)


def _naming(file: Path, error: TrajworkerError | OSError) -> TrajworkerError:
    """The error in words that tell which of the files it was; its class tells how the process is to end."""
    if isinstance(error, OSError):
        return StagingError(f"{file} was not purged: {error.strerror}")
    if isinstance(error, StagingOwned):
        return StagingOwned(f"{file} was not purged: another process works on it; stop it or wait, and purge again")
    return type(error)(f"{file} was not purged: {error}")
