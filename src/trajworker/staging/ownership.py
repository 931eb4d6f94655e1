"""One worker per staging file: a lock for as long as the process lives, and a number that fences off older owners.

The lock alone is not enough (a suspended process may wake on a volume that was given to another), so every write
transaction also checks that its epoch is still the newest (reliability.md 2.6).
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trajworker.errors import StagingBusy, StagingOwned
from trajworker.folders import FILE_MODE, hold, refuse_unusable


@contextmanager
def locked(staging: Path) -> Iterator[None]:
    """Hold `<staging>.lock`; raises `StagingOwned` at once where another process holds it."""
    path = staging.with_name(f"{staging.name}.lock")
    refuse_unusable(path)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    try:
        hold(descriptor, StagingOwned(f"another worker owns {staging}; stop it first, or choose another --staging"))
        yield
    finally:
        os.close(descriptor)


def closed_in_order(connection: sqlite3.Connection) -> bool:
    """Whether the owner before ended as it should."""
    return bool(connection.execute("SELECT clean FROM owner").fetchone()[0])


def take_over(connection: sqlite3.Connection) -> int:
    """Raise the epoch and return it. Runs in a transaction."""
    epoch: int = connection.execute(
        "UPDATE owner SET epoch = epoch + 1, pid = ?, clean = 0 RETURNING epoch", (os.getpid(),)
    ).fetchall()[0][0]
    return epoch


def refuse_stale(connection: sqlite3.Connection, epoch: int) -> None:
    """Raise `StagingBusy` where somebody took over since."""
    newest: int = connection.execute("SELECT epoch FROM owner").fetchone()[0]
    if newest != epoch:
        raise StagingBusy(f"a newer worker (epoch {newest}) took over the staging file; this one (epoch {epoch}) ends")


def leave(epoch: int, connection: sqlite3.Connection) -> None:
    """Note the orderly close, unless somebody took over. Runs in a transaction."""
    connection.execute("UPDATE owner SET clean = 1 WHERE epoch = ?", (epoch,))
