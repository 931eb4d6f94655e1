"""Room set aside beside the staging file for what must be written when the disk is full (reliability.md row 57).

SQLite needs room even to delete. What takes data in pauses while the disk is full; what records a delivery, compacts or
purges goes on in the room that this file gives up, and by that may end the lack of it.
"""

import os
from pathlib import Path

from trajworker.folders import create_private

RESERVE_BYTES = 16 * 1024 * 1024
SUFFIX = ".reserve"
_BLANK = bytes(1024 * 1024)


class Reserve:
    """A file of `RESERVE_BYTES`, empty once spent; not there where nobody asked for it or it never fitted."""

    def __init__(self, staging: Path | None) -> None:
        """Beside that staging file; None is for staging in memory."""
        self._path = None if staging is None else staging.with_name(staging.name + SUFFIX)

    @property
    def spent(self) -> bool:
        """Whether its room was given up and is not back."""
        size = self._size()
        return size is not None and size < RESERVE_BYTES

    def hold(self) -> bool:
        """Make it, or make it whole again; False where the disk has no room for it."""
        size = self._size()
        if self._path is None or size == RESERVE_BYTES:
            return True
        create_private(self._path)
        try:
            _allocate(self._path)
        except OSError:
            if size is None:  # a disk this small does without
                self._path.unlink()
            else:
                os.truncate(self._path, 0)
            return False
        return True

    def spend(self) -> bool:
        """Give its room up; False where there is none to give."""
        if self._path is None or not self._size():
            return False
        os.truncate(self._path, 0)
        return True

    def _size(self) -> int | None:
        try:
            return None if self._path is None else self._path.lstat().st_size
        except FileNotFoundError:
            return None


def _allocate(path: Path) -> None:
    """Take the room from the disk, not only the length; raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        else:
            for offset in range(0, RESERVE_BYTES, len(_BLANK)):
                os.pwrite(descriptor, _BLANK, offset)
    finally:
        os.close(descriptor)
