"""A value that never shows itself: not in a repr, a log line, an error or a pickle."""

import hashlib
import hmac
from typing import NoReturn

MASK = "***"
_MARKED = b"trajworker"
_MARK_CHARS = 16


class Secret:
    """Text that only `reveal` gives back; equality takes the same time wherever two secrets differ."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that must send it."""
        return self._text

    def mark(self) -> str:
        """A digest by which a change of the secret is noticed; nobody gets the secret back from it."""
        return hmac.new(_bytes(self._text), _MARKED, hashlib.sha256).hexdigest()[:_MARK_CHARS]

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK

    def __format__(self, _spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_bytes(self._text), _bytes(other._text))

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere, so it cannot be pickled")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # an environment may hold bytes that are no UTF-8
