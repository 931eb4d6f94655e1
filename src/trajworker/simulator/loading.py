"""Reads recorded runs from folders into a store."""

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from trajworker.errors import ConfigError
from trajworker.simulator.instants import BadInstant
from trajworker.simulator.store import Store
from trajworker.simulator.stored_run import StoredRun, from_line

RUNS_FILE = "runs.jsonl"
PROJECTS_FILE = "projects.json"
ATTACHMENTS_FILE = "attachments.json"


class LoadError(ConfigError):
    """A folder or file that cannot be loaded; the message says which, where and why."""


class _Attachment(msgspec.Struct):
    mime_type: str
    b64: str


def folders(path: Path) -> list[Path]:
    """The folders with runs at or right below a path.

    Raises:
        LoadError: there is none, or it cannot be read.
    """
    with _reading(path):
        if (path / RUNS_FILE).is_file():
            return [path]
        found = sorted(file.parent for file in path.glob(f"*/{RUNS_FILE}"))
    if not found:
        raise LoadError(f"{path}: no {RUNS_FILE} here nor one folder below; name a folder that has one")
    return found


def load_folder(store: Store, folder: Path, now_us: int) -> list[StoredRun]:
    """Read one folder; the runs come back unplaced, their projects are made.

    Raises:
        LoadError: something in it is not as it should be.
    """
    for name, project_id in _read(folder / PROJECTS_FILE, dict[str, str], {}).items():
        store.project_named(name, now_us, project_id)
    attachments = _read(folder / ATTACHMENTS_FILE, dict[str, dict[str, _Attachment]], {})
    for run_id, named in attachments.items():
        for name, attachment in named.items():
            store.attachments[run_id, name] = (attachment.mime_type, _bytes(attachment.b64, folder))
    return [_with_project(store, run, folder.name, now_us) for run in _runs(folder / RUNS_FILE)]


def _with_project(store: Store, run: StoredRun, folder_name: str, now_us: int) -> StoredRun:
    """A project that `projects.json` does not name takes the folder's name."""
    if run.session_id not in store.projects:
        free = folder_name if store.find_project(folder_name) is None else run.session_id
        run.session_id = store.project_named(free, now_us, run.session_id or None).id
    return run


def _runs(path: Path) -> list[StoredRun]:
    runs = []
    with _reading(path):
        content = path.read_bytes()
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            runs.append(from_line(line))
        except (msgspec.MsgspecError, BadInstant, ValueError) as error:
            raise LoadError(f"{path}:{number}: not a run in v1 shape: {error}") from error
    return runs


def _read(path: Path, kind: Any, absent: Any) -> Any:  # noqa: ANN401 - the type is the argument
    with _reading(path):
        if not path.is_file():
            return absent
        content = path.read_bytes()
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise LoadError(f"{path}: {error}") from error


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as reason:
        refusal = f"{path}: cannot be read: {reason.strerror or reason}; name a folder that can be read"
        raise LoadError(refusal) from None


def _bytes(text: str, folder: Path) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise LoadError(f"{folder / ATTACHMENTS_FILE}: not base64: {error}") from error
