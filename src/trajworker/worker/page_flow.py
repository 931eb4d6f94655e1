"""How many pages are on their way at once: as many as keep the store at work, and no more.

A page is in memory from its answer until it is staged, and the store takes one at a time. More pages than it takes to
bridge the time of an answer would only wait there. So the number falls while pages wait long for the store, and rises
when the store runs out of pages: where the CPU is slow it stays low, and where the network is slow, or some pages hang,
it comes back to the number of pagers.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio

FEWEST_PAGES = 2
"""One is staged while the next is on its way."""
LONG_WAIT = 0.5
"""A page that waits for the store longer than this share of the time its answer took was asked for too early."""


class PageFlow:
    """Admits pages; the number in flow finds its level by itself."""

    def __init__(self, most: int) -> None:
        """Admit at most so many."""
        self._most = most
        self._fewest = min(FEWEST_PAGES, most)
        self._limiter = anyio.CapacityLimiter(most)
        self._arrived = 0
        self._staged_at = 0.0

    @property
    def level(self) -> int:
        """Pages that may be on their way now."""
        return int(self._limiter.total_tokens)

    @asynccontextmanager
    async def page(self) -> AsyncIterator[float]:
        """Around asking for a page and staging it; waits until one more is wanted and tells when it was admitted."""
        async with self._limiter:
            yield anyio.current_time()

    @contextmanager
    def arrived(self, admitted_at: float) -> Iterator[None]:
        """Around the staging of a page that came."""
        arrived_at = anyio.current_time()
        self._arrived += 1
        try:
            yield
        finally:
            self._arrived -= 1
            waited_s = self._staged_at - arrived_at
            self._staged_at = anyio.current_time()
            if self._arrived == 0:
                self._limiter.total_tokens = min(self.level + 1, self._most)
            elif waited_s > LONG_WAIT * (arrived_at - admitted_at):
                self._limiter.total_tokens = max(self.level - 1, self._fewest)
