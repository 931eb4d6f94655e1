"""One pretty JSON file per trajectory, in the layout of seed 002: `{output_dir}/{conversation_id}.json`."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import quote

import msgspec
from msgspec import Struct

from trajworker.decoding import REFUSED
from trajworker.errors import ConfigError, SinkError
from trajworker.folders import make_folder, not_allowed, replace_whole
from trajworker.trajectory import Trajectory
from trajworker.trajectory.layout import encode_cumulative

LONGEST_NAME = 180
"""Bytes of a file name kept readable; file systems allow 255 with suffixes."""
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
    """Writes one file per trajectory into a folder; what one call saves has a file each, whatever the ids.

    A folder that is made is 0700, files are 0600; a folder of the caller's that is there keeps its rights.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._given: Counter[str] = Counter()
        self._listed: set[str] = set()
        """Names in the folder, as far as it was asked for them."""

    def add(self, trajectory: Trajectory, line: bytes) -> Path:
        """Write a trajectory, whose line is given, to a file of its own, atomically.

        What an earlier call saved of the same conversation gives way, all its files; ids that come again in this call,
        such as those of a conversation's revisions, get `~2`, `~3`, ... behind them.

        Raises:
            PathNotAllowed: rights or a mount keep the folder from being made or written.
            SinkError: something else does.
        """
        content = encode_cumulative(trajectory)
        try:
            make_folder(self._folder)
            path = self._place(trajectory, line)
            self._given[path.name] += 1
            if (number := self._given[path.name]) > 1:
                path = _numbered(path, number)
                replace_whole(path, content)
                return path
            replace_whole(path, content)
            self._listed.add(path.name)
            if trajectory.task.conversation_id is not None:
                self._remove_numbered(path)
        except OSError as reason:
            refusal = not_allowed(self._folder, reason)
            raise refusal or SinkError(f"cannot write to {self._folder}: {reason.strerror or reason}") from reason
        return path

    def _place(self, trajectory: Trajectory, line: bytes) -> Path:
        """Where a conversation is saved: a name that no other conversation has, and no other project's."""
        name = trajectory.task.conversation_id
        if name is None:
            return self._folder / f"{UNNAMED}{_digest(line)[:UNNAMED_CHARS]}.json"
        path = self._apart(self._folder / f"{file_stem(name)}.json", name)
        project = trajectory.origin.project_id
        if project is not None and _project_of(path) not in (None, project):
            both = _digested(path.stem, f"{name}\0{project}")
            return path.with_name(f"{both}.json")
        return path

    def _apart(self, path: Path, conversation_id: str) -> Path:
        """Another name where the folder takes names that differ in case alone for one, and holds the other already."""
        if path.exists() and not self._stands(path):
            return path.with_name(f"{_digested(path.stem, conversation_id)}.json")
        return path

    def _remove_numbered(self, path: Path) -> None:
        """Remove what an earlier call saved behind the first file of a conversation."""
        for number in count(2):
            file = _numbered(path, number)
            if not self._stands(file):
                return
            file.unlink()
            self._listed.discard(file.name)

    def _stands(self, path: Path) -> bool:
        """Whether a file of just this name is there, not one that differs in case."""
        if not path.exists():
            return False
        if path.name not in self._listed:
            self._listed.update(one.name for one in self._folder.iterdir())
        return path.name in self._listed


class _Origin(Struct, frozen=True):
    project_id: str | None = None


class _Saved(Struct, frozen=True):
    """What a saved document tells of whose it is."""

    origin: _Origin = _Origin()


_saved = msgspec.json.Decoder(_Saved).decode


def _project_of(path: Path) -> str | None:
    """The project whose conversation a file holds; None where none can be read, or it does not say."""
    try:
        return _saved(path.read_bytes()).origin.project_id
    except (OSError, *REFUSED):
        return None


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}~{number}.json")


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


def _digested(name: str, conversation_id: str) -> str:
    return f"{name[:LONGEST_NAME]}~{_digest(conversation_id.encode('utf-8', 'surrogatepass'))}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
