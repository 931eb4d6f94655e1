"""One pretty JSON file per conversation, in the layout of seed 002: `{output_dir}/{conversation_id}.json`."""

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

from trajworker.errors import SinkError
from trajworker.trajectory import Trajectory
from trajworker.trajectory.layout import encode_cumulative

LONGEST_NAME = 180
"""Bytes of a file name kept readable; file systems allow 255 with suffixes."""
FILE_MODE = 0o600
UNNAMED = "%00unnamed"
"""Where a trajectory has no conversation id: no id encodes to this."""


def file_name(conversation_id: str | None) -> str:
    """A file name for an id: ASCII letters, digits, `_` and inner `-` stay, everything else is percent-encoded.

    No two ids share a name and none leaves the folder; names too long for a file system end in a digest of the id.
    """
    if conversation_id is None:
        return f"{UNNAMED}.json"
    name = quote(conversation_id, safe="", errors="surrogatepass").replace(".", "%2E").replace("~", "%7E")
    if name.startswith("-"):
        name = f"%2D{name[1:]}"  # no command takes it for an option
    if len(name) > LONGEST_NAME:
        name = _digested(name, conversation_id)
    return f"{name or '%00empty'}.json"


def save_file(trajectory: Trajectory, output_dir: Path) -> Path:
    """Write a trajectory to its own file, atomically; an existing file of the same conversation is replaced.

    Raises:
        SinkError: the folder cannot be made or written.
    """
    content = encode_cumulative(trajectory)
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
        return _write(_apart(output_dir / file_name(trajectory.task.conversation_id), trajectory), content)
    except OSError as reason:
        raise SinkError(f"cannot write to {output_dir}: {reason.strerror or reason}") from reason


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
