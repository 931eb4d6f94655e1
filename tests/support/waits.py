"""Waits that take no time beside real sockets: they are noted, and the clock goes forward by them."""

import random
import time
from dataclasses import dataclass, field

import anyio.lowlevel

from trajworker.sources.asking.timing import Timing


@dataclass
class Waits:
    """Every wait that was asked for, in seconds."""

    seconds: list[float] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(11))

    def now(self) -> float:
        return time.monotonic() + sum(self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await anyio.lowlevel.checkpoint()

    @property
    def timing(self) -> Timing:
        return Timing(now=self.now, sleep=self.sleep, uniform=self.chance.uniform)
