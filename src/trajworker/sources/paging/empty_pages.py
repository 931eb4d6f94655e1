"""Counts the empty pages of each stretch being read, so that a server that leads on and on to nothing is noticed."""

from collections.abc import Hashable

MOST_IN_A_ROW = 1_000
"""Empty pages with a cursor are no fault (reliability.md row 31); so many at once give a month, an hour a page."""
MOST_STRETCHES = 1_000
"""Stretches remembered; the oldest is forgotten first."""


class EmptyPages:
    """How many pages without a row came since the last one with any, by stretch.

    Kept in memory alone: who asks again later goes on at the cursor reached, so that even such a server is read.
    """

    def __init__(self) -> None:
        self._in_a_row: dict[Hashable, int] = {}

    def too_many(self, stretch: Hashable, rows: int) -> bool:
        """Count a page of a stretch with so many rows; whether it is time to give up, which begins to count anew."""
        before = self._in_a_row.pop(stretch, 0)
        if rows:
            return False
        if before + 1 >= MOST_IN_A_ROW:
            return True
        self._in_a_row[stretch] = before + 1
        if len(self._in_a_row) > MOST_STRETCHES:
            self._in_a_row.pop(next(iter(self._in_a_row)))
        return False

    def forget(self, stretch: Hashable) -> None:
        """The stretch is begun again, or is read to its end."""
        self._in_a_row.pop(stretch, None)
