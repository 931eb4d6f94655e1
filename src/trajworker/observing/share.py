"""How much of the time asked for is read, as far as that can be told."""

from collections import Counter
from datetime import datetime

from trajworker.events import Event, ProjectStarted, SliceRead


class ReadShare:
    """Of each project what is asked for, and how much of that is read."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[datetime | None, datetime]] = {}
        self._read_s: Counter[str] = Counter()

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case ProjectStarted():
                self._asked[event.project] = (event.start, event.end)
                self._read_s[event.project] = 0
            case SliceRead():
                self._read_s[event.project] += round((event.end - event.start).total_seconds())
            case _:
                pass

    @property
    def told(self) -> float | None:
        """From 0 to 1; None before anything is planned, and where a project is read from its unknown beginning."""
        asked = tuple(self._asked.items())  # at one go, since progress looks from a thread of its own
        known = [(end - start).total_seconds() for _, (start, end) in asked if start is not None]
        asked_s = sum(known)
        if asked_s <= 0 or len(known) < len(asked):
            return None
        return min(1.0, sum(self._read_s[project] for project, _ in asked) / asked_s)
