"""Runs in JSON files: what `/runs/query` answered (either generation), arrays or lines of runs, lists of messages.

Files are plain or compressed (`.gz`, `.zst`) and are read value by value, so that memory does not grow with them.
A list of messages is what langsmith-fetch writes: one file per thread, named after it.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from trajworker.decoding import REFUSED
from trajworker.errors import ConfigError
from trajworker.model.run import Run
from trajworker.packed import DAMAGE, open_packed
from trajworker.ports import Compression, Unreadable
from trajworker.ports.naming import NOTES
from trajworker.sources.files.json_values import BrokenFile, values
from trajworker.sources.wires.reading import read_run
from trajworker.sources.wires.row import Reader
from trajworker.sources.wires.thread_key import ThreadKey
from trajworker.sources.wires.wire_v1 import WireV1
from trajworker.sources.wires.wire_v2 import WireV2

SUFFIXES = tuple(f"{kind}{packed.suffix}" for kind in (".json", ".jsonl", ".ndjson") for packed in Compression)

PARQUET = ".parquet"
"""How exports end that `parquet` reads."""


class Messages(Struct, frozen=True):
    """A thread of which only the messages are known."""

    conversation_id: str
    messages: list[Any]


class _Looked(Struct):
    """What tells the two generations apart, and a run from a message."""

    id: Any = None
    role: Any = None
    type: Any = None
    session_id: Any = None
    project_id: Any = None
    run_type: Any = None
    start_time: Any = None


_look = msgspec.json.Decoder(_Looked).decode


class RunFiles:
    """One JSON file of runs, or a folder of them."""

    def __init__(self, path: Path, thread_keys: Sequence[str]) -> None:
        """Raises ConfigError where there is no such file."""
        self._files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if _may_hold_runs(one))
        if not self._files:
            raise ConfigError(f"there is no file of runs at {path}: {', '.join((PARQUET, *SUFFIXES))} are read")
        self._reader = Reader("", ThreadKey(thread_keys))
        self._v1, self._v2 = WireV1(), WireV2()

    def read(self) -> Iterator[Run | Unreadable | Messages]:
        """Everything that stands in the files.

        Raises:
            ConfigError: a file is no JSON, or holds something other than runs or messages; names file and place.
        """
        for file in self._files:
            messages: list[Any] = []
            try:
                with closing(open_packed(file)) as stream:
                    for number, raw in enumerate(values(stream), start=1):
                        found = self._understood(raw, file, number)
                        if isinstance(found, list):
                            messages += found
                        else:
                            yield found
            except (BrokenFile, *DAMAGE) as reason:
                raise ConfigError(f"{file} cannot be read: {reason}") from None
            if messages:
                yield Messages(_stem(file), messages)

    def _understood(self, raw: bytes, file: Path, number: int) -> Run | Unreadable | list[Any]:
        try:
            looked = _look(raw)
        except REFUSED:
            if not raw.startswith(b"{"):
                raise ConfigError(f"{file}, value {number} is neither a run nor a message") from None
            looked = _Looked(id="?", run_type="?", session_id="?")
        if looked.run_type is None and looked.start_time is None and (looked.role or looked.type):
            return [_message(raw, file, number)]
        if looked.id is None:
            raise ConfigError(f"{file}, value {number} is neither a run nor a message: it has no id")
        old = looked.session_id is not None or looked.project_id is None
        found = read_run(raw, self._v1 if old else self._v2, self._reader)
        return found if isinstance(found, Run) else _placed(found, file, number)


def _message(raw: bytes, file: Path, number: int) -> Any:  # noqa: ANN401 - a message is any JSON
    try:
        return msgspec.json.decode(raw)
    except REFUSED:
        advice = "write it as JSON in UTF-8, numbers up to 1e308"
        raise ConfigError(f"{file}, value {number} is a message that cannot be decoded: {advice}") from None


def _placed(found: Unreadable, file: Path, number: int) -> Unreadable:
    """With the place where it stands: what cannot be read often tells no id either."""
    return replace(found, kind=found.kind or found.reason, reason=f"{file}, value {number}: {found.reason}")


def _may_hold_runs(path: Path) -> bool:
    """Whether a file of a folder is read: runs by its ending, and none of a worker's own notes."""
    return path.name.endswith(SUFFIXES) and not path.name.endswith(NOTES) and path.is_file()


def _stem(file: Path) -> str:
    return file.name.removesuffix(".gz").removesuffix(".zst").rpartition(".")[0]
