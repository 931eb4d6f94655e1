"""The sink: lines into parts, emissions into the ledger, full parts into published files.

The order is the contract (reliability.md 2.4): append, sync the part, ledger transaction, and only then seal and
publish. One task uses a sink.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from anyio import CancelScope
from msgspec import Struct, structs

from trajworker.errors import PathNotAllowed, SinkError, SinkFull, StagingBusy, StagingFull
from trajworker.events import Observer, ignore
from trajworker.folders import rights_forbid
from trajworker.ports import Consumed, Emission, Line, Part, PartLedger, PartState, Stream, Unwritten
from trajworker.sinks.folder import Folder
from trajworker.sinks.naming import part_name
from trajworker.sinks.part_file import NO_ROOM, PartFile, create_part
from trajworker.sinks.publishing import Publisher, blocking
from trajworker.sinks.recovery import recover
from trajworker.sinks.rotation import Limits
from trajworker.sinks.settings import JsonlSettings

P = ParamSpec("P")
T = TypeVar("T")
Clock = Callable[[], float]
"""Seconds that only grow."""


class _Growing(Struct):
    """A part that is open: its row, its file, since when, and the lines not committed yet."""

    part: Part
    file: PartFile
    since: float
    waiting: list[Line] = []


class _Ended(Struct):
    """A part that grows no more, sealed or void in the ledger: its file stays locked until it is published."""

    part: Part
    file: PartFile


class JsonlSink:
    """An output folder and its ledger; made by `open_sink`."""

    def __init__(self, folder: Folder, ledger: PartLedger, publisher: Publisher, limits: Limits, clock: Clock) -> None:
        self._folder = folder
        self._ledger = ledger
        self._publisher = publisher
        self._limits = limits
        self._clock = clock
        self._growing: dict[Stream, _Growing] = {}
        self._ended: _Ended | None = None
        self._next_seq = 1
        self._broken: SinkError | PathNotAllowed | None = None

    async def append(self, lines: Sequence[Unwritten]) -> list[Line]:
        """Write lines at the ends of the open parts until one is full, at least one line; revocable until `commit`."""
        self._refuse_broken()
        written: list[Line] = []
        with CancelScope(shield=True):
            for stream in dict.fromkeys(stream for _, stream in lines):
                overtaken = partial(self._overtaken, stream)
                if any(map(overtaken, self._growing.values())):
                    await self._publish(overtaken)
                if stream not in self._growing:
                    await self._final_if_it_fails(self._open, stream)
            ends = [(self._growing[stream], pieces) for pieces, stream in lines]
            written = await self._final_if_it_fails(_append, ends, self._limits)
            for line, (growing, _) in zip(written, ends, strict=False):
                growing.waiting.append(line)
        return written

    async def commit(self, emissions: Sequence[Emission]) -> None:
        """Sync the parts, record the emissions in one transaction, publish what is full; errors: see `ports.Sink`."""
        self._refuse_broken()
        appended = [line for growing in self._growing.values() for line in growing.waiting]
        to_commit = [emission.line for emission in emissions if emission.line is not None]
        if sorted(appended, key=_place) != sorted(to_commit, key=_place):
            raise SinkError(f"{len(appended)} lines were appended and {len(to_commit)} are to be committed")
        with CancelScope(shield=True):
            for growing in self._growing.values():
                if growing.waiting:
                    await self._final_if_it_fails(blocking, self._sync, growing.file)
            await self._record(emissions)
            with suppress(SinkFull, StagingFull):  # the emission stands; publishing goes on with the next one
                await self._publish(self._reached)

    async def discard(self) -> None:
        """Undo what was appended since the last commit."""
        self._refuse_broken()
        with CancelScope(shield=True):
            for growing in self._growing.values():
                await self._final_if_it_fails(_in_thread, growing.file.discard)
                growing.waiting.clear()

    async def publish_due(self) -> None:
        """Publish the parts that are old enough, unless a batch is on its way."""
        self._refuse_broken()
        if not any(growing.waiting for growing in self._growing.values()):
            with CancelScope(shield=True):
                await self._publish(self._reached)

    async def publish_all(self) -> None:
        """Seal and publish whatever is committed; what is not goes."""
        await self.discard()
        with CancelScope(shield=True):
            await self._publish(lambda growing: growing.part.lines > 0)
            for stream in sorted(self._growing, key=lambda one: -self._growing[one].part.seq):
                await self._final_if_it_fails(self._drop, stream)

    async def start(self, consumed: Consumed) -> None:
        """Recover what a crash left; nothing may be appended before."""
        recovered = await recover(self._folder, self._ledger, self._publisher, consumed)
        for part, file in recovered.growing:
            self._growing[part.stream] = _Growing(part, file, self._clock())
        self._next_seq = recovered.next_seq

    async def close(self) -> None:
        """Give every descriptor back; what is not committed is cut off by the next start."""
        files = [growing.file for growing in self._growing.values()]
        for file in [*files, self._ended.file] if self._ended else files:
            await blocking(file.close)
        await blocking(self._folder.close)

    async def _open(self, stream: Stream) -> _Growing:
        part = Part(seq=self._next_seq, stream=stream, state=PartState.OPEN)
        file = await blocking(create_part, self._folder, part.seq)
        try:
            await self._ledger.put(part)
        except BaseException:
            await blocking(file.close)
            await blocking(self._folder.unlink, part_name(part.seq))
            raise
        self._next_seq += 1
        self._growing[stream] = _Growing(part, file, self._clock())
        return self._growing[stream]

    def _sync(self, file: PartFile) -> None:
        """Make durable what was appended, where consumers will look for it."""
        self._folder.refuse_moved()
        file.sync()

    async def _record(self, emissions: Sequence[Emission]) -> None:
        try:
            await self._ledger.record(emissions)
        except (StagingFull, StagingBusy):
            await self.discard()
            raise
        except BaseException as error:
            self._broken = SinkError(f"the outcome of a ledger transaction is unknown ({error}); run again")
            raise
        for growing in self._growing.values():
            growing.file.committed = growing.file.tail
            growing.part = structs.replace(
                growing.part, length=growing.file.tail, lines=growing.part.lines + len(growing.waiting)
            )
            growing.waiting.clear()

    def _overtaken(self, stream: Stream, growing: _Growing) -> bool:
        """Whether a part of this stream must not grow: a later one of another may hold what its lines come after."""
        seq = growing.part.seq
        later = any(other.part.lines and other.part.seq > seq for other in self._growing.values())
        return growing.part.stream is stream and later and not growing.waiting

    def _reached(self, growing: _Growing) -> bool:
        return self._limits.reached(growing.part.length, growing.part.lines, self._clock() - growing.since)

    async def _publish(self, due: Callable[[_Growing], bool]) -> None:
        """Publish the parts that are due, and before them those with lower numbers: the chain has no gap."""
        await self._publish_ended()
        last = max((growing.part.seq for growing in self._growing.values() if due(growing)), default=0)
        parts = sorted((growing.part.seq, stream) for stream, growing in self._growing.items())
        for stream in [stream for seq, stream in parts if seq <= last]:
            part = await self._final_if_it_fails(self._end, self._growing[stream].part)
            self._ended = _Ended(part, self._growing.pop(stream).file)
            await self._publish_ended()

    async def _publish_ended(self) -> None:
        """Publish the part that grows no more, if there is one; where that fails, it stands before all others."""
        if self._ended is None:
            return
        await self._final_if_it_fails(_in_thread, self._folder.refuse_moved)
        await self._final_if_it_fails(self._publisher.publish, self._ended.part)
        ended, self._ended = self._ended, None
        await blocking(ended.file.close)
        self._publisher.observe_published(ended.part)

    async def _end(self, part: Part) -> Part:
        """Step 5, on the row as the ledger has it: with the first and last emission."""
        (row,) = await self._ledger.parts(part.seq, part.seq)
        return await self._publisher.end(row)

    async def _drop(self, stream: Stream) -> None:
        """An open part on which nothing was ever committed leaves no trace."""
        seq = self._growing[stream].part.seq
        await self._ledger.drop(seq)
        self._next_seq = seq
        await blocking(self._growing.pop(stream).file.close)
        await blocking(self._folder.unlink, part_name(seq))

    def _refuse_broken(self) -> None:
        if self._broken is not None:
            raise self._broken

    async def _final_if_it_fails(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a step of the write path: only a lack of room leaves the sink usable."""
        try:
            with translated_errors(self._folder.path):
                return await function(*args, **kwargs)
        except SinkFull:
            raise
        except (SinkError, PathNotAllowed) as error:
            self._broken = error
            raise


