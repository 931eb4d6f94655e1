"""Reads trajectories back from files and folders, one at a time: `load` undoes what the worker and `save` wrote."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import closing
from os import PathLike
from pathlib import Path
from typing import IO, Any, cast

import msgspec
import zstandard

from trajworker.errors import NotATrajectory, NothingThere
from trajworker.trajectory.codec import decode_line, encode_trajectory
from trajworker.trajectory.layout import decode_cumulative
from trajworker.trajectory.trajectory import Trajectory

__all__ = ["decode_line", "encode_trajectory", "load"]

MANIFEST = ".manifest.json"
_LINES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
_SEQUENCE = re.compile(r"-(\d+)\.jsonl")
CHUNK_BYTES = 65_536
_FAULTS = (msgspec.DecodeError, UnicodeError, RecursionError)


class _Manifest(msgspec.Struct):
    """What is read of a manifest."""

    void: bool = False


def load(path: str | PathLike[str], *, skip_taken: bool = False) -> Iterator[Trajectory]:
    """Trajectories of a file or a folder, read as they are asked for.

    A file is JSON Lines (plain, `.gz` or `.zst`) or one document of `save`. Of a folder the published files are read in
    order of their sequence numbers: those with a manifest beside them; and the documents of `save` (`{id}.json`) by
    name. A conversation that was revised comes once per revision.

    `skip_taken` is for folders whose consumers take files away and leave the manifests (`sink.consumed`): what is gone
    is passed over.

    Raises:
        NotATrajectory: a line is torn or of another format, or a published file is missing; names file and line.
        NothingThere: there is no such file or folder; it is a NotATrajectory and a FileNotFoundError.
    """
    place = Path(path)
    if not place.exists():
        raise NothingThere(f"there is nothing at {place}")
    if place.is_dir():
        for file in _published(place, skip_taken=skip_taken):
            yield from _lines(file)
        for file in sorted(place.glob("*.json")):
            if not file.name.startswith(".") and not file.name.endswith((MANIFEST, ".void.json")):
                yield _document(file)
    elif place.name.endswith(".json"):
        yield _document(place)
    else:
        yield from _lines(place)


def _published(folder: Path, *, skip_taken: bool) -> list[Path]:
    """Files with a manifest, in sequence."""
    found: list[tuple[int, str, Path]] = []
    for manifest in folder.glob(f"*{MANIFEST}"):
        name = manifest.name.removesuffix(MANIFEST)
        if not name.endswith(_LINES) or _is_void(manifest):
            continue
        number = _SEQUENCE.search(name)
        if not (folder / name).exists():
            if skip_taken or (folder / f"{name}.void.json").exists():
                continue
            raise NotATrajectory(
                f"{folder / name} is missing, but its manifest says that it was published; "
                "where consumers take files away, say so: sink.consumed, or skip_taken of load"
            )
        found.append((int(number[1]) if number else 0, name, folder / name))
    return [file for _, _, file in sorted(found)]


def _is_void(manifest: Path) -> bool:
    try:
        return msgspec.json.decode(manifest.read_bytes(), type=_Manifest).void
    except _FAULTS as fault:
        raise NotATrajectory(f"{manifest} is no manifest: {fault}") from fault


class _Unpacked(io.RawIOBase):
    """A .zst file as its content; raises EOFError where it ends inside a frame, which zstandard's reader does not."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file.open("rb")
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._ready = b""
        self._begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writeable buffer; 3.11 has no name for it
        view = memoryview(buffer).cast("B")
        while not self._ready:
            if self._frame.eof:
                rest = self._frame.unused_data
                self._frame, self._begun = zstandard.ZstdDecompressor().decompressobj(), False
            else:
                rest = b""
            packed = rest or self._file.read(CHUNK_BYTES)
            if not packed:
                if self._begun:
                    raise EOFError("it ends inside a frame")
                return 0
            self._begun = True
            self._ready = self._frame.decompress(packed)
        size = min(len(view), len(self._ready))
        view[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


def _open(file: Path) -> IO[bytes]:
    if file.name.endswith(".gz"):
        return cast("IO[bytes]", gzip.open(file, "rb"))
    if file.name.endswith(".zst"):
        return io.BufferedReader(_Unpacked(file))
    return file.open("rb")


def _lines(file: Path) -> Iterator[Trajectory]:
    number = 0
    with closing(_open(file)) as lines:
        while True:
            try:
                line = lines.readline()
            except (OSError, EOFError, zlib.error, zstandard.ZstdError) as fault:
                raise NotATrajectory(
                    f"{file}, behind line {number}: the compressed file is damaged: {fault}"
                ) from fault
            if not line:
                return
            number += 1
            if line.isspace():
                continue
            try:
                trajectory = decode_line(line)
            except _FAULTS as fault:
                torn = "" if line.endswith(b"\n") else " (the file ends in the middle of it)"
                raise NotATrajectory(f"{file}, line {number} is no trajectory{torn}: {fault}") from fault
            yield trajectory


def _document(file: Path) -> Trajectory:
    try:
        return decode_cumulative(file.read_bytes())
    except _FAULTS as fault:
        raise NotATrajectory(f"{file} holds no trajectory: {fault}") from fault
