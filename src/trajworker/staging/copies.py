"""Copies of staging from before a migration: they hold all that was staged then, so that purging erases them too."""

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from trajworker.errors import StagingError
from trajworker.folders import create_private, refuse_unusable

_NAMED = re.compile(r"\.before-\d{4}(-wal|-shm|-journal)?")
_BLANK = bytes(1024 * 1024)


def keep(connection: sqlite3.Connection, path: Path, number: int) -> None:
    """Copy the staging file at `path` beside itself, before the migration of that number."""
    target = path.with_name(f"{path.name}.before-{number:04}")
    create_private(target)
    with closing(sqlite3.connect(target)) as copy:
        connection.backup(copy)


def copies(path: Path) -> list[Path]:
    """The copies of a staging file, with what SQLite may have left beside them."""
    beside = (one for one in path.parent.iterdir() if one.name.startswith(path.name))
    return sorted(one for one in beside if _NAMED.fullmatch(one.name.removeprefix(path.name)))


def erase(path: Path) -> tuple[str, ...]:
    """Overwrite and remove every copy of a staging file, as purged rows are overwritten; their paths.

    Raises `StagingError` and `PathNotAllowed` naming the copy that could not be erased.
    """
    found = copies(path)
    for copy in found:
        refuse_unusable(copy)
    for copy in found:
        try:
            _overwrite(copy)
            copy.unlink()
        except OSError as error:
            raise StagingError(f"{copy} still holds what was purged and cannot be erased: {error.strerror}") from error
    return tuple(map(str, found))


def _overwrite(copy: Path) -> None:
    descriptor = os.open(copy, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123 - a descriptor has no path
        left = os.fstat(descriptor).st_size
        while left > 0:
            left -= file.write(_BLANK[:left]) or 0
        os.fsync(descriptor)
