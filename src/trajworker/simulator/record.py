"""What was asked of the simulator, for tests and for counting."""

from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

import msgspec

MAX_REQUESTS = 100_000
"""Older requests are forgotten; the counters go on."""
MAX_BODY_BYTES = 65_536
"""Bodies above this are not kept."""


class Recorded(msgspec.Struct, kw_only=True):
    """One request. `path` is without prefix, `status` None while unanswered or cut off before headers."""

    method: str
    path: str
    raw_path: str
    query: str
    body: bytes
    at_s: float
    status: int | None = None
    fault: str | None = None

    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """The decoded body; None where it is empty or was too large to keep."""
        return msgspec.json.decode(self.body) if self.body else None


class Requests:
    """The requests of one simulator, in order of arrival."""

    def __init__(self) -> None:
        self._kept: deque[Recorded] = deque(maxlen=MAX_REQUESTS)
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, request: Recorded, route: str) -> None:
        """Take in a request before it is answered."""
        self._kept.append(request)
        self._counts[request.method, route] += 1

    def clear(self) -> None:
        """Forget all requests and counts."""
        self._kept.clear()
        self._counts.clear()

    def count(self, method: str, route: str) -> int:
        """Requests of a route, such as `("POST", "/v2/runs/query")` or `("GET", "/runs/{id}")`."""
        return self._counts[method, route]

    def counts(self) -> dict[str, int]:
        """Requests by `METHOD route`."""
        return {f"{method} {route}": count for (method, route), count in sorted(self._counts.items())}

    def __iter__(self) -> Iterator[Recorded]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, index: int) -> Recorded:
        return self._kept[index]
