"""Recognises a prompt that begins, byte for byte, with the one before it, so that only what is new need be decoded.

Inside a trace the bytes themselves are compared, and from one trace to the next where they are folded in a row; else
their hash is. A hash is made where somebody asks for it; each byte of a growing prompt is hashed once then.
"""

import hashlib

from trajworker.dialects.draft import DIGEST_SIZE


class Prefix:
    """The JSON array of the last prompt without its closing bracket: held as bytes, or as length and hash."""

    def __init__(
        self,
        length: int,
        digest: bytes | None,
        known: bytes | None = None,
        hashed: "tuple[int, hashlib._Hash] | None" = None,
    ) -> None:
        """What the trace before left, by its bytes or their hash; length 0 where it left nothing.

        `hashed` is how much of the bytes is hashed already, and the state.
        """
        self.length = length
        """Bytes of the known beginning."""
        self._digest = digest
        self._known = known
        self._hashed = hashed

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

    def followed_by(self, array: bytes) -> "Prefix":
        """The prompt that came behind this one; it takes over what was hashed where it begins with that."""
        hashed, self._hashed = self._hashed, None
        if hashed is not None and (len(array) <= hashed[0] or not array.startswith(self._known or b"")):
            hashed = None
        return Prefix(len(array) - 1, None, array[:-1], hashed)

    def sealed(self) -> tuple[int, bytes]:
        """Length and hash, by which it is known where its bytes are not at hand."""
        if self._digest is None:
            done, state = self._hashed or (0, hashlib.sha256())
            state.update(memoryview(self._known or b"")[done:])
            self._hashed = self.length, state
            self._digest = state.digest()[:DIGEST_SIZE]
        return self.length, self._digest


NO_PROMPT = Prefix(0, b"")
"""Behind which the next one must be read whole."""
