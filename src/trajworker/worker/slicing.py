"""Where time is cut: pure rules of how idle pagers share a dense slice, what a cut may cost, and what follows a page.

Where the source is allowed more requests for little time (`Swift`), a dense slice is cut so that most of it is such.

Every slice ends in one page that is not full, so a cut costs at most one request. The allowance keeps the whole
backfill within 1.05 x the ideal number of requests + a constant, however the runs are spread over time.

Upper bounds are exclusive, but other runs may share the microsecond of the last one read: it is read again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from trajworker.model.times import MICROSECOND
from trajworker.ports import Page, Slice, SlicePurpose, Swift

FREE_CUTS = 2
PAGES_PER_CUT = 25
LEAP_PAGES = 4
"""Pages that the first piece of a geometric cut is expected to hold at least; each piece before it is twice as long."""
PLAUSIBLE_PAGES = 256
"""A remainder that would hold more pages than this at the density just seen is not believed to be that dense."""
ONE_PAGER_PER_S = 10.0
"""Pages a second that one pager reads by itself: where no more are allowed, sharing gains nothing."""
SWIFT_CUTS = 2
"""Slices more than before, and requests with them, where a stretch is read swiftly."""
RUN_TIME = timedelta(days=1)
"""How long runs at the end of a swift stretch may take and still be met swiftly; longer ones are left over."""


def cuts_allowed(pages_read: int, cuts_made: int) -> int:
    """How many cuts a project may still make after that many pages."""
    return max(0, FREE_CUTS + pages_read // PAGES_PER_CUT - cuts_made)


def cut(slice_: Slice, page: Page, shares: int, pages_read: int) -> tuple[Slice, ...]:
    """Share what is unread of `slice_` among `shares` pagers, newest first; `page` was just read.

    A remainder that can plausibly be as dense as the page is cut evenly. A longer one (years, of which an hour is full)
    is cut geometrically from its recent end, so that the dense stretch is shared however short it is: as many pages as
    were read may well follow once more, and a piece that long keeps a pager busy until the next cut is allowed.
    Returns an empty tuple where a cut makes no sense (one moment, hardly anything left).
    """
    oldest, density = _density(page)
    remainder = oldest - slice_.start
    if remainder <= timedelta(0) or density <= timedelta(0):
        return ()
    pages = remainder / density
    shares = min(shares, int(pages / max(LEAP_PAGES, pages_read / PAGES_PER_CUT)))
    if shares < 2:  # noqa: PLR2004 - one share is no cut
        return ()
    if pages <= PLAUSIBLE_PAGES:
        bounds = [oldest - remainder * number / shares for number in range(1, shares)]
    else:
        leap = max(LEAP_PAGES, pages_read)
        bounds = [oldest - density * min(leap * (2**number - 1), pages) for number in range(1, shares)]
    return _between([oldest, *(bound for bound in bounds if bound > slice_.start), slice_.start], slice_)


def quicken(slice_: Slice, page: Page, swift: Swift) -> tuple[Slice, ...]:
    """Cut what is unread of `slice_` so that the recent end of it is read as fast as the source allows.

    What begins from `swift.since` on is swift as it is. Older stretches begin with what a swift slice leaves out; the
    swift slice itself follows when that is read, see `after`. Returns an empty tuple where `slice_` is so sparse that a
    stretch that may be read swiftly would hold hardly more pages than it costs.
    """
    oldest, density = _density(page)
    dense = density * PAGES_PER_CUT
    end = oldest + MICROSECOND
    if slice_.start < swift.since and dense < oldest - swift.since:
        return _from_bound(slice_, swift.since, end, SlicePurpose.COVER)
    start = max(slice_.start, oldest - (swift.span - RUN_TIME))
    return _from_bound(slice_, start, end, SlicePurpose.LEFT_OVER) if dense < oldest - start else ()


def after(slice_: Slice) -> tuple[Slice, ...]:
    """What must be read of the same stretch after `slice_`, which was read to its end."""
    if slice_.purpose is not SlicePurpose.LEFT_OVER:
        return ()
    return (Slice(project_id=slice_.project_id, start=slice_.start, end=slice_.end, purpose=SlicePurpose.SWIFT),)


class Following(Struct, frozen=True, kw_only=True):
    """How a slice stands after a page: where it goes on, whether it is done with, and what is read in its place."""

    slice: Slice
    done: bool
    split: tuple[Slice, ...]


def following(slice_: Slice, page: Page, pieces: tuple[Slice, ...]) -> Following:
    """What follows a page of `slice_` that was cut into `pieces`, or into none.

    Its last page ends it whatever was cut, and what must be read after it comes then; else a cut ends it.
    """
    ended = page.next_cursor is None
    return Following(
        slice=replace(slice_, cursor=page.next_cursor, pages=slice_.pages + 1),
        done=ended or bool(pieces),
        split=after(slice_) if ended else pieces,
    )


def _density(page: Page) -> tuple[datetime, timedelta]:
    """When the oldest run of a page started, and how much time a page like the next one is expected to span."""
    oldest = min(run.start_time for run in page.runs)
    newest = max(run.start_time for run in page.runs)
    return oldest, (newest - oldest) * ((page.next_runs or len(page.runs)) / len(page.runs))


def _from_bound(slice_: Slice, bound: datetime, end: datetime, purpose: SlicePurpose) -> tuple[Slice, ...]:
    recent = Slice(project_id=slice_.project_id, start=bound, end=end, purpose=purpose)
    return (
        (recent, Slice(project_id=slice_.project_id, start=slice_.start, end=bound))
        if slice_.start < bound
        else (recent,)
    )


def _between(bounds: Sequence[datetime], slice_: Slice) -> tuple[Slice, ...]:
    """Slices between neighbouring bounds (newest first), each beginning without a cursor."""
    neighbours = pairwise(bounds)
    return tuple(
        Slice(
            project_id=slice_.project_id,
            start=start,
            end=end + MICROSECOND if end == bounds[0] else end,
            purpose=slice_.purpose,
        )
        for end, start in neighbours
    )
