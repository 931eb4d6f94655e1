"""How many pages are on their way at once: as many as keep the store at work, and no more.

A page is in memory from its answer until it is staged, and the store takes one at a time. More pages than it takes to
bridge the time of an answer would only wait there. So the number rises while the store waits for pages, and falls while
pages wait for the store: where the network is slow it reaches the number of pagers, where the CPU is slow it stays low.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio

FEWEST_PAGES = 2
"""One is staged while the next is on its way."""


class PageFlow:
    """Admits pages; the number in flow finds its level by itself."""

    def __init__(self, most: int) -> None:
        """Admit at most so many."""
        self._most = most
        self._fewest = min(FEWEST_PAGES, most)
        self._limiter = anyio.CapacityLimiter(self._fewest)
        self._arrived = 0

    @property
    def level(self) -> int:
        """Pages that may be on their way now."""
        return int(self._limiter.total_tokens)

    @asynccontextmanager
    async def page(self) -> AsyncIterator[None]:
        """Around asking for a page and staging it; waits until one more is wanted."""
        async with self._limiter:
            yield

    @contextmanager
    def arrived(self) -> Iterator[None]:
        """Around the staging of a page that came: who waited for whom tells whether fewer or more are wanted."""
        if self._arrived == 0:
            self._limiter.total_tokens = min(self.level + 1, self._most)
        elif self._arrived >= FEWEST_PAGES:
            self._limiter.total_tokens = max(self.level - 1, self._fewest)
        self._arrived += 1
        try:
            yield
        finally:
            self._arrived -= 1
