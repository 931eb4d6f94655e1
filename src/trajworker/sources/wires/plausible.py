"""What of a run's own words and figures can be true, whichever way it came: its state, times, cost and parent."""

from datetime import datetime, timedelta

from trajworker.errors import MalformedRun
from trajworker.model.run import ERROR, PENDING, SUCCESS, RunStatus, ancestors
from trajworker.model.times import EARLIEST, LATEST, clamped
from trajworker.sources.wires.instants import start_in, utc

CLOCK_RESOLUTION = timedelta(milliseconds=1)
NO_ID = "the run tells no id"

STATUSES = {
    "success": SUCCESS,
    "SUCCESS": SUCCESS,
    "error": ERROR,
    "ERROR": ERROR,
    "pending": PENDING,
    "PENDING": PENDING,
}
"""The words as either generation writes them, looked up before `status_of` is asked."""


def status_of(word: str | None, error: str | None, *, ended: bool) -> RunStatus:
    """The state of a run; where the word for it is one that no one knows, it is over if it has an end."""
    known = STATUSES.get((word or "").lower())
    if known is not None:
        return known
    if not ended:
        return PENDING
    return ERROR if error else SUCCESS


def times_of(start: datetime | None, end: datetime | None, order: str) -> tuple[datetime, datetime | None, bool]:
    """Start and end in UTC, and whether they are as they were told; the dotted order tells a start, too.

    Raises:
        MalformedRun: no start time is told.
    """
    start = utc(start) if start is not None else start_in(order)
    if start is None:
        raise MalformedRun("the run tells no start time")
    if end is not None:
        end = utc(end)
    if EARLIEST <= start <= LATEST and (end is None or start <= end <= LATEST):
        return start, end, True
    return _possible(start, end)


def parent_in(order: str, run_id: str, trace_id: str | None) -> str | None:
    """The parent of a run that names none, as its dotted order tells it."""
    if run_id == trace_id:
        return None
    above = ancestors(order)
    return above[-1] if above else None


def cost_of(value: float | str) -> float | None:
    """A cost as a finite number, None where it is none."""
    try:
        cost = float(value)
    except ValueError:
        return None
    return cost if abs(cost) < float("inf") else None


def _possible(start: datetime, end: datetime | None) -> tuple[datetime, datetime | None, bool]:
    """Times that can be true, and whether they differ from what was told by no more than a clock's resolution.

    Some producers tell ends in milliseconds and starts in microseconds, so that a short run ends before it starts.
    """
    earlier = clamped(start)
    later = None if end is None else max(earlier, clamped(end))
    honest = earlier == start and (end is None or later is None or abs(later - end) < CLOCK_RESOLUTION)
    return earlier, later, honest
