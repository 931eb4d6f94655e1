"""When a part is full: a pure rule."""

from msgspec import Struct

MEBIBYTE = 1024 * 1024


class Limits(Struct, frozen=True, kw_only=True):
    """A part is sealed once it has this many bytes or lines, or has been open this long."""

    part_bytes: int = 256 * MEBIBYTE
    part_lines: int = 100_000
    part_age_s: float = 3600.0

    def reached(self, length: int, lines: int, age_s: float) -> bool:
        """Whether a part that holds something is to be sealed."""
        return lines > 0 and (length >= self.part_bytes or lines >= self.part_lines or age_s >= self.part_age_s)
