"""What was purged is taken out of the parts that were not published yet, so that no file tells it later.

The order is a contract: what stays of a part is written beside it, then the ledger forgets the lines in ONE
transaction, then the rest takes the part's place. A rest that a crash left counts once it is as long as the row says,
since only that transaction made the row so short.
"""

import os
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from trajworker.errors import OutputDamaged
from trajworker.ports import Compression, Part, PartLedger, PartState, Span
from trajworker.sinks.compression import unpacker
from trajworker.sinks.folder import ADVICE, Folder, portions, sync_file, write_all
from trajworker.sinks.naming import compression_of, part_name, rest_name
from trajworker.sinks.publishing import blocking, check_sealed, final_of


class Struck(Struct, frozen=True):
    """A part and how many lines were taken out of it."""

    name: str
    lines: int


async def strike(folder: Folder, ledger: PartLedger) -> list[Struck]:
    """Take the lines of purged conversations out of all parts that are not published; which they were.

    Raises `OutputDamaged` where such a part does not hold what was committed.
    """
    struck: list[Struck] = []
    for part in await ledger.parts():
        lines = await ledger.purged_lines(part.seq) if part.state in (PartState.OPEN, PartState.SEALED) else []
        if lines:
            await blocking(_write_rest, folder, part, lines)
            await ledger.strike(part.seq)
            await blocking(take_place, folder, part.seq)
            struck.append(Struck(part_name(part.seq), len(lines)))
    return struck


def is_rest(folder: Folder, name: str, row: Part) -> bool:
    """Whether a rest that a crash left is what the row tells of now."""
    return row.state is PartState.OPEN and folder.size(name) == row.length


def take_place(folder: Folder, seq: int) -> None:
    """The rest becomes the part; what the part was packed into goes with it."""
    for compression in Compression:
        folder.unlink(part_name(seq, compression))
    folder.rename(rest_name(seq), part_name(seq))
    folder.sync()


def without(content: Iterable[bytes], spans: Sequence[Span]) -> Iterator[bytes]:
    """The content but for those spans, which are in order."""
    begin, waiting = 0, list(spans)[::-1]
    for portion in content:
        end, at = begin + len(portion), begin
        while waiting and waiting[-1].offset < end:
            offset, length = waiting[-1]
            yield portion[at - begin : max(offset, at) - begin]
            at = min(offset + length, end)
            if offset + length > end:
                break
            waiting.pop()
        yield portion[at - begin :]
        begin = end


def _write_rest(folder: Folder, part: Part, lines: Sequence[Span]) -> None:
    if part.state is PartState.SEALED:
        check_sealed(folder, part)
        _withdraw(folder, part)
    name = rest_name(part.seq)
    folder.unlink(name)
    target = folder.create(name)
    try:
        _copy(folder, part, lines, target)
        sync_file(target, folder.path / name)
    except BaseException:
        folder.unlink(name)  # the disk may be full
        raise
    finally:
        os.close(target)
    folder.sync()


def _copy(folder: Folder, part: Part, lines: Sequence[Span], target: int) -> None:
    written = 0
    for portion in without(_content(folder, part), lines):
        write_all(target, portion, written)
        written += len(portion)
    if written != part.length - sum(line.length for line in lines):
        raise OutputDamaged(
            f"{folder.path / part_name(part.seq)} has not all {part.length} bytes that were committed; {ADVICE}"
        )


def _withdraw(folder: Folder, part: Part) -> None:
    """Step 6 backwards: a final name without a manifest is one that nobody was told of."""
    name = final_of(part)
    waiting = part_name(part.seq, compression_of(name))
    if folder.size(name) is None:
        return
    if folder.size(waiting) is None:
        folder.rename(name, waiting)
    elif folder.same(name, waiting):
        folder.unlink(name)
    folder.sync()


def _content(folder: Folder, part: Part) -> Iterator[bytes]:
    """The committed bytes of a part, which is open, or sealed and packed."""
    compression = Compression.NONE if part.state is PartState.OPEN else compression_of(final_of(part))
    name = part_name(part.seq, compression)
    size = part.length if part.state is PartState.OPEN else part.size_bytes or 0
    if folder.size(name) is None:
        return
    unpack = unpacker(compression)
    with folder.reading(name) as source:
        yield from map(unpack, portions(source, size))
