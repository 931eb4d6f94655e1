"""Slices waiting for a pager: a queue that knows when the last one is read."""

from collections import deque
from collections.abc import Iterable

import anyio

from trajworker.ports import Slice


class SliceQueue:
    """Hands slices to pagers; `take` waits while a pager still at work might cut off more."""

    def __init__(self, slices: Iterable[Slice]) -> None:
        """Begin with those slices, the first one first."""
        self._slices = deque(slices)
        self._at_work = 0
        self._changed = anyio.Condition()
        self.idle = 0
        """Pagers that wait for work now."""

    async def take(self) -> Slice | None:
        """The next slice, or None when all are read to their ends. Each slice taken is answered with `finish`."""
        async with self._changed:
            self.idle += 1
            try:
                while not self._slices and self._at_work:
                    await self._changed.wait()
            finally:
                self.idle -= 1
            if not self._slices:
                return None
            self._at_work += 1
            return self._slices.popleft()

    async def add(self, slices: Iterable[Slice]) -> None:
        """Add slices that were cut off one at work."""
        async with self._changed:
            self._slices.extend(slices)
            self._changed.notify_all()

    async def finish(self) -> None:
        """Say that a slice taken needs no more reading, for whatever reason."""
        with anyio.CancelScope(shield=True):
            async with self._changed:
                self._at_work -= 1
                self._changed.notify_all()
