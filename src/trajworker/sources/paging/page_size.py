"""How many runs to ask for at once: requests are the cost, memory is the bound, and runs weigh what they weigh."""

FIRST = 100
"""Runs on the first page of a project, before anything is known of their weight."""
SHRINK = 4
"""Divisor when a page was too much for the server."""
GROW = 2
"""Factor by which a page that shrank may grow again after a success."""
SMOOTHING = 0.5
"""Weight of the newest page in the mean weight of a run."""


class PageSize:
    """Adapts to the bytes seen, up to `most` runs and about `page_bytes` bytes a page.

    `run_bytes` is what a run weighed when the project was read before, None for the first time: a place to begin at.
    """

    def __init__(self, most: int, page_bytes: int, run_bytes: float | None = None) -> None:
        self._most = most
        self._page_bytes = page_bytes
        self._ceiling = most
        self._run_bytes = run_bytes
        self._known = False

    @property
    def known(self) -> bool:
        """Whether runs were weighed since, be it that they weigh something else than before."""
        return self._known

    def choose(self) -> int:
        """Runs to ask for now."""
        if self._run_bytes is None:
            return min(FIRST, self._ceiling)
        return max(1, min(self._ceiling, int(self._page_bytes / self._run_bytes)))

    def seen(self, runs: int, size_bytes: int) -> None:
        """A page arrived."""
        self._ceiling = min(self._most, self._ceiling * GROW)
        if runs:
            each = max(1.0, size_bytes / runs)
            known = self._run_bytes
            self._run_bytes = each if known is None else max(each, known + SMOOTHING * (each - known))
            self._known = True

    def too_much(self, size: int) -> int:
        """A page of that size was too much: all pages become smaller for a while; gives the next size to try."""
        self._ceiling = max(1, size // SHRINK)
        return self._ceiling
