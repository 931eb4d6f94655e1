"""The write-ahead log beside the staging file: when it is long enough to be moved into the file, and moving it.

Once all of it is in the file SQLite writes it over again from its beginning. So its length on disk does not tell how
much of it is in use; the salts do, with which every frame names the header that it was written under
(sqlite.org/fileformat2.html, section 4.1). To cut it down each time instead would cost as many new pages of the system
with every commit.
"""

import sqlite3
from pathlib import Path

from msgspec import Struct

CHECKPOINT_BYTES = 32 * 1024 * 1024
"""The log is moved into the file once so much of it is in use, and as often as it grows by as much again."""
_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_PAGE_SIZE = slice(8, 12)
_HEADER_SALTS = slice(16, 24)
_FRAME_SALTS = slice(8, 16)


class _Start(Struct, frozen=True):
    """What the header tells of the frames behind it."""

    salts: bytes
    frame_bytes: int


class WriteAheadLog:
    """The log of one staging file, as its only writer sees it."""

    def __init__(self, staging: Path, checkpoint_bytes: int = CHECKPOINT_BYTES) -> None:
        """Beside that staging file, which need not be there yet."""
        self._path = staging.with_name(f"{staging.name}-wal")
        self._checkpoint_bytes = checkpoint_bytes
        self._begun: bytes | None = None
        """Salts of the log when it was moved last."""
        self._left = 0
        """Bytes that were in use then, and are as long as it has not begun anew: a reader may have held it back."""

    def is_due(self) -> bool:
        """Whether so much was written since it was moved last that it is to be moved again."""
        start = self._start()
        if start is None:
            return False
        used = self._checkpoint_bytes + (self._left if start.salts == self._begun else 0)
        frame = self._read(_HEADER_BYTES + used // start.frame_bytes * start.frame_bytes, _FRAME_HEADER_BYTES)
        return frame[_FRAME_SALTS] == start.salts

    def move(self, connection: sqlite3.Connection) -> None:
        """Move it into the file, as far as no reader holds it back; what comes then begins it anew."""
        _, frames, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        start = self._start()
        if start is not None:
            self._begun, self._left = start.salts, frames * start.frame_bytes

    @staticmethod
    def empty(connection: sqlite3.Connection) -> bool:
        """Move it into the file and cut it down to nothing, without waiting; False where a reader held it back."""
        timeout_ms: int = connection.execute("PRAGMA busy_timeout").fetchone()[0]
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            connection.execute(f"PRAGMA busy_timeout = {timeout_ms}")
        return not busy

    def _start(self) -> _Start | None:
        header = self._read(0, _HEADER_BYTES)
        if len(header) < _HEADER_BYTES:
            return None
        page_size = int.from_bytes(header[_PAGE_SIZE], "big")
        return _Start(header[_HEADER_SALTS], _FRAME_HEADER_BYTES + page_size)

    def _read(self, offset: int, length: int) -> bytes:
        try:
            with self._path.open("rb", buffering=0) as log:
                log.seek(offset)
                return log.read(length)
        except FileNotFoundError:
            return b""
