"""Remembers the cursors of each stretch being read, so that a server that leads in circles is noticed."""

from collections.abc import Hashable

MOST_STRETCHES = 1_000
"""Stretches remembered; the oldest is forgotten first."""


class CursorsSeen:
    """Sets of cursor hashes by stretch; one slot would miss a cycle of two (reliability.md row 27)."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, set[int]] = {}
        self._restarted: dict[Hashable, None] = {}
        """In the order in which they were begun again."""

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

    def forget_cursors(self, stretch: Hashable) -> None:
        """The stretch is begun again, or goes on another way."""
        self._seen.pop(stretch, None)

    def finish(self, stretch: Hashable) -> None:
        """The stretch is read to its end: whoever reads it later may begin it again."""
        self.forget_cursors(stretch)
        self._restarted.pop(stretch, None)

    def restart(self, stretch: Hashable) -> bool:
        """Note that a stretch is begun again; False if it was before."""
        self.forget_cursors(stretch)
        if stretch in self._restarted:
            del self._restarted[stretch]
            return False
        self._restarted[stretch] = None
        if len(self._restarted) > MOST_STRETCHES:
            self._restarted.pop(next(iter(self._restarted)))
        return True
