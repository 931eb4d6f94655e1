"""Repairing on demand: manifests are written again, files that are lost made void: the next run emits them again."""

from pathlib import Path

from msgspec import Struct

from trajworker.errors import OutputDamaged
from trajworker.ports import Consumed, Part, PartLedger, PartState
from trajworker.sinks.folder import Folder
from trajworker.sinks.publishing import blocking, check_sealed, final_of
from trajworker.sinks.recovery import clear, leave_note, restore_manifest, resume, was_taken


class Repaired(Struct, frozen=True, kw_only=True):
    """What `repair` did: numbers made void, or whose manifest (or note) it wrote again, and what was in the void ones.

    `due_again` counts the revisions that the next run emits again, `gone_for_good` those that can not be made again
    (superseded or dropped).
    """

    voided: tuple[int, ...]
    manifests: tuple[int, ...]
    due_again: int
    gone_for_good: int


async def repair(out: Path, ledger: PartLedger, consumed: Consumed = Consumed.FATAL) -> Repaired:
    """Make void what a damaged disk lost, so that the next run emits it again into a new file.

    Revisions whose content is still the same keep their numbers; what became something else is a new revision.

    Every byte is read again. A number that was never published gets its void manifest at the next start.
    A published file that is damaged stays where it is, with a note (`.void.json`) beside it. One that its consumer has
    taken, where `consumed` says that they do, is no damage: its revisions are not said again. Of a file that is whole a
    manifest that is missing or was altered is written again, byte by byte.
    """
    folder = await blocking(Folder.own, out)
    try:
        rows = {part.seq: part for part in await ledger.parts()}
        await blocking(clear, folder, rows)
        voided, manifests, lost, gone_for_good = [], [], 0, 0
        previous: bytes | None = None
        for part in rows.values():
            if await blocking(_damaged, folder, part, consumed):
                gone_for_good += await ledger.make_void(part.seq)
                lost += part.lines
                voided.append(part.seq)
                if part.manifest is not None:
                    await blocking(leave_note, folder, part)
            elif part.manifest is not None and await blocking(restore_manifest, folder, part, previous):
                manifests.append(part.seq)
            previous = part.manifest
    finally:
        await blocking(folder.close)
    return Repaired(
        voided=tuple(voided),
        manifests=tuple(manifests),
        due_again=lost - gone_for_good,
        gone_for_good=gone_for_good,
    )


def _damaged(folder: Folder, part: Part, consumed: Consumed) -> bool:
    try:
        match part.state:
            case PartState.OPEN:
                resume(folder, part).close()
            case PartState.PUBLISHED if was_taken(folder, final_of(part), consumed):
                pass
            case PartState.SEALED | PartState.PUBLISHED:
                check_sealed(folder, part)
            case PartState.VOID:
                pass
    except OutputDamaged:
        return True
    return False
