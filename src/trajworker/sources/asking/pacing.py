"""One pace per host, key and tier for all tasks of the process: never faster than allowed, slower on 429, faster again.

A window of send times is kept, so that no stretch of `window_s` holds more than the limit whichever way the server
counts, and yet the whole limit can be used from the first second on. After a 429 everybody waits at one gate; then one
request goes ahead as a probe, and the others follow when it succeeds, so that a storm costs one request per window.
"""

from collections import deque

import anyio

from trajworker.events import Observer, PaceChanged
from trajworker.sources.asking.settings import Limit
from trajworker.sources.asking.timing import Timing

WINDOW_SLACK = 0.02
"""Part of a window added to it, because requests do not all take equally long to arrive."""
DECREASE = 0.7
"""What is left of the pace after a 429."""
INCREASE = 0.05
"""Part of the documented limit that comes back with every window without a 429."""
SHORTEST_WAIT_S = 1.0
"""A server that refuses and says "at once" in the same breath is not taken at its word."""
LONGEST_WAIT_S = 300.0
"""Whatever a server asks for, nobody waits longer than this at once."""
GATE_WINDOWS = 2.0
"""Windows waited at most when the server does not say how long, so that the end of a storm is noticed soon."""


class Pace:
    """The pace of one tier. `turn` waits for permission to send; `refused` and `accepted` tell how it went."""

    def __init__(self, tier: str, limit: Limit, timing: Timing, observer: Observer) -> None:
        self._tier = tier
        self._limit = limit
        self._timing = timing
        self._observe = observer
        self._window_s = limit.window_s * (1 + WINDOW_SLACK)
        self._allowed = float(limit.count)
        self._sent: deque[float] = deque()
        self._queue = anyio.Lock()
        self._gate = 0.0
        self._gate_wait_s = limit.window_s
        self._slowed_at = float("-inf")
        self._raised_at = float("-inf")
        self._probe: anyio.Event | None = None
        self._probing = False

    @property
    def requests_per_s(self) -> float:
        """The pace now."""
        return self._allowed / self._limit.window_s

    @property
    def closed_s(self) -> float:
        """Seconds until the gate opens."""
        return max(0.0, self._gate - self._timing.now())

    async def turn(self) -> float:
        """Wait, in the order of asking, until a request may be sent; gives the time of sending."""
        async with self._queue:
            while True:
                if self._probe is not None:
                    await self._probe.wait()
                    continue
                now = self._timing.now()
                ready = max(self._gate, self._window_opens(now))
                if ready <= now:
                    break
                await self._timing.sleep(ready - now)
            self._sent.append(now)
            if self._probing:
                self._probe = anyio.Event()
            return now

    def refused(self, sent_at: float, retry_after_s: float | None) -> None:
        """A 429 came for the request sent then; those that were under way when it slowed down tell nothing new."""
        now = self._timing.now()
        if sent_at >= self._slowed_at:
            if not self._probing:
                self._change(max(1.0, self._allowed * DECREASE))
            self._slowed_at = self._raised_at = now
            self._gate = max(self._gate, now + self._wait_s(retry_after_s))
            self._probing = True
        self._release_probe()

    def accepted(self, sent_at: float) -> None:
        """The request sent then was not refused."""
        now = self._timing.now()
        if sent_at >= self._slowed_at:
            self._probing = False
            self._gate_wait_s = self._limit.window_s
        self._release_probe()
        if self._allowed < self._limit.count and now - self._raised_at >= self._limit.window_s:
            self._raised_at = now
            self._change(min(float(self._limit.count), self._allowed + max(1.0, INCREASE * self._limit.count)))

    def unanswered(self) -> None:
        """The request failed in another way: it says nothing about the pace, but a probe must not be waited for."""
        self._release_probe()

    def _wait_s(self, retry_after_s: float | None) -> float:
        if retry_after_s is not None:
            return min(max(retry_after_s, SHORTEST_WAIT_S), LONGEST_WAIT_S)
        window_s = self._limit.window_s
        self._gate_wait_s = min(self._timing.uniform(window_s, self._gate_wait_s * 3), GATE_WINDOWS * window_s)
        return self._gate_wait_s

    def _window_opens(self, now: float) -> float:
        while self._sent and self._sent[0] <= now - self._window_s:
            self._sent.popleft()
        surplus = len(self._sent) - int(self._allowed)
        return now if surplus < 0 else self._sent[surplus] + self._window_s

    def _release_probe(self) -> None:
        if self._probe is not None:
            self._probe.set()
            self._probe = None

    def _change(self, allowed: float) -> None:
        if allowed != self._allowed:
            self._allowed = allowed
            self._observe(PaceChanged(tier=self._tier, requests_per_s=self.requests_per_s))


class Paces:
    """The paces of a process, by host, key and tier: hand the same to every source that may share a key."""

    def __init__(self, timing: Timing | None = None) -> None:
        self.timing = timing or Timing()
        self._paces: dict[tuple[str, bytes, str], Pace] = {}

    def of(self, key: tuple[str, bytes, str], limit: Limit, observer: Observer) -> Pace:
        """The pace of (origin, digest of the API key, tier); the first who asks names its limit."""
        pace = self._paces.get(key)
        if pace is None:
            pace = self._paces[key] = Pace(key[2], limit, self.timing, observer)
        return pace
