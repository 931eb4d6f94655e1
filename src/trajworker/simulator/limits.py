"""The documented rate limits: sliding windows per key and route, and tiers of v1 `/runs/query` by width of window."""

from collections import deque
from typing import NamedTuple

import msgspec

from trajworker.simulator import instants

_WEEK_US = 7 * 24 * 3600 * 1_000_000
_PLAIN, _HEAVY = (10, 3), (3, 1)
"""Requests in ten seconds for windows of up to a week, and for longer ones."""


class Limit(NamedTuple):
    """At most `requests` requests of a bucket in `window_s` seconds."""

    bucket: str
    requests: int
    window_s: float


_ROUTES: dict[tuple[str, str], tuple[int, float]] = {
    ("POST", "/runs/query"): (15, 10),
    ("POST", "/v2/runs/query"): (300, 10),
    ("GET", "/v2/runs/{id}"): (300, 10),
    ("GET", "/runs/{id}"): (30, 60),
    ("POST", "/runs/stats"): (1, 10),
    ("POST", "/runs"): (2000, 10),
    ("PATCH", "/runs/{id}"): (2000, 10),
    ("POST", "/runs/batch"): (2000, 10),
    ("POST", "/feedback"): (2000, 10),
    ("POST", "/runs/multipart"): (6000, 10),
    ("DELETE", "/sessions/{id}"): (10, 60),
    ("GET", "/info"): (2000, 10),
}
_OTHER = (1000, 10)
"""Any other route with a key."""


class _Window(msgspec.Struct):
    """What decides the tier of a v1 query."""

    start_time: str | None = None
    end_time: str | None = None
    search_filter: str | None = None
    query: str | None = None
    filter: str | None = None
    select: list[str] | None = None


def limits_for(method: str, route: str, body: bytes, now_us: int) -> list[Limit]:
    """The limits a request counts against."""
    count, window_s = _ROUTES.get((method, route), _OTHER)
    bucket = f"{method} {route}" if (method, route) in _ROUTES else "other"
    limits = [Limit(bucket, count, window_s)]
    if (method, route) == ("POST", "/runs/query"):
        limits.append(_tier(body, now_us))
    return limits


def _tier(body: bytes, now_us: int) -> Limit:
    try:
        asked = msgspec.json.decode(body or b"{}", type=_Window)
        start_us = instants.parse_optional(asked.start_time)
        end_us = instants.parse_optional(asked.end_time)
    except (msgspec.MsgspecError, instants.BadInstant):
        asked, start_us, end_us = _Window(), None, None
    searches = bool(asked.search_filter or asked.query or "search(" in (asked.filter or ""))
    heavy = searches or "child_run_ids" in (asked.select or ())
    wide = start_us is None or (now_us if end_us is None else end_us) - start_us > _WEEK_US
    kind = "search" if searches else "children" if heavy else "plain"
    return Limit(f"v1 {kind} {'wide' if wide else 'narrow'}", (_HEAVY if heavy else _PLAIN)[wide], 10)


class Limiter:
    """Counts requests and says when one is too many. `scale` multiplies the documented counts."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._taken: dict[tuple[str, str], deque[float]] = {}

    def wait_s(self, key: str, limits: list[Limit], now_s: float) -> float | None:
        """None if the request may pass (it is counted then), else seconds until it may."""
        waits = [self._wait_of(key, limit, now_s) for limit in limits]
        if any(waits):
            return max(waits)
        for limit in limits:
            self._taken[key, limit.bucket].append(now_s)
        return None

    def _wait_of(self, key: str, limit: Limit, now_s: float) -> float:
        taken = self._taken.setdefault((key, limit.bucket), deque())
        while taken and taken[0] <= now_s - limit.window_s:
            taken.popleft()
        allowed = max(1, round(limit.requests * self._scale))
        return 0.0 if len(taken) < allowed else taken[0] + limit.window_s - now_s
