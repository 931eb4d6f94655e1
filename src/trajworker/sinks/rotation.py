"""When a part is full: a pure rule."""

from datetime import timedelta

from msgspec import Struct

from trajworker.ports import SEAL_AGE, SEAL_LINES, SEAL_SIZE


class Limits(Struct, frozen=True, kw_only=True):
    """A part is sealed once it has grown to `seal_size` bytes or `seal_lines` lines, or is open for `seal_age`."""

    seal_size: int = SEAL_SIZE
    seal_lines: int = SEAL_LINES
    seal_age: timedelta = SEAL_AGE

    def full(self, length: int, lines: int) -> bool:
        """Whether a part has no room for another line."""
        return length >= self.seal_size or lines >= self.seal_lines

    def reached(self, length: int, lines: int, age_s: float) -> bool:
        """Whether a part that holds something is to be sealed."""
        return lines > 0 and (self.full(length, lines) or age_s >= self.seal_age.total_seconds())
