"""What is done at start with what a crash left: the table of reliability.md 2.4, row by row.

Nothing that counts is ever deleted: only bytes behind the committed length, and files that no row knows and that were
never published.
"""

import os
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct, structs

from trajworker.errors import FolderTaken, OutputDamaged
from trajworker.ports import Consumed, Part, PartLedger, PartState
from trajworker.sinks.folder import ADVICE, Folder, lock_alone
from trajworker.sinks.manifest import hash_of, manifest_of, read_manifest
from trajworker.sinks.naming import (
    FINAL,
    MANIFEST,
    PACKED,
    PART,
    REST,
    SCRATCH,
    compression_of,
    manifest_name,
    part_name,
    void_name,
)
from trajworker.sinks.part_file import PartFile, create_part
from trajworker.sinks.publishing import Publisher, blocking, check_sealed, final_of
from trajworker.sinks.striking import is_rest, strike, take_place


class Recovered(Struct, frozen=True):
    """The parts that go on growing, and the number of the next one."""

    growing: list[tuple[Part, PartFile]]
    next_seq: int


async def recover(folder: Folder, ledger: PartLedger, publisher: Publisher, consumed: Consumed) -> Recovered:
    """Bring folder and ledger to agree.

    Raises `OutputDamaged` (exit 74) where committed bytes are missing or altered, `FolderTaken` for files of another.
    """
    await blocking(clear, folder, {part.seq: part for part in await ledger.parts()})
    await strike(folder, ledger)
    parts = await ledger.parts()
    ended = _newest_ended(parts)
    growing: list[tuple[Part, PartFile]] = []
    try:
        for part in parts:
            if part.seq > ended:
                growing.append((part, await blocking(resume, folder, part)))
            else:
                await _complete(folder, publisher, part, consumed)
    except BaseException:
        for _, file in growing:  # nobody else knows them: they would stay locked as long as this process lives
            file.close()
        raise
    return Recovered(growing, max((part.seq for part in parts), default=0) + 1)


def _newest_ended(parts: Sequence[Part]) -> int:
    """The newest number that grows no more, 0 before the first: of each stream only the newest part may grow."""
    newest = {part.stream: part.seq for part in parts}
    ended = (part for part in parts if part.state is not PartState.OPEN or part.seq < newest[part.stream])
    return max((part.seq for part in ended), default=0)


async def _complete(folder: Folder, publisher: Publisher, part: Part, consumed: Consumed) -> None:
    """Take the steps that are missing for a part that grows no more, whose turn in the chain it is."""
    match part.state:
        case PartState.OPEN:  # later ones are void, or a line was taken out of it after it was sealed
            (await blocking(resume, folder, part)).close()
            await _publish(publisher, await publisher.end(part))
        case PartState.SEALED:
            await blocking(check_sealed, folder, part)
            await _publish(publisher, part)
        case PartState.PUBLISHED:
            await blocking(restore_published, folder, part, publisher.previous, consumed)
            publisher.previous = part.manifest
        case PartState.VOID if part.manifest is None:
            await _publish(publisher, part)
        case PartState.VOID:
            await blocking(restore_manifest, folder, part, publisher.previous)
            publisher.previous = part.manifest


async def _publish(publisher: Publisher, part: Part) -> None:
    await publisher.publish(part)
    publisher.observe_published(part)


def clear(folder: Folder, rows: Mapping[int, Part]) -> None:
    """Remove what was begun and never counted; raises `FolderTaken` for published files that no row knows.

    Of another worker nothing is removed: its published files are found first, then the part that it holds locked, and
    only then what it packed of that part, and what stays of one.
    """
    names = sorted(folder.names(), key=_in_turn)
    for name in names:
        _refuse_strange(folder, name, rows)
    for name in names:
        if SCRATCH.match(name):
            folder.unlink(name)
        elif found := REST.match(name):
            _end_striking(folder, name, rows.get(int(found[1])))
        elif found := PART.match(name) or PACKED.match(name):
            row = rows.get(int(found[1]))
            if row is None or not _awaited(name, row):
                _remove_stray(folder, name)


def _in_turn(name: str) -> tuple[bool, bool, str]:
    return REST.match(name) is not None, PACKED.match(name) is not None, name


