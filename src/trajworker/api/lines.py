"""Writes lines into a new folder as the worker does: synced, sealed, published with manifests that chain.

A worker's ledger lies in staging, because it goes on for ever. Here all is written in one go, so the ledger lives as
long as the writing does, and a folder that holds files already is refused.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread
from msgspec.structs import replace

from trajworker.errors import FolderTaken
from trajworker.ports import Emission, Part, PartState, Span, Stream
from trajworker.sinks import JsonlSettings, JsonlSink, open_sink

BATCH_LINES = 200
BATCH_BYTES = 8 * 1024 * 1024
"""A batch is committed at whichever comes first; each commit costs a sync."""


class LineWriter:
    """Adds lines to a folder; made by `open_lines`."""

    def __init__(self, sink: JsonlSink) -> None:
        self._sink = sink
        self._batch: list[bytes] = []
        self._size_bytes = 0
        self.lines = 0
        """Lines added."""

    async def add(self, line: bytes) -> None:
        """Add a line, given without its line feed; it is written with its batch."""
        self.lines += 1
        self._batch.append(line)
        self._size_bytes += len(line)
        if len(self._batch) >= BATCH_LINES or self._size_bytes >= BATCH_BYTES:
            await self.commit()

    async def commit(self) -> None:
        """Write what was added, and make it durable."""
        batch, self._batch, self._size_bytes = self._batch, [], 0
        while batch:
            placed = await self._sink.append([([line], Stream.TRAJECTORIES) for line in batch])
            first = self.lines - len(batch) + 1
            await self._sink.commit(
                [
                    Emission(conversation=number, revision=1, content_hash=line.sha256, line=line, seen={})
                    for number, line in enumerate(placed, first)
                ]
            )
            batch = batch[len(placed) :]


@asynccontextmanager
async def open_lines(out: Path) -> AsyncIterator[LineWriter]:
    """Open a folder for lines; what was added is published at the end, also when an error ends it.

    Raises:
        FolderTaken: the folder holds published files already.
        SinkError: it cannot be written.
        PathNotAllowed: it must not be used.
    """
    await anyio.to_thread.run_sync(refuse_taken, out)
    async with open_sink(_Ledger(), JsonlSettings(out=out)) as sink:
        writer = LineWriter(sink)
        try:
            yield writer
        finally:
            await writer.commit()
            await sink.publish_all()


def refuse_taken(out: Path) -> None:
    """Raise `FolderTaken` where the folder holds files of lines already."""
    if out.is_dir() and any(out.glob("*.jsonl*")):
        raise FolderTaken(f"{out} holds files already; choose a new folder, since published files never change")


class _Ledger:
    """The rows of the files while they are written; see `ports.PartLedger`."""

    def __init__(self) -> None:
        self._parts: dict[int, Part] = {}
        self._rows = 0

    async def parts(self, first: int = 1, last: int | None = None) -> list[Part]:
        """The rows from one number to another."""
        return [part for seq, part in sorted(self._parts.items()) if first <= seq <= (last or seq)]

    async def put(self, part: Part) -> None:
        """Insert or replace a row."""
        self._parts[part.seq] = part

    async def drop(self, seq: int) -> None:
        """Forget the newest row."""
        del self._parts[seq]

    async def record(self, emissions: Sequence[Emission]) -> None:
        """Count the lines of the parts."""
        for emission in emissions:
            if emission.line is None:
                continue
            self._rows += 1
            part, line = self._parts[emission.line.part], emission.line
            self._parts[part.seq] = replace(
                part,
                length=line.offset + line.length,
                lines=part.lines + 1,
                first=part.first or self._rows,
                last=self._rows,
            )

    async def make_void(self, seq: int) -> int:
        """Make a part void."""
        self._parts[seq] = replace(self._parts[seq], state=PartState.VOID)
        return 0

    async def purged_lines(self, _seq: int, /) -> list[Span]:
        """Nothing is purged while it is written."""
        return []

    async def strike(self, seq: int) -> None:
        """See `purged_lines`."""
