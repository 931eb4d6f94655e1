"""One pretty JSON file per trajectory, in the layout of seed 002: `{output_dir}/{conversation_id}.json`."""

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import quote

from trajworker.errors import ConfigError, SinkError
from trajworker.trajectory import Trajectory
from trajworker.trajectory.layout import encode_cumulative

LONGEST_NAME = 180
"""Bytes of a file name kept readable; file systems allow 255 with suffixes."""
FILE_MODE = 0o600
UNNAMED = "unnamed~"
"""How the name begins where a trajectory has no conversation id: a digest of its content follows. No id has a `~`."""
EMPTY = "empty~"
UNNAMED_CHARS = 16


Format = Literal["json", "jsonl"]


def refuse_unknown_format(given: str) -> None:
    """Raise ConfigError for a format that there is not."""
    if given not in get_args(Format):
        raise ConfigError(f"format is 'json' or 'jsonl', not {given!r}")


def trajectories_in(given: Trajectory | Iterable[Trajectory]) -> Iterable[Trajectory]:
    """What is to be saved, one or several; raises ConfigError for what is neither."""
    if isinstance(given, Trajectory):
        return [given]
    if not isinstance(given, Iterable) or isinstance(given, str | bytes | Mapping):
        raise ConfigError(f"what is saved are Trajectory objects, one or several, not {type(given).__name__}")
    return given


def published_lines(folder: Path) -> list[Path]:
    """The files of a folder of lines, in order."""
    return sorted(folder.glob("*.jsonl"))


def folder_of(output_dir: object) -> Path:
    """The folder that is named; raises ConfigError where that is no name of one."""
    if not isinstance(output_dir, str | os.PathLike) or not os.fspath(output_dir) or "\0" in str(output_dir):
        raise ConfigError(f"output_dir is the path of a folder, not {output_dir!r}")
    try:
        return Path(output_dir).expanduser()
    except RuntimeError:
        raise ConfigError(f"there is no home folder for {os.fspath(output_dir)!r}: write the whole path") from None


class Documents:
    """Writes one file per trajectory into a folder; what one call saves has a file each, whatever the ids."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._given: Counter[str] = Counter()

    def add(self, trajectory: Trajectory, line: bytes) -> Path:
        """Write a trajectory, whose line is given, to a file of its own, atomically.

        A file of an earlier call is replaced where it is that of the same conversation; ids that come again in this
        call, such as those of a conversation's revisions, get `~2`, `~3`, ... behind them.

        Raises:
            SinkError: the folder cannot be made or written.
        """
        content = encode_cumulative(trajectory)
        name = trajectory.task.conversation_id
        stem = f"{UNNAMED}{hashlib.sha256(line).hexdigest()[:UNNAMED_CHARS]}" if name is None else file_stem(name)
        self._given[stem] += 1
        if (number := self._given[stem]) > 1:
            stem = f"{stem}~{number}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return _write(_apart(self._folder / f"{stem}.json", trajectory), content)
        except OSError as reason:
            raise SinkError(f"cannot write to {self._folder}: {reason.strerror or reason}") from reason


def file_stem(conversation_id: str) -> str:
    """A file's name for an id, without `.json`: ASCII letters, digits, `_` and inner `-` stay, the rest is encoded.

    No two ids share a name and none leaves the folder; names too long for a file system end in a digest of the id.
    """
    name = quote(conversation_id, safe="", errors="surrogatepass").replace(".", "%2E").replace("~", "%7E")
    if name.startswith("-"):
        name = f"%2D{name[1:]}"  # no command takes it for an option
    if len(name) > LONGEST_NAME:
        name = _digested(name, conversation_id)
    return name or EMPTY


def _apart(path: Path, trajectory: Trajectory) -> Path:
    """Another name where the folder takes names that differ in case alone for one, and holds the other already."""
    if path.exists() and path.name not in {one.name for one in path.parent.iterdir()}:
        return path.with_name(f"{_digested(path.stem, trajectory.task.conversation_id or '')}.json")
    return path


def _digested(name: str, conversation_id: str) -> str:
    digest = hashlib.sha256(conversation_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name[:LONGEST_NAME]}~{digest}"


def _write(path: Path, content: bytes) -> Path:
    handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(FILE_MODE)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
