"""Decompresses an answer piece by piece, with a cap, and knows whether the stream came to its end.

httpx's own decoder shows neither a cut gzip stream nor a bomb (reliability.md rows 20, 21, 24).
"""

import zlib

from trajworker.packed import GZIP_WINDOW
from trajworker.sources.asking.failure import Failure, Kind

PIECE = 1 << 20
"""Bytes inflated at a time, so that a bomb is noticed before it fills the memory."""


class Inflating:
    """Collects the body of one answer; `cap` bounds its size after decompression."""

    def __init__(self, encoding: str, cap: int) -> None:
        self._cap = cap
        self._parts: list[bytes] = []  # one buffer that grows would be copied with every piece that comes
        self._size = 0
        self._zlib = None
        if encoding in ("gzip", "x-gzip"):
            self._zlib = zlib.decompressobj(GZIP_WINDOW)
        elif encoding not in ("", "identity"):
            raise Failure(Kind.CORRUPT, detail=f"the answer is encoded as {encoding[:20]!r}, which was not asked for")

    def feed(self, chunk: bytes) -> None:
        """Take in what arrived.

        Raises:
            Failure: the stream is damaged, or the answer exceeds the cap.
        """
        if self._zlib is None:
            self._keep(chunk)
            return
        while chunk:
            if self._zlib.eof:
                self._zlib = zlib.decompressobj(GZIP_WINDOW)
            try:
                self._keep(self._zlib.decompress(chunk, PIECE))
            except zlib.error:
                raise Failure(Kind.CORRUPT, detail="the compressed answer is damaged") from None
            chunk = self._zlib.unused_data if self._zlib.eof else self._zlib.unconsumed_tail

    def whole(self) -> bytes:
        """The body.

        Raises:
            Failure: the compressed stream was cut.
        """
        if self._zlib is not None and not self._zlib.eof and self._size:
            raise Failure(Kind.TORN, detail="the compressed answer was cut")
        return b"".join(self._parts)

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._cap:
            self._parts.clear()  # the error's traceback must not keep what was too large
            raise Failure(Kind.OVERSIZE, detail=f"the answer exceeds {self._cap} bytes (source.page_cap: raise it)")
        self._parts.append(part)
