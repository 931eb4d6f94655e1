"""Folders and files that nobody else may touch: how they are made and held, and which are refused.

Outputs and staging hold transcripts, so folders are 0700, files 0600, never reached through a link and never owned by
others (reliability.md section 5).
"""

import errno
import fcntl
import os
import stat
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory

from trajworker.errors import NoFile, NoFolder, NotReadable, PathNotAllowed, SinkError, TrajworkerError

FOLDER_MODE = 0o700
FILE_MODE = 0o600
ROOT_UID = 0
DRAFT = "draft"
_RIGHTS = (errno.EACCES, errno.EPERM)
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_READ_ONLY = "is on a file system that is mounted read-only; mount it writable, or choose a folder elsewhere"
_RIGHTS_ADVICE = "change its rights, run as its owner, or choose another path"
_FILES = (errno.EEXIST, errno.ENOTDIR)
_TAKEN = (errno.EWOULDBLOCK, errno.EACCES)


def private_folder(folder: Path) -> Path:
    """Make the folder if it is missing and return it resolved.

    Raises:
        PathNotAllowed: it may not be made or written, is owned by somebody else (root is trusted), or is writable by
            everybody without the sticky bit.
        NoFolder: it is no folder, or cannot be one there.
        SinkError: the disk is full or failed.
    """
    resolved = folder.expanduser().resolve()
    try:
        make_folder(resolved)
        status = resolved.stat()
    except OSError as error:
        raise _unmade(resolved, error) from error
    _refuse_foreign(resolved, status)
    if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
        raise PathNotAllowed(f"{resolved} is writable by everybody; `chmod o-w` it or choose another folder")
    if os.statvfs(resolved).f_flag & os.ST_RDONLY:
        raise PathNotAllowed(f"{resolved} {_READ_ONLY}")
    if not os.access(resolved, os.W_OK | os.X_OK):
        raise PathNotAllowed(f"{resolved} is not writable for uid {os.geteuid()}; choose another folder")
    return resolved


def make_folder(folder: Path) -> None:
    """Make the folder and those above it that are missing, for their owner only; one that is there stays as it is."""
    missing = list(takewhile(lambda one: not one.exists(), folder.parents))
    for one in (*reversed(missing), folder):
        one.mkdir(mode=FOLDER_MODE, exist_ok=True)


def replace_whole(path: Path, content: bytes, mode: int = FILE_MODE) -> None:
    """Write a file whole or not at all, in the place of one that may be there; `mode` are its rights, less the umask.

    It is written in a folder of its own beside its place: others may write the same file at the same time.
    """
    with TemporaryDirectory(prefix=".", suffix=".part", dir=path.parent) as folder:
        draft = Path(folder) / DRAFT
        with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, mode), "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


def hold(descriptor: int, taken: TrajworkerError) -> None:
    """Lock a file or folder until its descriptor is closed; raises `taken` at once where another process holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        raise taken from error


def not_allowed(folder: Path, error: OSError) -> PathNotAllowed | None:
    """What to say where rights or a mount kept a folder from being used; None where something else did."""
    if error.errno == errno.EROFS:
        return PathNotAllowed(f"{folder} {_READ_ONLY}")
    if error.errno in _RIGHTS:
        return PathNotAllowed(f"{folder}: {error.strerror} (uid {os.geteuid()}); choose a folder you own")
    return None


def _unmade(folder: Path, error: OSError) -> TrajworkerError:
    """Why a folder could not be made: the rights, the disk, or the place itself."""
    if refusal := not_allowed(folder, error):
        return refusal
    fault = f"{folder}: {error.strerror}"
    if error.errno in _DISK:
        return SinkError(f"{fault}; the folder cannot be made on this disk")
    if error.errno in _FILES:
        return NoFolder(f"{fault}; it is a file, or lies below one: name a folder")
    return NoFolder(f"{fault}; there can be no folder there: name another")


def refuse_unusable(path: Path) -> None:
    """Raise where the path exists and is not to be read and written.

    Raises:
        PathNotAllowed: it is a link, no regular file, owned by somebody else, or its rights forbid it.
        NoFile: it is a folder.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    _refuse_folder(path, status)
    if not stat.S_ISREG(status.st_mode):
        raise PathNotAllowed(f"{path} is a link or no regular file; remove it or choose another path")
    _refuse_foreign(path, status)
    if not os.access(path, os.R_OK | os.W_OK):
        raise rights_forbid(path)


def refuse_unreadable(path: Path) -> None:
    """Raise `NotReadable` where a file's rights keep it from being read, `NoFile` where it is a folder."""
    _refuse_folder(path, path.stat())
    if not os.access(path, os.R_OK):
        raise NotReadable(f"{path} may not be read (uid {os.geteuid()}); {_RIGHTS_ADVICE}")


def rights_forbid(path: Path) -> PathNotAllowed:
    """What to say where rights kept a file from being opened, or a folder from being written."""
    return PathNotAllowed(f"{path} may not be used (uid {os.geteuid()}); {_RIGHTS_ADVICE}")


def create_private(path: Path) -> None:
    """Create the file empty and readable by its owner only, unless it is there already."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE))
    except FileExistsError:
        refuse_unusable(path)


def _refuse_folder(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise NoFile(f"{path} is a folder; name a file, such as one in it")


def _refuse_foreign(path: Path, status: os.stat_result) -> None:
    if status.st_uid not in (os.geteuid(), ROOT_UID):
        raise PathNotAllowed(f"{path} belongs to uid {status.st_uid}, this is uid {os.geteuid()}; choose another path")
