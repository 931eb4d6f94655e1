"""Remembers the cursors of each stretch being read, so that a server that leads in circles is noticed."""

from collections.abc import Hashable

MOST_STRETCHES = 1_000
"""Stretches remembered; the oldest is forgotten first."""


class CursorsSeen:
    """Sets of cursor hashes by stretch; one slot would miss a cycle of two (reliability.md row 27)."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, set[int]] = {}

    def remember(self, stretch: Hashable, cursor: str) -> bool:
        """Remember a cursor of a stretch; False where the server gave it before."""
        seen = self._seen.setdefault(stretch, set())
        if len(self._seen) > MOST_STRETCHES:
            self._seen.pop(next(iter(self._seen)))
        known = hash(cursor)
        if known in seen:
            return False
        seen.add(known)
        return True

    def forget(self, stretch: Hashable) -> None:
        """The stretch is at its end, is begun again, or goes on another way."""
        self._seen.pop(stretch, None)
