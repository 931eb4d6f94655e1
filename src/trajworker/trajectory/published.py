"""Which files of a folder hold trajectories, and in which order; what keeps them from being read is told."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from trajworker.decoding import REFUSED
from trajworker.errors import NotATrajectory, NotPublished, NotReadable, SinkError
from trajworker.ports.naming import LINES, MANIFEST_SUFFIX, NOTES, PUBLISHED, VOID_SUFFIX

_OF_A_WORKER = re.compile(PUBLISHED)
"""How a worker calls its files: one without a manifest may still be altered or taken back."""


class _Manifest(msgspec.Struct):
    """What is read of a manifest."""

    void: bool = False


def files_of(folder: Path, *, skip_taken: bool) -> list[Path]:
    """Published files in sequence, then other files of lines and documents of `save`, by name.

    Raises:
        NotATrajectory: a published file is missing, or a manifest is none.
        NotPublished: there is nothing but files of a worker that have no manifest.
        NotReadable, SinkError: the folder cannot be listed.
    """
    with translated_errors(folder):
        names = sorted(os.listdir(folder))  # noqa: PTH208 - a Path's glob takes what it may not list for empty
    names = [name for name in names if not name.startswith(".")]
    published = _published(folder, names, skip_taken=skip_taken)
    told_of = {name.removesuffix(MANIFEST_SUFFIX) for name in names if name.endswith(MANIFEST_SUFFIX)}
    lines = [name for name in names if name.endswith(LINES) and name not in told_of]
    unpublished = [name for name in lines if _OF_A_WORKER.fullmatch(name)]
    documents = [name for name in names if name.endswith(".json") and not name.endswith(NOTES)]
    if unpublished and len(unpublished) == len(lines) and not published and not documents:
        raise NotPublished(
            f"nothing in {folder} is published: {unpublished[0]} (1 of {len(lines)}) has no manifest beside it; "
            "start its worker again, which publishes it, or load the file itself"
        )
    others = [name for name in lines if name not in unpublished]
    return [*published, *(folder / name for name in [*others, *documents])]


@contextmanager
def translated_errors(place: Path) -> Iterator[None]:
    """Raise what the system refuses as errors of ours; for opening and listing, not for what content does."""
    try:
        yield
    except PermissionError as refusal:
        reason = f"{refusal.strerror} (uid {os.geteuid()})"
        raise NotReadable(f"{place} cannot be read: {reason}; change its rights, or read it as its owner") from refusal
    except OSError as refusal:
        raise SinkError(f"{place} cannot be read: {refusal.strerror or refusal}") from refusal


def _published(folder: Path, names: list[str], *, skip_taken: bool) -> list[Path]:
    """Files with a manifest, in sequence; a note on one says that it was lost, whatever lies there now."""
    found: list[tuple[int, str, Path]] = []
    lost = {note.removesuffix(VOID_SUFFIX) for note in names if note.endswith(VOID_SUFFIX)}
    for name in (manifest.removesuffix(MANIFEST_SUFFIX) for manifest in names if manifest.endswith(MANIFEST_SUFFIX)):
        if not name.endswith(LINES) or name in lost or _is_void(folder / f"{name}{MANIFEST_SUFFIX}"):
            continue
        number = _OF_A_WORKER.fullmatch(name)
        if not (folder / name).exists():
            if skip_taken:
                continue
            raise NotATrajectory(
                f"{folder / name} is missing, but its manifest says that it was published; "
                "where consumers take files away, say so: sink.consumed, or skip_taken of load"
            )
        found.append((int(number[1]) if number else 0, name, folder / name))
    return [file for _, _, file in sorted(found)]


def _is_void(manifest: Path) -> bool:
    with translated_errors(manifest):
        content = manifest.read_bytes()
    try:
        return msgspec.json.decode(content, type=_Manifest).void
    except REFUSED as fault:
        raise NotATrajectory(
            f"{manifest} is no manifest: {fault}; start its worker again, or `trajworker repair`: both write it anew"
        ) from fault
