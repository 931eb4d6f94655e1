"""When a catch-up may stop: past the overlap, and not before it has looked twice as deep as its latest find."""

from msgspec import Struct


class Depth(Struct, frozen=True):
    """How far a catch-up has come below its floor, newest first.

    Args:
        pages: pages below the floor read so far.
        late: of those, up to the last one with runs that came late.
    """

    pages: int = 0
    late: int = 0

    def deeper(self, *, late: bool) -> "Depth":
        """One page below the floor further; `late` says that it held something new."""
        pages = self.pages + 1
        return Depth(pages, pages if late else self.late)

    @property
    def enough(self) -> bool:
        """Whether as many pages in a row brought nothing as it took to get to the last find.

        A steady source costs one page. One whose runs arrive with old start times (imports, replays) is followed at no
        more than twice the price of what it had to tell.
        """
        return self.pages - self.late >= max(1, self.late)
