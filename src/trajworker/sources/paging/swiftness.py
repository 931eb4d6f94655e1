"""Reads old runs in the faster tier of v1, once the server has shown on known runs that this loses none.

What decides the tier is `end_time` (or now) minus `start_time` (langsmith-api.md section 5.1), and `end_time` bounds
when runs ENDED. So the runs of a stretch are asked for in two parts: in the slow tier those that failed, have not ended
or ended too late (a `LEFT_OVER` slice), then in the faster one those that succeeded in time (a `SWIFT` slice). The
parts overlap at their border. What `end_time` does was told by maintainers but is documented nowhere: a server that
does not give back what it gave before is read in the slow tier, whole and once, whatever kind of slice is asked for.
"""

from datetime import datetime, timedelta

import anyio
import msgspec
from msgspec import Struct

from trajworker.model.run import SUCCESS
from trajworker.model.times import MICROSECOND
from trajworker.ports import Page, Slice, SlicePurpose, Swift
from trajworker.sources.asking.client import Client, Tries
from trajworker.sources.asking.failure import Failure
from trajworker.sources.asking.generation import Generation
from trajworker.sources.asking.settings import LARGEST_PAGE
from trajworker.sources.paging.pages import Pages, RunRange
from trajworker.sources.paging.position import position_at
from trajworker.sources.paging.runs_query import RunsQuery
from trajworker.sources.wires.query import Detail, Query, both, not_swift, swift
from trajworker.sources.wires.wire import Wire

SLOW_PER_S = 10.0
"""Requests a second from which on no tier counts as slow: a single pager asks for hardly more."""
TRIAL_ATTEMPTS = 3
"""Attempts at the one request that tries the new form."""


class Swiftness:
    """The pages of slices, each asked for in the form that is right and fast."""

    def __init__(self, client: Client, generation: Generation, runs_query: RunsQuery, pages: Pages) -> None:
        self._client = client
        self._generation = generation
        self._runs_query = runs_query
        self._pages = pages
        self._met: dict[str, _Known] = {}
        self._holds: bool | None = None
        self._trying = anyio.Lock()

    async def page(self, slice_: Slice, plain: RunRange) -> Page:
        """The page of a slice at its cursor; `plain` is how all of its runs are asked for.

        Raises: see `Pages.read`.
        """
        wire = await self._generation.current()
        wanted = await self._form(slice_, plain, wire)
        try:
            page = await self._pages.read(wanted, slice_.cursor)
        except Failure as failure:
            if wanted is plain or slice_.cursor is not None or not failure.rejected:
                raise
            self._holds = False
            page = await self._pages.read(plain, None)
        return self._with_pace(slice_, page, wire)

    def _with_pace(self, slice_: Slice, page: Page, wire: Wire) -> Page:
        """The page, with how fast such pages may follow each other, and where that could be faster."""
        now, span = self._client.now, wire.swift_span
        query = Query(project_id=slice_.project_id, page_size=1, start=slice_.start)
        tier = wire.tier(query, now)
        pace_per_s = self._client.pace_of(tier).requests_per_s
        next_runs = min(self._pages.next_size(slice_.project_id), wire.largest_page)
        page = msgspec.structs.replace(page, next_runs=next_runs, pace_per_s=pace_per_s)
        if span is None or slice_.purpose is not SlicePurpose.COVER or pace_per_s > SLOW_PER_S or self._holds is False:
            return page
        if tier == wire.tier(msgspec.structs.replace(query, ended_before=slice_.start + span), now):
            return page
        if (known := _known_of(page, span)) is None:
            return page
        self._met[slice_.project_id] = known
        return msgspec.structs.replace(page, swift=Swift(since=now - span, span=span))

    async def _form(self, slice_: Slice, plain: RunRange, wire: Wire) -> RunRange:
        """How to ask for a slice; once begun in one form it is read in that form to its end."""
        if wire.swift_span is None or slice_.purpose not in (SlicePurpose.LEFT_OVER, SlicePurpose.SWIFT):
            return plain
        if slice_.cursor is not None:
            narrowed = position_at(slice_.cursor, wire.api).narrowed
        else:
            narrowed = await self._proven(slice_.project_id, wire.swift_span)
        if not narrowed:
            return plain
        end = slice_.start + wire.swift_span
        if slice_.purpose is SlicePurpose.LEFT_OVER:
            return msgspec.structs.replace(plain, filter=both(plain.filter, not_swift(end)), narrowed=True)
        return msgspec.structs.replace(plain, filter=both(plain.filter, swift()), ended_before=end, narrowed=True)

    async def _proven(self, project_id: str, span: timedelta) -> bool:
        """Whether the server is known to give all runs that ended in time; tried where there are runs to try it on."""
        async with self._trying:
            if self._holds is None and (known := self._met.pop(project_id, None)) is not None:
                self._holds = await self._try(project_id, known, span)
        return bool(self._holds)

    async def _try(self, project_id: str, known: "_Known", span: timedelta) -> bool:
        """Ask for known runs again in the new form: whether they are all there."""
        query = Query(
            project_id=project_id,
            page_size=LARGEST_PAGE,
            start=known.start,
            end=known.end,
            ended_before=known.start + span,
            filter=swift(),
            detail=Detail.OUTLINE,
        )
        try:
            reply = await self._runs_query.ask(query, Tries(TRIAL_ATTEMPTS))
        except Failure as failure:
            if failure.rejected:
                return False
            raise
        answer = reply.answer
        if answer.next_cursor is not None and not answer.runs:
            return False  # it leads on without a word on any run
        reached = known.start if answer.next_cursor is None else min(run.start_time for run in answer.runs)
        given = {run.id for run in answer.runs} | {one.run_id for one in answer.unreadable}
        return all(run_id in given for run_id, start in known.runs if start > reached)


class _Known(Struct, frozen=True):
    """Runs of a page that the new form must give, too, with their start times, and the stretch they lie in."""

    start: datetime
    end: datetime
    runs: tuple[tuple[str, datetime], ...]


def _known_of(page: Page, span: timedelta) -> _Known | None:
    """What to try the new form on; None where the page holds no such run."""
    if not page.runs or page.next_cursor is None:
        return None
    start, newest = min(run.start_time for run in page.runs), max(run.start_time for run in page.runs)
    runs = tuple(
        (run.id, run.start_time)
        for run in page.runs
        if run.status is SUCCESS and run.end_time is not None and run.end_time < start + span
    )
    return _Known(start, newest + MICROSECOND, runs) if runs else None
