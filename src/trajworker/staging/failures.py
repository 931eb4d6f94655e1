"""What an error of SQLite means for the worker."""

import sqlite3

from trajworker.errors import StagingBusy, StagingDamaged, StagingError, StagingFull

PRIMARY_CODE = 0xFF
"""Extended result codes keep the primary one in their low byte (sqlite.org/rescode.html)."""


def primary_code(error: sqlite3.Error) -> int:
    """The primary result code, e.g. `SQLITE_FULL`; 0 where the error is Python's own."""
    return getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE


def lacks_room(error: sqlite3.Error) -> bool:
    """Whether opening the file failed for lack of room: its shared index is the first thing that needs some."""
    return primary_code(error) == sqlite3.SQLITE_FULL or (
        getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHMSIZE
    )


def translate(error: sqlite3.Error, where: str) -> StagingError:
    """The error of ours that says what to do."""
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    match primary_code(error):
        case sqlite3.SQLITE_FULL:
            return StagingFull(f"no space left for the staging file {where}; free some and go on")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StagingBusy(f"the staging file {where} is locked by another program; run again later")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StagingDamaged(
                f"the staging file {where} is damaged or no database ({name}); it is left untouched: "
                "restore it, or choose another path and read again from the source"
            )
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN:
            return StagingError(
                f"the staging file {where} failed: {name}: {error}; see to the disk and to the limits of this process "
                "(`ulimit -a`: file size, open files), then run again: what was committed stands"
            )
        case _:
            return StagingError(f"the staging file {where} failed: {name}: {error}")
