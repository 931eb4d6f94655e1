"""Where time is cut: pure rules that decide how a dense slice is shared among idle pagers, and what a cut may cost.

Every slice ends in one page that is not full, so a cut costs at most one request. The allowance keeps the whole
backfill within 1.05 x the ideal number of requests + a constant, however the runs are spread over time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from trajworker.model.run import Run
from trajworker.ports import Slice

FREE_CUTS = 2
PAGES_PER_CUT = 25
LEAP_PAGES = 4
"""Pages that the first part of a geometric cut is expected to hold; each part before it is twice as long."""
PLAUSIBLE_PAGES = 256
"""A remainder that would hold more pages than this at the density just seen is not believed to be that dense."""


def cuts_allowed(pages_read: int, cuts_made: int) -> int:
    """How many cuts a project may still make after that many pages."""
    return max(0, FREE_CUTS + pages_read // PAGES_PER_CUT - cuts_made)


def cut(part: Slice, runs: Sequence[Run], parts: int) -> tuple[Slice, ...]:
    """Share what is unread of `part` among `parts` pagers, newest first; `runs` is the page just read.

    A remainder that can plausibly be as dense as the page is cut evenly. A longer one (years, of which an hour is full)
    is cut geometrically from its recent end, so that the dense stretch is shared however short it is.
    Returns an empty tuple where a cut makes no sense (one moment, nothing left).
    """
    oldest = min(run.start_time for run in runs)
    newest = max(run.start_time for run in runs)
    remainder = oldest - part.start
    density = newest - oldest
    if remainder <= timedelta(0) or density <= timedelta(0):
        return ()
    if remainder <= density * PLAUSIBLE_PAGES:
        bounds = [oldest - remainder * number / parts for number in range(1, parts)]
    else:
        bounds = [oldest - density * LEAP_PAGES * (2**number - 1) for number in range(1, parts)]
    return _between([oldest, *(bound for bound in bounds if bound > part.start), part.start], part)


def _between(bounds: Sequence[datetime], part: Slice) -> tuple[Slice, ...]:
    """Slices between neighbouring bounds (newest first), each beginning without a cursor."""
    neighbours = pairwise(bounds)
    # The upper bound is exclusive, but other runs may share the microsecond of the last one read: they are read again.
    return tuple(
        Slice(project_id=part.project_id, start=start, end=end + timedelta(microseconds=1 if end == bounds[0] else 0))
        for end, start in neighbours
    )
