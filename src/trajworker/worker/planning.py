"""What to read next: pure rules from what is covered and what time it is to the slices of a cycle.

A first cycle covers [since, until). Later ones catch up: what is new since the watermark together with the overlap
before it, then runs that ended meanwhile, and once a day the whole horizon (reliability.md section 2.3).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from trajworker.model.intervals import subtract
from trajworker.model.times import AHEAD
from trajworker.ports import COVERING, Coverage, Slice, SlicePurpose

LOOKBACK_PER_SETTLE = 6
"""A source that may lag for `settle` is looked at again for six times as long, unless configured otherwise."""

DUE_SHARE = 0.95
"""Share of its interval after which a deep scan is due: a job that is started daily does not start to the second."""


class Lagging(Struct, frozen=True, kw_only=True):
    """The end of what was asked for, which could not be read yet since the API may lag; `read_to` None: none of it."""

    read_to: datetime | None
    until: datetime
    settle: timedelta


class Reading(Struct, frozen=True, kw_only=True):
    """How a project is read.

    Args:
        since: start of the range asked for.
        until: its end; None follows for ever.
        settle: how long the API may lag before a stretch of time counts as read.
        lookback: how far before the watermark is always read again; None: six times `settle`.
        horizon: how far back late runs are looked for at all.
        deep_scan: how often the whole horizon is read again; None never.
        unsettled: whether to read all that is there at this very moment, also what may still lag: up to now, which the
            overlap of the next cycle reads again, and what is ahead of now, which counts as unread.
    """

    since: datetime
    until: datetime | None = None
    settle: timedelta
    lookback: timedelta | None = None
    horizon: timedelta
    deep_scan: timedelta | None
    unsettled: bool = False

    @property
    def overlap(self) -> timedelta:
        """How far before the watermark is always read again."""
        return self.settle * LOOKBACK_PER_SETTLE if self.lookback is None else self.lookback

    def end(self, now: datetime) -> datetime:
        """Up to where is read: what can have settled by now, or what began by now."""
        end = now if self.unsettled else now - self.settle
        return end if self.until is None else min(end, self.until)

    def lagging(self, now: datetime) -> Lagging | None:
        """What lies between there and the end that was asked for; None where none was, or all can be read."""
        end = self.end(now)
        if self.until is None or max(end, self.since) >= self.until:
            return None
        return Lagging(read_to=end if end > self.since else None, until=self.until, settle=self.settle)


def plan(project_id: str, reading: Reading, coverage: Coverage, unread: Sequence[Slice], now: datetime) -> list[Slice]:
    """Slices to read beside the `unread` ones of an earlier cycle: gaps in what is covered, catch-up, what is ahead.

    A gap that follows an unread slice of which nothing was read makes that one longer (it comes back with its id): an
    outage leaves one slice, however many cycles it lasts.
    """
    end = reading.end(now)
    claimed = [*coverage.spans, *((slice_.start, slice_.end) for slice_ in unread if slice_.purpose in COVERING)]
    newest = coverage.spans[-1][1] if coverage.spans else reading.since
    catching_up = any(slice_.purpose is SlicePurpose.CATCH_UP for slice_ in unread)
    catch_up = newest > reading.since and end > reading.since and not catching_up
    untouched = {slice_.end: slice_ for slice_ in unread if _extensible(slice_)}
    slices = [
        replace(untouched[start], end=stop)
        if start in untouched
        else Slice(project_id=project_id, start=start, end=stop)
        for start, stop in subtract([(reading.since, end)], claimed)
        if not (catch_up and start == newest)
    ]
    if catch_up:
        floor = min(newest, end) - reading.overlap
        slices.append(
            Slice(project_id=project_id, start=reading.since, end=end, purpose=SlicePurpose.CATCH_UP, floor=floor)
        )
    return [*slices, *_unsettled(project_id, reading, unread, now, newest)] if reading.unsettled else slices


def _extensible(slice_: Slice) -> bool:
    """Whether reading it has not begun, so that it can as well end later."""
    begun = slice_.cursor is not None or slice_.pages > 0
    return not begun and slice_.purpose in (SlicePurpose.COVER, SlicePurpose.CATCH_UP)


def _unsettled(
    project_id: str, reading: Reading, unread: Sequence[Slice], now: datetime, newest: datetime
) -> Iterator[Slice]:
    """What there may be beside all that began by now, as far as it was asked for; one that was left is begun again.

    A slice that goes on from its cursor does not meet what came late into it since: its recent end is read anew.
    """
    covering = [slice_ for slice_ in unread if slice_.purpose in COVERING]
    resumed = [slice_.end - reading.overlap for slice_ in covering if slice_.cursor and slice_.end > newest]
    start = max(min([now, *resumed]), reading.since)
    end = now + AHEAD if reading.until is None else min(now + AHEAD, reading.until)
    left = next((slice_.id for slice_ in unread if slice_.purpose is SlicePurpose.UNSETTLED), None)
    if start < end:
        yield Slice(id=left, project_id=project_id, start=start, end=end, purpose=SlicePurpose.UNSETTLED)


def ended_since(project_id: str, reading: Reading, mark: datetime, now: datetime) -> Slice:
    """Runs that ended since `mark`, whenever they started; the mark is taken back by what the API may lag."""
    return Slice(
        project_id=project_id,
        start=reading.since,
        end=now,
        purpose=SlicePurpose.ENDED,
        ended_after=mark - reading.settle,
    )


def deep_scan(project_id: str, reading: Reading, last: datetime, now: datetime) -> Slice | None:
    """The whole horizon again, where that is due and something of what is asked for lies in it."""
    if reading.deep_scan is None or now - last < reading.deep_scan * DUE_SHARE:
        return None
    start, end = max(reading.since, now - reading.horizon), reading.end(now)
    return Slice(project_id=project_id, start=start, end=end, purpose=SlicePurpose.DEEP_SCAN) if start < end else None
