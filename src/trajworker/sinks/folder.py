"""The output folder, held open: every file is reached through its descriptor, never through a path or a link.

Blocking calls; the sink makes them in a worker thread. Any failed sync is final, since the page cache may be wrong
afterwards (docs.tigerbeetle.com/about/safety).
"""

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from trajworker.errors import FolderTaken, SinkError
from trajworker.folders import FILE_MODE, hold, private_folder, rights_forbid
from trajworker.sinks.naming import scratch_name

RENAME_NOREPLACE = 1
UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
UNLOCKABLE = (*UNSUPPORTED, errno.EBADF, errno.ENOLCK)
"""What a file system says that cannot lock a folder (NFS locks what is open for writing): parts are locked, too."""
READ_BYTES = 1024 * 1024
SMALL_FILE_BYTES = 64 * 1024
ADVICE = "`trajworker repair` makes what staging still holds again"
"""What to do where committed bytes are missing or altered."""


class Folder:
    """An output folder that is there, held open: to be looked at. Who writes opens it with `own`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    @classmethod
    def own(cls, path: Path) -> Self:
        """Open a folder that nobody else may write, made if it is missing, and hold it until it is closed.

        Raises `PathNotAllowed`, `FolderTaken` where another process holds it.
        """
        folder = cls(private_folder(path))
        try:
            folder._hold()
        except BaseException:
            folder.close()
            raise
        return folder

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)

    def refuse_moved(self) -> None:
        """Raise `SinkError` where the path leads elsewhere by now: nobody would look for what is written here."""
        try:
            at_the_path = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            at_the_path = None
        if at_the_path is None or not os.path.samestat(at_the_path, os.fstat(self._descriptor)):
            raise SinkError(
                f"{self.path} was renamed, removed or replaced while in use: put it back and run again; "
                f"where it is lost, {ADVICE}"
            )

    def names(self) -> set[str]:
        """What lies in the folder."""
        return set(os.listdir(self._descriptor))  # noqa: PTH208 - a Path cannot list a descriptor

    def create(self, name: str) -> int:
        """Make a file that must not be there yet and return its descriptor."""
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, flags, FILE_MODE, dir_fd=self._descriptor)

    def open(self, name: str) -> int:
        """Open a regular file for reading and writing; raises `SinkError` for anything else, `PathNotAllowed`."""
        return self._opened(name, os.O_RDWR)

    @contextmanager
    def reading(self, name: str) -> Iterator[int]:
        """Open a regular file for reading; raises as `open` does."""
        descriptor = self._opened(name, os.O_RDONLY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def size(self, name: str) -> int | None:
        """Length of a file in bytes, None where it is not there."""
        try:
            status = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return status.st_size

    def same(self, name: str, other: str) -> bool:
        """Whether two names lead to the same file."""
        one, two = (os.stat(each, dir_fd=self._descriptor, follow_symlinks=False) for each in (name, other))
        return os.path.samestat(one, two)

    def unlink(self, name: str) -> None:
        """Remove a name, if it is there."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._descriptor)

    def rename(self, name: str, final: str) -> None:
        """Give a file its final name; never replaces another. Durable only after `sync`."""
        if _rename_noreplace(self._descriptor, name, final):
            return
        os.link(name, final, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor, follow_symlinks=False)
        os.unlink(name, dir_fd=self._descriptor)

    def sync(self) -> None:
        """Make names durable: what was created, renamed or removed."""
        sync_file(self._descriptor, self.path)

    def put(self, name: str, content: bytes) -> None:
        """Write a small file whole or not at all, durably; one of the same content may be there already."""
        scratch = scratch_name(name)
        self.unlink(scratch)
        if self.get(name) == content:
            self.sync()  # who gave it that name may have ended before the name was durable
            return
        descriptor = self.create(scratch)
        try:
            write_all(descriptor, content, 0)
            sync_file(descriptor, self.path / name)
        finally:
            os.close(descriptor)
        self.rename(scratch, name)
        self.sync()

    def get(self, name: str) -> bytes | None:
        """Content of a small file, None where it is not there."""
        try:
            with self.reading(name) as descriptor:
                return os.pread(descriptor, SMALL_FILE_BYTES, 0)
        except FileNotFoundError:
            return None

    def _hold(self) -> None:
        try:
            lock_alone(self._descriptor, self.path)
        except OSError as error:
            if error.errno not in UNLOCKABLE:
                raise

    def _opened(self, name: str, access: int) -> int:
        flags = access | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(name, flags, dir_fd=self._descriptor)
        except PermissionError as refusal:
            raise rights_forbid(self.path / name) from refusal
        return _regular(descriptor, self.path / name)


def sync_file(descriptor: int, path: Path) -> None:
    """Make what was written durable; raises `SinkError`, and a failure is final."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise SinkError(
            f"{path} could not be synced ({error.strerror}): what it holds is unknown; run again"
        ) from error


def lock_alone(descriptor: int, path: Path) -> None:
    """Hold a file or folder until its descriptor is closed; raises `FolderTaken` where another process holds it."""
    hold(descriptor, FolderTaken(f"another worker writes {path}; choose another output folder"))


def write_all(descriptor: int, content: bytes | memoryview, offset: int) -> None:
    """Write everything at an offset, however many calls that takes."""
    rest = memoryview(content)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        offset += written
        rest = rest[written:]


def portions(descriptor: int, length: int) -> Iterator[bytes]:
    """The first `length` bytes of a file, in portions; ends early where the file does."""
    offset = 0
    while offset < length:
        portion = os.pread(descriptor, min(READ_BYTES, length - offset), offset)
        if not portion:
            return
        offset += len(portion)
        yield portion


def _regular(descriptor: int, path: Path) -> int:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SinkError(f"{path} is no regular file; remove it")
    return descriptor


def _rename_noreplace(folder: int, name: str, final: str) -> bool:
    """Rename without replacing; False where this system cannot."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return False
    if call(folder, os.fsencode(name), folder, os.fsencode(final), RENAME_NOREPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code in UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), final)
