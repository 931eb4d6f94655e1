"""Rows of a large export, split into files that are sorted one by one: memory holds one of them, not the export."""

from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any, Self

BUCKET_BYTES = 32 * 1024 * 1024
"""Payloads that may be sorted in memory."""
MOST_BUCKETS = 256
"""Files that are open at once; an export of more than 8 GiB makes larger ones."""


def buckets_for(size_bytes: int) -> int:
    """Into how many files an export of that size (uncompressed) is split; 1 is sorted as it is."""
    return min(max(1, -(-size_bytes // BUCKET_BYTES)), MOST_BUCKETS)


class Buckets:
    """Files of a folder, by number; rows go where their column `bucket` says. Use as a context manager."""

    def __init__(self, folder: Path, schema: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        self._folder = folder
        self._schema = schema
        self._pa = import_module("pyarrow")
        self._compute = import_module("pyarrow.compute")
        self._writers: dict[int, Any] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def add(self, batch: Any) -> None:  # noqa: ANN401 - pyarrow has no types
        """Split a batch: each row goes to the file of its bucket."""
        numbers = batch["bucket"]
        for number in self._compute.unique(numbers).to_pylist():
            self._writer(number).write_batch(batch.filter(self._compute.equal(numbers, number)))

    def tables(self) -> Iterator[Any]:
        """The content of each file, in order of their numbers; each is deleted once it is read."""
        numbers = sorted(self._writers)
        self._stack.close()
        for number in numbers:
            path = self._path(number)
            with self._pa.ipc.open_stream(str(path)) as stream:
                table = stream.read_all()
            path.unlink()
            yield table

    def _writer(self, number: int) -> Any:  # noqa: ANN401 - pyarrow has no types
        if number not in self._writers:
            writer = self._pa.ipc.new_stream(str(self._path(number)), self._schema)
            self._writers[number] = self._stack.enter_context(writer)
        return self._writers[number]

    def _path(self, number: int) -> Path:
        return self._folder / f"bucket-{number}.arrows"
