"""Whether published files are all there and unaltered, told from the folder alone, without staging."""

import hashlib
import os
import re
import zlib
from pathlib import Path

import msgspec
import zstandard
from msgspec import Struct

from trajworker.errors import ConfigError, PathNotAllowed
from trajworker.ports import Consumed
from trajworker.sinks.compression import unpacker
from trajworker.sinks.folder import Folder, portions
from trajworker.sinks.manifest import Manifest, hash_of, read_manifest
from trajworker.sinks.naming import FINAL, MANIFEST, VOID_NOTE, compression_of, manifest_name, void_name
from trajworker.sinks.recovery import was_taken


class Verification(Struct, frozen=True, kw_only=True):
    """What was found: files and lines that are whole, files taken by consumers, void numbers, problems in words."""

    files: int
    lines: int
    taken: int
    void: tuple[int, ...]
    problems: tuple[str, ...]


def verify(out: Path, consumed: Consumed = Consumed.FATAL) -> Verification:
    """Check the whole chain of manifests and every byte behind it. Blocking; reads every file once, writes nothing.

    A file that is gone is a problem, unless `consumed` says that consumers take them and leave the manifests.

    Raises `ConfigError` where no folder is, or one into which nothing was published, `PathNotAllowed` where it may not
    be read.
    """
    try:
        folder = Folder(out)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigError(f"there is no folder {out}; name the one with the published files") from error
    except PermissionError as error:
        raise PathNotAllowed(f"{out} may not be read (uid {os.geteuid()})") from error
    try:
        return _verify(folder, consumed)
    finally:
        folder.close()


class _Found(Struct):
    """What was found up to a number; `previous` is what the next manifest must name, None before the first."""

    names: set[str]
    consumed: Consumed
    files: int = 0
    lines: int = 0
    taken: int = 0
    void: list[int] = []
    problems: list[str] = []
    previous: str | None = None


def _verify(folder: Folder, consumed: Consumed) -> Verification:
    found = _Found(folder.names(), consumed)
    found.problems += _without_manifest(found.names)
    manifests, notes = _numbered(MANIFEST, found.names), _numbered(VOID_NOTE, found.names)
    if not manifests and not notes and not found.problems:
        raise ConfigError(f"{folder.path} holds no published file and no manifest; name the folder of those")
    expected = 1
    for seq in sorted(manifests.keys() | notes.keys()):
        found.problems += [f"number {missing} is missing" for missing in range(expected, seq)]
        if seq in notes:
            _check_note(folder, seq, notes[seq], found)
        else:
            _check_manifest(folder, seq, manifests[seq], found, follows=expected == seq)
        expected = seq + 1
    return Verification(
        files=found.files,
        lines=found.lines,
        taken=found.taken,
        void=tuple(found.void),
        problems=tuple(found.problems),
    )


def _without_manifest(names: set[str]) -> list[str]:
    """Files nobody may act on, but those that a note says to be lost."""
    return [
        f"{name} has no manifest"
        for name in sorted(names)
        if FINAL.match(name) and not {manifest_name(name), void_name(name)} & names
    ]


def _numbered(pattern: re.Pattern[str], names: set[str]) -> dict[int, str]:
    return {int(found[1]): name for name in names if (found := pattern.match(name))}


def _check_manifest(folder: Folder, seq: int, name: str, found: _Found, *, follows: bool) -> None:
    """Hold a manifest against the one before it, where that is there, and its file against the manifest."""
    content = folder.get(name) or b""
    before, found.previous = found.previous, hash_of(content).hex()
    try:
        manifest = read_manifest(content)
    except msgspec.DecodeError as error:
        found.problems.append(f"{name} is no manifest: {error}")
        return
    if follows and manifest.previous != before:
        found.problems.append(f"{name} does not follow the manifest before it")
    if manifest.void:
        found.void.append(seq)
    elif was_taken(folder, manifest.name, found.consumed):
        found.taken += 1
    elif wrong := _problems(folder, seq, manifest):
        found.problems += wrong
    else:
        found.files += 1
        found.lines += manifest.lines


def _check_note(folder: Folder, seq: int, name: str, found: _Found) -> None:
    """The note on a lost file names its manifest, so the chain goes on, whatever became of that."""
    try:
        found.previous = read_manifest(folder.get(name) or b"").previous
    except msgspec.DecodeError as error:
        found.problems.append(f"{name} is no note of a lost file: {error}")
        found.previous = None
    else:
        found.void.append(seq)


def _problems(folder: Folder, seq: int, manifest: Manifest) -> list[str]:
    if manifest.seq != seq:
        return [f"{manifest.name} is number {manifest.seq} in a manifest of number {seq}"]
    try:
        with folder.reading(manifest.name) as descriptor:
            size, hashed = os.fstat(descriptor).st_size, hashlib.sha256()
            unpack = unpacker(compression_of(manifest.name))
            lines = 0
            for portion in portions(descriptor, size):
                hashed.update(portion)
                lines += unpack(portion).count(b"\n")
    except FileNotFoundError:
        return [f"{manifest.name} is gone"]
    except (zlib.error, zstandard.ZstdError) as error:
        return [f"{manifest.name} cannot be unpacked: {error}"]
    if hashed.hexdigest() != manifest.sha256 or size != manifest.bytes:
        return [f"{manifest.name} was altered"]
    if lines != manifest.lines:
        return [f"{manifest.name} holds {lines} lines, its manifest says {manifest.lines}"]
    return []
