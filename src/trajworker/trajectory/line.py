"""Reads trajectories back from files and folders, one at a time: `load` undoes what the worker and `save` wrote."""

import stat
from collections.abc import Iterator
from contextlib import closing
from os import PathLike
from pathlib import Path

from trajworker.decoding import REFUSED
from trajworker.errors import NotATrajectory, NothingThere
from trajworker.packed import DAMAGE, open_packed
from trajworker.trajectory.codec import decode_line, encode_trajectory
from trajworker.trajectory.layout import decode_cumulative
from trajworker.trajectory.published import files_of, translated_errors
from trajworker.trajectory.trajectory import Trajectory

__all__ = ["decode_line", "encode_trajectory", "load"]


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


def _lines(file: Path) -> Iterator[Trajectory]:
    number = 0
    with translated_errors(file):
        opened = open_packed(file)
    with closing(opened) as lines:
        while True:
            try:
                line = lines.readline()
            except DAMAGE as fault:
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
            except REFUSED as fault:
                torn = "" if line.endswith(b"\n") else " (the file ends in the middle of it)"
                raise NotATrajectory(f"{file}, line {number} is no trajectory{torn}: {fault}") from fault
            yield trajectory


def _document(file: Path) -> Trajectory:
    with translated_errors(file):
        content = file.read_bytes()
    try:
        return decode_cumulative(content)
    except REFUSED as fault:
        raise NotATrajectory(f"{file} holds no trajectory: {fault}") from fault