@asynccontextmanager
async def open_sink(
    ledger: PartLedger, settings: JsonlSettings, observer: Observer = ignore, clock: Clock = time.monotonic
) -> AsyncIterator[JsonlSink]:
    """Open an output folder and bring it to agree with the ledger; nothing is written when they do.

    Raises `PathNotAllowed`, `OutputDamaged` (committed bytes are missing), `FolderTaken` (files of another staging).
    """
    with translated_errors(settings.out):
        folder = await blocking(Folder.own, settings.out)
    publisher = Publisher(folder, ledger, settings.compress, observer)
    sink = JsonlSink(folder, ledger, publisher, settings.limits, clock)
    try:
        with translated_errors(folder.path), CancelScope(shield=True):
            await sink.start(settings.consumed)
        yield sink
    finally:
        with CancelScope(shield=True):
            await sink.close()


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Raise what the system says about the folder as errors of ours; only a lack of room can pass."""
    try:
        yield
    except PermissionError as error:
        raise rights_forbid(path) from error
    except OSError as error:
        if error.errno in NO_ROOM:
            raise SinkFull(f"no space left in {path}; free some and go on") from error
        raise SinkError(f"{path}: {error.strerror}; run again") from error


async def _append(lines: Sequence[tuple[_Growing, Iterable[bytes]]], limits: Limits) -> list[Line]:
    """One hop to a thread for all of them, in which the lines are made too."""
    return await blocking(_append_in_thread, lines, limits)


def _append_in_thread(lines: Sequence[tuple[_Growing, Iterable[bytes]]], limits: Limits) -> list[Line]:
    tails = {growing.file: growing.file.tail for growing, _ in lines}
    held = {growing.file: growing.part.lines + len(growing.waiting) for growing, _ in lines}
    written: list[Line] = []
    try:
        for growing, pieces in lines:
            file = growing.file
            if written and limits.full(file.tail, held[file]):
                break
            written.append(file.append(pieces))
            held[file] += 1
    except BaseException:
        for file, tail in tails.items():
            file.take_back(tail)
        raise
    return written


async def _in_thread(function: Callable[[], None]) -> None:
    await blocking(function)


def _place(line: Line) -> tuple[int, int]:
    return line.part, line.offset
