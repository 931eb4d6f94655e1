"""Purging on demand: no part that waits to be published keeps what staging was made to forget."""

from contextlib import suppress
from pathlib import Path

from trajworker.errors import OutputDamaged, PathNotAllowed, SinkError
from trajworker.ports import Part, PartLedger, PartState
from trajworker.sinks.folder import Folder
from trajworker.sinks.jsonl import translated_errors
from trajworker.sinks.naming import part_name
from trajworker.sinks.publishing import blocking
from trajworker.sinks.recovery import clear, resume
from trajworker.sinks.striking import Struck, strike


async def purge_parts(out: Path, ledger: PartLedger) -> list[Struck]:
    """Take purged conversations out of the parts that are not published, and what was never committed with them.

    A folder without such parts is not touched. Raises `SinkError` or `PathNotAllowed`, naming the parts, where that
    cannot be done: the next start does it before anything is published.
    """
    unpublished = [part.seq for part in await ledger.parts() if part.manifest is None]
    holding = [str(out / part_name(seq)) for seq in unpublished if await ledger.purged_lines(seq)]
    is_there = await blocking(out.is_dir)
    if not unpublished or not (holding or is_there):
        return []
    try:
        return await _purge(out, ledger)
    except (SinkError, PathNotAllowed) as error:
        raise type(error)(
            f"{', '.join(holding) or f'a part in {out}'} may still hold what was purged ({error}): purge again, or "
            "leave it to the next run, which takes it out before it publishes"
        ) from error


async def _purge(out: Path, ledger: PartLedger) -> list[Struck]:
    if not await blocking(out.is_dir):
        raise SinkError(f"there is no folder {out}")
    with translated_errors(out):
        folder = await blocking(Folder.own, out)
        try:
            await blocking(clear, folder, {part.seq: part for part in await ledger.parts()})
            struck = await strike(folder, ledger)
            for part in await ledger.parts():
                await blocking(_cut_back, folder, part)
        finally:
            await blocking(folder.close)
    return struck


def _cut_back(folder: Folder, part: Part) -> None:
    if part.state is PartState.OPEN:
        with suppress(OutputDamaged):  # what is too short has no tail; the next run tells of it
            resume(folder, part).close()
