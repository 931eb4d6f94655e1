"""How many pages are on their way at once: as many as keep the store at work, and no more.

A page is in memory from its answer until it is staged, and the store takes one at a time. More pages than it takes to
bridge the time of an answer would only wait there. So the number falls while pages wait long for the store, and rises
when the store runs out of pages while pagers wait to be admitted: where the CPU is slow it stays low, and where the
network is slow, or some pages hang, it comes back to the number of pagers.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio

FEWEST_PAGES = 2
"""One is staged while the next is on its way."""
PATIENCE_S = 5.0
"""When the store has had nothing to do for so long, the pages on their way hang and no longer count."""
LONG_WAIT = 0.5
"""A page that waits for the store longer than this share of the time its answer took was asked for too early."""


class PageFlow:
    """Admits pages; the number in flow finds its level by itself."""

    def __init__(self, most: int) -> None:
        """Begin with so many, the most there will be."""
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
        await self._admit()
        try:
            yield anyio.current_time()
        finally:
            self._limiter.release()

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
            if self._arrived == 0 and self._limiter.statistics().tasks_waiting:
                self._rise()
            elif waited_s > LONG_WAIT * (arrived_at - admitted_at):
                self._limiter.total_tokens = max(self.level - 1, self._fewest)

    async def _admit(self) -> None:
        while True:
            with anyio.move_on_after(PATIENCE_S):
                await self._limiter.acquire()
                return
            if self._arrived == 0:
                self._rise()

    def _rise(self) -> None:
        self._limiter.total_tokens = min(self.level + 1, self._most)
