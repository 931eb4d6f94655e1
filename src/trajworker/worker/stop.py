"""How a worker is asked to end: the first request lets work drain, the second ends it at once.

Neither weakens anything: what is being written is finished or undone under a shield. Only a thread that hangs (a disk
that does not answer) is not waited for: the process ends as if it were killed, which every restart can bear.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
from anyio.abc import TaskStatus

from trajworker.errors import EXIT_RETRY
from trajworker.events import Observer, StopRequested

SIGNALS = (signal.SIGTERM, signal.SIGINT)
CLOSING_S = 1.5
"""How long closing may take after the grace period, or after a second request, before the process ends as it is."""


class Stop:
    """Two scopes: `intake` is cancelled by the first request, `work` by its deadline or by the second request."""

    def __init__(self, grace_s: float) -> None:
        """Allow work `grace_s` seconds after the first request, below the pod's own grace period."""
        self.grace_s = grace_s
        self.requests = 0
        self._asked = anyio.Event()
        self._intake = anyio.CancelScope()
        self._work = anyio.CancelScope()
        self._watched = False
        self._timer: threading.Timer | None = None

    @property
    def requested(self) -> bool:
        """Whether somebody asked."""
        return self.requests > 0

    @contextmanager
    def intake(self) -> Iterator[None]:
        """Run what asks the source for more: nothing of it survives the first request."""
        with self._intake:
            yield

    @contextmanager
    def work(self) -> Iterator[None]:
        """Run everything: it has the grace period after the first request."""
        with self._work:
            yield

    @contextmanager
    def watchdog(self) -> Iterator[None]:
        """Within the block, a request that is not met in time ends the process; for whoever owns the process."""
        self._watched = True
        try:
            yield
        finally:
            self._watched = False
            self._end_in(None)

    def request(self) -> None:
        """Ask once more. Idempotent from the second time on."""
        self.requests += 1
        self._asked.set()
        if self.requests == 1:
            self._intake.cancel()
            self._work.deadline = anyio.current_time() + self.grace_s
            self._end_in(self.grace_s + CLOSING_S)
        elif self.requests == 2:  # noqa: PLR2004 - the second
            self._work.cancel()
            self._end_in(CLOSING_S)

    async def wait(self, at_most_s: float | None = None) -> None:
        """Return when somebody asked, or after that time."""
        with anyio.move_on_after(at_most_s):
            await self._asked.wait()

    def _end_in(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if seconds is None or not self._watched:
            return
        self._timer = threading.Timer(seconds, os._exit, [EXIT_RETRY])
        self._timer.daemon = True
        self._timer.start()


async def request_on_signal(
    stop: Stop, observer: Observer, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Turn SIGTERM and SIGINT into stop requests until cancelled."""
    with anyio.open_signal_receiver(*SIGNALS) as signals:
        task_status.started()
        async for number in signals:
            observer(StopRequested(signal=number.name, grace_s=stop.grace_s if stop.requests == 0 else 0.0))
            stop.request()
