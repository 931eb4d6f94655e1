"""What it means to forget: which files are erased, in which order, and what was left in them all the same.

Whoever asks to be forgotten means every place: copies of staging that an upgrade left beside it are erased whole, and a
conversation is erased from what imports have staged, too. But it is one of one project: what another project calls by
the same id is somebody else's. Erasing by age leaves imports alone, which would lack the conversations ever after.
A file that cannot be erased from keeps no other from it.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from trajworker.api.options import Options
from trajworker.api.telling_apart import told_apart
from trajworker.config import Settings, fingerprint
from trajworker.errors import (
    ConfigError,
    ConversationNotFound,
    PathNotAllowed,
    SinkError,
    StagingError,
    StagingOwned,
    TrajworkerError,
)
from trajworker.sinks import Struck, purge_parts
from trajworker.staging import Purged, Staging, open_staging, read_homes


class Erasure(Struct, kw_only=True):
    """What became of one staging file."""

    file: Path
    out: str | None = None
    """The folder in which its worker publishes; None where none has."""
    purged: list[Purged] = []
    struck: list[Struck] = []
    """The parts, not published yet, out of which it was taken."""
    known: set[str] = set()
    """Which of the conversations it knew."""
    searched: bool = False
    """Whether it was looked through for all of them: only then what it does not know is known not to be there."""
    failure: TrajworkerError | None = None
    """What kept it from being erased from, or from being erased from wholly; names the file."""


class Chosen(Struct, frozen=True):
    """Conversations to erase, each with its project, by id; None where no file that can be read has it."""

    homes: dict[str, str | None]
    project: str | None
    """As a person wrote it; None where nobody did."""


def imported_beside(staging: Path, settings: Settings) -> list[Path]:
    """What imports have staged in the folder they stage in; nothing where that lies in a home that there is not."""
    try:
        folder = Options(settings=settings).storage_dir
    except ConfigError:
        return []
    return [file for file in sorted(folder.glob("*.db")) if file.resolve() != staging.resolve()]


def choose(files: Sequence[Path], conversations: Sequence[str], project: str | None) -> Chosen:
    """Find whose conversations are meant: those of `project`, an id or a name, or of the only project that has them.

    Raises:
        ConversationNotFound: several projects have a conversation, and which of them is meant was not told.
    """
    homes: dict[str, str | None] = {}
    held = list(_homes_in(files, conversations))
    for name in conversations:
        titles = {
            home: title for found in held for home, title in found[name].items() if project in (None, home, title)
        }
        if len(titles) > 1:
            raise ConversationNotFound(
                f"{len(titles)} projects ({', '.join(told_apart(titles))}) have a conversation {name}: "
                "choose one with --project; nothing was erased"
            )
        homes[name] = next(iter(titles), None)
    return Chosen(homes, project)


def _homes_in(files: Sequence[Path], conversations: Sequence[str]) -> Iterator[dict[str, dict[str, str]]]:
    """Which projects have the conversations, by file; one that cannot be read is named when it is to be erased from."""
    for file in files if conversations else ():
        with suppress(TrajworkerError, OSError):
            yield read_homes(file, conversations)


async def purge(
    staging: Path, imported: Sequence[Path], chosen: Chosen, before: datetime | None
) -> AsyncGenerator[Erasure, None]:
    """Erase conversations from staging, then from what was imported; by age from staging alone.

    Raises:
        ConversationNotFound: at the end, naming the ids that no file knew; not where a file could not be searched.
    """
    unknown, searched = dict.fromkeys(chosen.homes), True
    for file in [staging, *(imported if chosen.homes else [])]:
        erasure = await _erase(file, chosen, before if file == staging else None)
        for name in erasure.known:
            unknown.pop(name, None)
        searched = searched and erasure.searched
        yield erasure
    if unknown and searched:
        whose = "" if chosen.project is None else f" of project {chosen.project}"
        raise ConversationNotFound(f"staging knows no conversation {', '.join(sorted(unknown))}{whose}")


async def _erase(file: Path, chosen: Chosen, before: datetime | None) -> Erasure:
    """Erase from one file all that can be."""
    erasure = Erasure(file=file)
    try:
        async with open_staging(file) as staging:
            erasure.out = await staging.recall(fingerprint.OUT)
            for name, project in chosen.homes.items():
                if project is not None:
                    await _forget(staging, project, name, erasure)
            erasure.searched = True
            if before is not None:
                erasure.purged.append(await staging.purge_before(before))
            await _strike(staging, erasure)
    except (TrajworkerError, OSError) as error:
        erasure.failure = _naming(file, error)
    return erasure


async def _forget(staging: Staging, project_id: str, conversation_id: str, erasure: Erasure) -> None:
    """Erase one conversation, where it is."""
    try:
        erasure.purged.append(await staging.purge_conversation(project_id, conversation_id))
    except ConversationNotFound:
        return
    except StagingError as error:  # what a reader holds fast may be one of several
        erasure.failure = _naming(erasure.file, error)
    erasure.known.add(conversation_id)


async def _strike(staging: Staging, erasure: Erasure) -> None:
    """Take what was erased, now or earlier, out of what its worker would publish next."""
    if erasure.out is None:
        return
    try:
        erasure.struck = await purge_parts(Path(erasure.out), staging)
    except (SinkError, PathNotAllowed) as error:
        erasure.failure = error


def _naming(file: Path, error: TrajworkerError | OSError) -> TrajworkerError:
    """The error in words that tell which of the files it was; its class tells how the process is to end."""
    if isinstance(error, OSError):
        return StagingError(f"{file} was not purged: {error.strerror}")
    if isinstance(error, StagingOwned):
        return StagingOwned(f"{file} was not purged: another process works on it; stop it or wait, and purge again")
    return type(error)(f"{file} was not purged: {error}")
