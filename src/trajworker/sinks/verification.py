"""Whether published files are all there and unaltered, told from the folder alone, without staging."""

import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import zstandard
from msgspec import Struct

from trajworker.errors import ConfigError, PathNotAllowed
from trajworker.ports import Compression, Consumed
from trajworker.sinks.compression import GZIP_WINDOW
from trajworker.sinks.folder import Folder, portions
from trajworker.sinks.manifest import Manifest, hash_of, read_manifest
from trajworker.sinks.naming import FINAL, MANIFEST, compression_of, manifest_name, void_name
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


def _verify(folder: Folder, consumed: Consumed) -> Verification:
    names = folder.names()
    problems: list[str] = [
        f"{name} has no manifest" for name in sorted(names) if FINAL.match(name) and manifest_name(name) not in names
    ]
    files = lines = taken = 0
    void: list[int] = []
    previous: bytes | None = None
    expected = 1
    manifests = {int(found[2]): name for name in names if (found := MANIFEST.match(name))}
    if not manifests and not problems:
        raise ConfigError(f"{folder.path} holds no published file and no manifest; name the folder of those")
    for seq, name in sorted(manifests.items()):
        problems += [f"number {missing} is missing" for missing in range(expected, seq)]
        content = folder.get(name) or b""
        try:
            manifest = read_manifest(content)
        except msgspec.DecodeError as error:
            problems.append(f"{name} is no manifest: {error}")
        else:
            if expected == seq and manifest.previous != (previous.hex() if previous else None):
                problems.append(f"{name} does not follow the manifest before it")
            if manifest.void or void_name(manifest.name) in names:
                void.append(seq)
            elif was_taken(folder, manifest.name, consumed):
                taken += 1
            else:
                wrong = _problems(folder, seq, manifest)
                problems += wrong
                if not wrong:
                    files += 1
                    lines += manifest.lines
        previous, expected = hash_of(content), seq + 1
    return Verification(files=files, lines=lines, taken=taken, void=tuple(void), problems=tuple(problems))


def _problems(folder: Folder, seq: int, manifest: Manifest) -> list[str]:
    if manifest.seq != seq:
        return [f"{manifest.name} is number {manifest.seq} in a manifest of number {seq}"]
    try:
        with folder.reading(manifest.name) as descriptor:
            size, hashed = os.fstat(descriptor).st_size, hashlib.sha256()
            unpack = _unpacker(compression_of(manifest.name))
            lines = 0
            for portion in portions(descriptor, size):
                hashed.update(portion)
                lines += sum(piece.count(b"\n") for piece in unpack(portion))
    except FileNotFoundError:
        return [f"{manifest.name} is gone"]
    except (zlib.error, zstandard.ZstdError) as error:
        return [f"{manifest.name} cannot be unpacked: {error}"]
    if hashed.hexdigest() != manifest.sha256 or size != manifest.bytes:
        return [f"{manifest.name} was altered"]
    if lines != manifest.lines:
        return [f"{manifest.name} holds {lines} lines, its manifest says {manifest.lines}"]
    return []


def _unpacker(compression: Compression) -> Callable[[bytes], Iterator[bytes]]:
    if compression is Compression.NONE:
        return lambda portion: iter((portion,))
    unpack = (
        zlib.decompressobj(GZIP_WINDOW).decompress
        if compression is Compression.GZ
        else zstandard.ZstdDecompressor().decompressobj().decompress
    )
    return lambda portion: iter((unpack(portion),))
