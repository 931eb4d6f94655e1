"""Reads trajectories back from files and folders, one at a time: `load` undoes what the worker and `save` wrote."""

import gzip
import io
import stat
import zlib
from collections.abc import Iterator
from contextlib import closing
from os import PathLike
from pathlib import Path
from typing import IO, Any, cast

import zstandard

from trajworker.errors import NotATrajectory, NothingThere
from trajworker.trajectory.codec import decode_line, encode_trajectory
from trajworker.trajectory.layout import decode_cumulative
from trajworker.trajectory.published import FAULTS, files_of, translated_errors
from trajworker.trajectory.trajectory import Trajectory

__all__ = ["decode_line", "encode_trajectory", "load"]

CHUNK_BYTES = 65_536


def load(path: str | PathLike[str], *, skip_taken: bool = False) -> Iterator[Trajectory]:
    """Trajectories of a file or a folder, read as they are asked for.

    A file is JSON Lines (plain, `.gz` or `.zst`) or one document of `save`. Of a folder the published files are read in
    order of their sequence numbers: those with a manifest beside them; then by name other files of lines, and the
    documents of `save` (`{id}.json`). What a worker has not published yet is left out. A conversation that was revised
    comes once per revision.

    `skip_taken` is for folders whose consumers take files away and leave the manifests (`sink.consumed`): what is gone
    is passed over.

    Raises:
        NotATrajectory: a line is torn or of another format, or a published file is missing; names file and line.
        NotPublished: all that is in the folder is files of a worker without a manifest; it is a NotATrajectory.
        NothingThere: there is no such file or folder; it is a NotATrajectory and a FileNotFoundError.
        NotReadable: the rights do not suffice; it is a PathNotAllowed and a PermissionError.
        SinkError: the disk or the system refused otherwise.
    """
    if not isinstance(path, str | PathLike):
        raise NothingThere(f"load takes the path of a file or folder, not {type(path).__name__}")
    place = Path(path)
    if _is_folder(place):
        for file in files_of(place, skip_taken=skip_taken):
            yield from _file(file)
    else:
        yield from _file(place)


def _is_folder(place: Path) -> bool:
    with translated_errors(place):
        try:
            return stat.S_ISDIR(place.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            pass  # told below: a NothingThere is an OSError, too
    raise NothingThere(f"there is nothing at {place}")


def _file(file: Path) -> Iterator[Trajectory]:
    if file.name.endswith(".json"):
        yield _document(file)
    else:
        yield from _lines(file)


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
    with translated_errors(file):
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
            except FAULTS as fault:
                torn = "" if line.endswith(b"\n") else " (the file ends in the middle of it)"
                raise NotATrajectory(f"{file}, line {number} is no trajectory{torn}: {fault}") from fault
            yield trajectory


def _document(file: Path) -> Trajectory:
    with translated_errors(file):
        content = file.read_bytes()
    try:
        return decode_cumulative(content)
    except FAULTS as fault:
        raise NotATrajectory(f"{file} holds no trajectory: {fault}") from fault