def _end_striking(folder: Folder, name: str, row: Part | None) -> None:
    if row is not None and is_rest(folder, name, row):
        take_place(folder, row.seq)
    else:
        folder.unlink(name)


def _refuse_strange(folder: Folder, name: str, rows: Mapping[int, Part]) -> None:
    if found := FINAL.match(name) or MANIFEST.match(name):
        row = rows.get(int(found[1]))
        if row is None or row.state is PartState.OPEN or name not in _names_of(row):
            raise FolderTaken(
                f"{folder.path / name} was not written from this staging file; choose another --out, "
                "or the --staging it belongs to"
            )


def _names_of(row: Part) -> tuple[str, ...]:
    """What of a part may be published by now: its row knows the manifest before the folder does."""
    name = final_of(row)
    return (name,) if row.manifest is None else (name, manifest_name(name))


def _awaited(name: str, row: Part) -> bool:
    """Whether a hidden file is the one that its row will go on with."""
    if row.state is PartState.OPEN:
        return name == part_name(row.seq)
    return row.state is PartState.SEALED and name == part_name(row.seq, compression_of(final_of(row)))


def _remove_stray(folder: Folder, name: str) -> None:
    descriptor = folder.open(name)
    try:
        lock_alone(descriptor, folder.path / name)
        folder.unlink(name)
    finally:
        os.close(descriptor)


def resume(folder: Folder, part: Part) -> PartFile:
    """Open the part of a row and cut it back to what was committed; raises `OutputDamaged` where that is gone."""
    name = part_name(part.seq)
    try:
        descriptor = folder.open(name)
    except FileNotFoundError:
        if part.length:
            raise OutputDamaged(f"{folder.path / name} is gone with {part.length} committed bytes; {ADVICE}") from None
        return create_part(folder, part.seq)
    file = PartFile(part.seq, descriptor, folder.path / name, part.length)
    try:
        file.recover()
    except BaseException:
        file.close()
        raise
    return file


def restore_published(folder: Folder, part: Part, previous: bytes | None, consumed: Consumed) -> None:
    """Write the manifest where it was lost; raises `OutputDamaged` where the file is gone or has another length."""
    name = final_of(part)
    size = folder.size(name)
    if size is None and not was_taken(folder, name, consumed):
        raise OutputDamaged(f"{folder.path / name} was published and is gone; {ADVICE}")
    if size is not None and size != part.size_bytes:
        raise OutputDamaged(f"{folder.path / name} was published with {part.size_bytes} bytes and has {size}; {ADVICE}")
    restore_manifest(folder, part, previous)


def restore_manifest(folder: Folder, part: Part, previous: bytes | None) -> bool:
    """Write the manifest again, byte by byte, where it is missing or was altered; returns whether it had to be.

    Of a published file that was lost it is the note.
    """
    name = final_of(part)
    content = manifest_of(part, name, previous)
    if part.state is PartState.VOID and hash_of(content) != part.manifest:
        return leave_note(folder, part)
    present = folder.get(manifest_name(name))
    if present is not None and hash_of(present) == part.manifest:
        return False
    folder.unlink(manifest_name(name))
    folder.put(manifest_name(name), content)
    return True


def leave_note(folder: Folder, part: Part) -> bool:
    """Beside a published file that was lost: do not look for it, its revisions are in a later one.

    What it names as `previous` is the lost file's own manifest: with that the next one goes on. Returns whether it had
    to be written.
    """
    name = final_of(part)
    if _is_note(folder.get(void_name(name))):
        return False
    folder.unlink(void_name(name))
    folder.put(void_name(name), manifest_of(structs.replace(part, state=PartState.VOID), name, part.manifest))
    return True


def _is_note(content: bytes | None) -> bool:
    try:
        return content is not None and read_manifest(content).void
    except msgspec.DecodeError:
        return False


def was_taken(folder: Folder, name: str, consumed: Consumed) -> bool:
    """Whether a published file is gone because its consumer has it, who leaves the manifest."""
    gone, has_manifest = folder.size(name) is None, folder.size(manifest_name(name)) is not None
    return gone and has_manifest and consumed is Consumed.EXPECTED
