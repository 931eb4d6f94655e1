"""Time and chance as arguments, so that tests of waits take none."""

import random
from collections.abc import Awaitable, Callable

import anyio
from msgspec import Struct


class Timing(Struct, frozen=True):
    """A monotonic clock in seconds, a way to wait, and a uniform random number between two bounds."""

    now: Callable[[], float] = anyio.current_time
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    uniform: Callable[[float, float], float] = random.SystemRandom().uniform
