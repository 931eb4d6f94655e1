"""The part that grows: appended to, synced, cut back to what is committed.

Blocking calls; the sink makes them in a worker thread.
"""

import errno
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from trajworker.errors import OutputDamaged, SinkError, SinkFull
from trajworker.ports import Line
from trajworker.sinks.folder import ADVICE, Folder, lock_alone, sync_file, write_all
from trajworker.sinks.naming import part_name

WRITE_BYTES = 1024 * 1024
"""Pieces of a line are written in portions of about this size."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LINE_FEED = b"\n"


class PartFile:
    """An open part: `committed` bytes that count, and behind them what may still be cut off."""

    def __init__(self, seq: int, descriptor: int, path: Path, committed: int) -> None:
        self.seq = seq
        self.path = path
        self.committed = committed
        self.tail = committed
        self.descriptor = descriptor
        try:
            lock_alone(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise

    def append(self, pieces: Iterable[bytes]) -> Line:
        """Write a line at the end; `SinkFull` when there is no room, and then nothing of it is left."""
        offset, end, hashed = self.tail, self.tail, hashlib.sha256()
        try:
            for portion in _portions(pieces):
                write_all(self.descriptor, portion, end)
                hashed.update(portion)
                end += len(portion)
        except BaseException as error:
            self._cut(offset)
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise SinkFull(f"no space left for {self.path}; free some and go on") from error
            raise
        self.tail = end
        return Line(part=self.seq, offset=offset, length=end - offset, sha256=hashed.digest())

    def discard(self) -> None:
        """Cut off what is not committed."""
        self.take_back(self.committed)

    def take_back(self, tail: int) -> None:
        """Cut off what was appended since the end lay there."""
        if self.tail != tail:
            self._cut(tail)
            self.tail = tail

    def recover(self) -> None:
        """Cut off what a crash left behind the committed bytes; raises `OutputDamaged` where some of them are gone."""
        length = os.fstat(self.descriptor).st_size
        if length < self.committed:
            raise OutputDamaged(f"{self.path} has {length} bytes of {self.committed} that were committed; {ADVICE}")
        if length > self.committed:
            self._cut(self.committed)
            self.sync()

    def sync(self) -> None:
        """Make the bytes durable; a failure is final."""
        sync_file(self.descriptor, self.path)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.descriptor)

    def _cut(self, length: int) -> None:
        os.ftruncate(self.descriptor, length)


def create_part(folder: Folder, seq: int) -> PartFile:
    """Step 2: an empty part whose name is durable before its row is written."""
    name = part_name(seq)
    file = PartFile(seq, folder.create(name), folder.path / name, 0)
    try:
        folder.sync()
    except BaseException:
        file.close()
        raise
    return file


def _portions(pieces: Iterable[bytes]) -> Iterable[bytes]:
    """The line with its line feed, in portions worth a call each."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        if LINE_FEED in piece:
            raise SinkError("a line holds a line feed: it would be read as two")
        waiting.append(piece)
        size += len(piece)
        if size >= WRITE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    waiting.append(LINE_FEED)
    yield b"".join(waiting)
