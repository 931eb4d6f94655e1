"""How a worker is asked to end: the first request lets work drain, the second ends it at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
from anyio.abc import TaskStatus

from trajworker.events import Observer, StopRequested

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """Two scopes: `intake` is cancelled by the first request, `work` by its deadline or by the second request."""

    def __init__(self, grace_s: float) -> None:
        """Allow work `grace_s` seconds after the first request, below the pod's own grace period."""
        self.grace_s = grace_s
        self.requests = 0
        self._asked = anyio.Event()
        self._intake = anyio.CancelScope()
        self._work = anyio.CancelScope()

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

    @property
    def abandoned(self) -> bool:
        """Whether work was ended before it drained."""
        return self._work.cancelled_caught

    def request(self) -> None:
        """Ask once more. Idempotent from the second time on."""
        self.requests += 1
        self._asked.set()
        if self.requests == 1:
            self._intake.cancel()
            self._work.deadline = anyio.current_time() + self.grace_s
        else:
            self._work.cancel()

    async def wait(self) -> None:
        """Return when somebody asked."""
        await self._asked.wait()


async def request_on_signal(
    stop: Stop, observer: Observer, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Turn SIGTERM and SIGINT into stop requests until cancelled."""
    with anyio.open_signal_receiver(*SIGNALS) as signals:
        task_status.started()
        async for number in signals:
            observer(StopRequested(signal=number.name, grace_s=stop.grace_s if stop.requests == 0 else 0.0))
            stop.request()
