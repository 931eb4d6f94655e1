"""Opens a file, plain or compressed (`.gz`, `.zst`), and notices where a compressed one was cut off or damaged."""

import gzip
import io
import zlib
from pathlib import Path
from typing import IO, Any, cast

import zstandard

PIECE_BYTES = 8192
"""Unpacked at a time: zstd makes up to 32,800 bytes of one, so that no piece fills the memory."""
GZIP_WINDOW = 31
"""zlib's way to ask for a gzip header (zlib.net/manual.html, deflateInit2)."""
DAMAGE = (OSError, EOFError, zlib.error, zstandard.ZstdError)
"""What reading raises where a compressed file is cut off or damaged, or the disk is."""


def open_packed(file: Path) -> IO[bytes]:
    """The content of a file; reading raises one of `DAMAGE`, EOFError where a compressed file was cut off.

    Raises:
        OSError: it cannot be opened.
    """
    if file.name.endswith(".gz"):
        return cast("IO[bytes]", gzip.open(file, "rb"))
    if file.name.endswith(".zst"):
        return io.BufferedReader(_Unpacked(file))
    return file.open("rb")


class _Unpacked(io.RawIOBase):
    """A .zst file as its content; raises EOFError where it ends inside a frame, which zstandard's reader does not."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file.open("rb")
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._ready = memoryview(b"")
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
            piece = rest or self._file.read(PIECE_BYTES)
            if not piece:
                if self._begun:
                    raise EOFError("it ends inside a frame: copy it again from where it came")
                return 0
            self._begun = True
            self._ready = memoryview(self._frame.decompress(piece))
        size = min(len(view), len(self._ready))
        view[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()
