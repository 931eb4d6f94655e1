"""Recognises a prompt that begins, byte for byte, with the one before it, so that only what is new need be decoded.

Inside a trace the bytes themselves are compared, and from one trace to the next where they are folded in a row; else
their hash is. Each byte of a growing prompt is hashed once then.
"""

import hashlib

from trajworker.dialects.draft import DIGEST_SIZE


class Prefix:
    """The JSON array of the last prompt without its closing bracket: held as bytes, or as length and hash."""

    def __init__(self, length: int, digest: bytes) -> None:
        """What the trace before left; length 0 where it left nothing."""
        self.length = length
        """Bytes of the known beginning."""
        self._digest = digest
        self._known: bytes | None = None
        self._hashed: tuple[int, hashlib._Hash] | None = None
        """How much of it is hashed, and the state."""

    def stands_for(self, length: int, digest: bytes) -> bool:
        """Whether this is the prompt that was sealed under this length and hash."""
        return self.length == length and self._digest == digest

    def behind(self, array: bytes) -> bytes | None:
        """The array of what stands behind the known beginning; None where the prompt begins otherwise."""
        length = self.length
        if not length or len(array) <= length or array[length] not in b",]":
            return None
        if self._known is not None:
            if not array.startswith(self._known):
                return None
        else:
            state = hashlib.sha256(memoryview(array)[:length])
            if state.digest()[:DIGEST_SIZE] != self._digest:
                return None
            self._hashed = (length, state)
        return b"[" + array[length + 1 :] if array[length : length + 1] == b"," else b"[]"

    def keep(self, array: bytes) -> None:
        """Take a prompt as the one before the next; what was hashed stays valid where it begins with the last one."""
        if self._known is not None and not array.startswith(self._known):
            self._hashed = None
        if self._hashed is not None and self._hashed[0] >= len(array):
            self._hashed = None
        self._known = array[:-1]
        self.length = len(self._known)

    def forget(self) -> None:
        """Let the next prompt be read whole."""
        self._known, self._hashed = None, None
        self.length, self._digest = 0, b""

    def sealed(self) -> tuple[int, bytes]:
        """Length and hash, for the next trace; the bytes are kept for whoever goes on with this very object."""
        if self._known is not None:
            done, state = self._hashed or (0, hashlib.sha256())
            state.update(memoryview(self._known)[done:])
            self._hashed = self.length, state
            self._digest = state.digest()[:DIGEST_SIZE]
        return self.length, self._digest
