"""A sealed part as it will be published: read again from the disk, hashed, and compressed where that is configured.

Blocking calls; the sink makes them in a worker thread.
"""

import hashlib
import os
import zlib
from collections.abc import Callable
from typing import Protocol

import zstandard
from msgspec import Struct

from trajworker.errors import OutputDamaged
from trajworker.packed import GZIP_WINDOW
from trajworker.ports import Compression, Part
from trajworker.sinks.folder import ADVICE, Folder, portions, sync_file, write_all
from trajworker.sinks.naming import part_name

GZIP_LEVEL = 6
ZSTD_LEVEL = 3


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class _AsIs:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


class Packed(Struct, frozen=True):
    """The bytes to be published: length and sha256."""

    size_bytes: int
    sha256: bytes


def pack(folder: Folder, part: Part, compression: Compression) -> Packed:
    """Read the part again and write it compressed beside itself, durably; without compression only hash it.

    Raises `OutputDamaged` where the file is gone or does not hold as many bytes and lines as its row says.
    """
    if compression is Compression.NONE:
        return _pump(folder, part, None)
    name = part_name(part.seq, compression)
    folder.unlink(name)
    target = folder.create(name)
    try:
        packed = _pump(folder, part, (target, _packer(compression)))
        sync_file(target, folder.path / name)
    finally:
        os.close(target)
    folder.sync()
    return packed


def hash_file(folder: Folder, name: str) -> Packed:
    """Length and sha256 of a file."""
    with folder.reading(name) as descriptor:
        hashed, size = hashlib.sha256(), 0
        for portion in portions(descriptor, os.fstat(descriptor).st_size):
            hashed.update(portion)
            size += len(portion)
    return Packed(size, hashed.digest())


def unpacker(compression: Compression) -> Callable[[bytes], bytes]:
    """From the next bytes of such a file to those that were packed."""
    match compression:
        case Compression.NONE:
            return bytes
        case Compression.GZ:
            return zlib.decompressobj(GZIP_WINDOW).decompress
        case Compression.ZST:
            return zstandard.ZstdDecompressor().decompressobj().decompress


def _packer(compression: Compression) -> _Packer:
    if compression is Compression.GZ:
        return zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True).compressobj()


def _pump(folder: Folder, part: Part, target: tuple[int, _Packer] | None) -> Packed:
    descriptor, packer = target or (None, _AsIs())
    hashed, size, read, counted = hashlib.sha256(), 0, 0, 0

    def put(content: bytes) -> None:
        nonlocal size
        if descriptor is not None:
            write_all(descriptor, content, size)
        hashed.update(content)
        size += len(content)

    name = part_name(part.seq)
    if folder.size(name) is None:
        raise OutputDamaged(f"{folder.path / name} is gone with {part.length} committed bytes; {ADVICE}")
    with folder.reading(name) as source:
        for portion in portions(source, part.length):
            read += len(portion)
            counted += portion.count(b"\n")
            put(packer.compress(portion))
        put(packer.flush())
    if (read, counted) != (part.length, part.lines):
        raise OutputDamaged(
            f"{folder.path / name} holds {read} bytes and {counted} lines, "
            f"committed were {part.length} and {part.lines}; {ADVICE}"
        )
    return Packed(size, hashed.digest())
