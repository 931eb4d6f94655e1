"""Reads a stretch of runs page by page, though cursors expire or come back, and pages never come whole."""

from collections.abc import Hashable
from datetime import datetime

import anyio
import msgspec
from msgspec import Struct

from trajworker.errors import CursorExpired, SourceUnavailable
from trajworker.ports import Page
from trajworker.sources.asking.client import Client, Tries
from trajworker.sources.asking.failure import Failure
from trajworker.sources.asking.generation import Generation
from trajworker.sources.asking.retrying import TRANSIENT, Remedy, may_be_one_run, remedy_for
from trajworker.sources.asking.settings import LangSmithSettings
from trajworker.sources.paging.cursors_seen import CursorsSeen
from trajworker.sources.paging.empty_pages import MOST_IN_A_ROW, EmptyPages
from trajworker.sources.paging.page_size import SHRINK, PageSize
from trajworker.sources.paging.position import Position, position_at
from trajworker.sources.paging.runs_query import Reply, RunsQuery
from trajworker.sources.paging.salvage import Salvage
from trajworker.sources.wires.query import Detail, Query


class RunRange(Struct, frozen=True, kw_only=True):
    """A stretch of runs to be read page by page; without bounds, of all times. See `query.Query`."""

    project_id: str
    start: datetime | None = None
    end: datetime | None = None
    filter: str | None = None
    detail: Detail = Detail.WHOLE
    ended_before: datetime | None = None
    needed_only: bool = True
    """Whether only roots and the run types of the settings are asked for."""
    narrowed: bool = False
    """Whether it is a part of the runs that `filter` and `ended_before` choose; remembered in its cursors."""


class Pages:
    """The pages of stretches of one server."""

    def __init__(
        self,
        client: Client,
        generation: Generation,
        runs_query: RunsQuery,
        salvage: Salvage,
        settings: LangSmithSettings,
    ) -> None:
        self._client = client
        self._generation = generation
        self._runs_query = runs_query
        self._salvage = salvage
        self._settings = settings
        self._sizes: dict[Hashable, PageSize] = {}
        self._first: dict[Hashable, anyio.Lock] = {}
        self._cursors = CursorsSeen()
        self._empty = EmptyPages()

    def next_size(self, project_id: str) -> int:
        """Runs that will be asked for next in a project, within the bounds of the wire."""
        return self._sizes_of(project_id, Detail.WHOLE).choose()

    async def read(self, wanted: RunRange, cursor: str | None) -> Page:
        """The page at a cursor that an earlier page gave, the first page without one.

        Raises:
            CursorExpired: begin again from the first page; how often is the caller's to bound.
            PageUnreadable: a page never came whole.
            SourceUnavailable: it leads from one empty page to the next without an end.
            Failure: the server does not answer usably.
        """
        position = position_at(cursor, (await self._generation.current()).api)
        if cursor is None:
            self._cursors.forget(wanted)
            self._empty.forget(wanted)
            position = msgspec.structs.replace(position, narrowed=wanted.narrowed)
        try:
            reply = await self._fitting(_query(wanted, position))
        except Failure as failure:
            return await self._otherwise(wanted, position, failure)
        return self._page(reply, position, wanted)

    async def _otherwise(self, wanted: RunRange, position: Position, failure: Failure) -> Page:
        """Go on by time where the cursor is refused, around the culprit where a page never comes."""
        spoilt = may_be_one_run(failure)
        refused = position.server_cursor is not None and (failure.rejected or failure.turned_away)
        if not spoilt and not refused:
            raise failure
        by_time = position if position.server_cursor is None else position.without_cursor()
        if by_time is None or failure.turned_away:
            raise CursorExpired("The server no longer takes the cursor; the slice must be read from its start.")
        self._cursors.forget(wanted)
        query = _query(wanted, by_time)
        if refused:
            reply = await self._fitting(query)
            return self._page(reply, by_time, wanted)
        salvaged = await self._salvage.around_culprit(query, failure)
        if wanted.start is not None and salvaged.before <= wanted.start:
            self._finish(wanted)
            return _page_of(salvaged.reply, None)
        return _page_of(
            salvaged.reply, msgspec.structs.replace(by_time, before=salvaged.before, oldest=salvaged.before)
        )

    def _page(self, reply: Reply, position: Position, wanted: RunRange) -> Page:
        following = self._following(reply, msgspec.structs.replace(position, api=reply.api), wanted)
        if following is None:
            self._finish(wanted)
        return _page_of(reply, following)

    def _following(self, reply: Reply, position: Position, wanted: RunRange) -> Position | None:
        """Where reading goes on; None at the end."""
        answer = reply.answer
        after = position.seen(answer.runs, answer.next_cursor)
        if answer.next_cursor is None:
            if answer.rows < reply.page_size:
                return None
            # A full page without a cursor may be the last or a lapse of the server: the rest of the window tells.
            if not after.ordered:
                raise CursorExpired(
                    "A full page came without a cursor and in no order: there may be more behind it; "
                    "the slice must be read from its start."
                )
            return after.without_cursor()
        if self._empty.too_many(wanted, answer.rows):
            raise SourceUnavailable(
                f"{MOST_IN_A_ROW:,} pages in a row came empty, each with a cursor to the next. Run again later; if "
                "only more of them come, tell those who run the server, or a proxy before it."
            )
        if self._cursors.remember(wanted, answer.next_cursor):
            return after
        self._cursors.forget(wanted)
        by_time = after.without_cursor()
        if by_time is None:
            raise CursorExpired("The server leads in circles; the slice must be read from its start.")
        return by_time

    def _finish(self, stretch: Hashable) -> None:
        self._cursors.forget(stretch)
        self._empty.forget(stretch)

    async def _fitting(self, query: Query) -> Reply:
        """Ask with the page size that fits.

        The first page of a project goes alone: what its runs weigh spares all others requests.
        """
        kind = (query.project_id, query.detail)
        sizes = self._sizes_of(*kind)
        if sizes.known:
            return await self._shrinking(query, sizes)
        async with self._first.setdefault(kind, anyio.Lock()):
            if not sizes.known:
                return await self._shrinking(query, sizes)
        return await self._shrinking(query, sizes)

    def _sizes_of(self, project_id: str, detail: Detail) -> PageSize:
        known = self._settings.known_run_bytes if detail is Detail.WHOLE else None
        fresh = PageSize(self._settings.page_size, self._settings.page_bytes, known)
        return self._sizes.setdefault((project_id, detail), fresh)

    async def _shrinking(self, query: Query, sizes: PageSize) -> Reply:
        tries = Tries(self._settings.retries.attempts)
        size = min(sizes.choose(), (await self._generation.current()).largest_page)
        while True:
            sized = msgspec.structs.replace(query, page_size=size)
            try:
                reply = await self._runs_query.ask(sized, tries)
            except Failure as failure:
                if not may_be_one_run(failure):
                    raise
                remedy = remedy_for(failure, tries.failures, self._settings.retries)
                if remedy is not Remedy.SHRINK or tries.failures >= self._settings.retries.page_attempts:
                    return await self._salvage.outlined(sized, failure)
                size = max(1, size // SHRINK) if failure.status in TRANSIENT else sizes.too_much(size)
                await self._client.back_off(failure, tries)
            else:
                sizes.seen(reply.answer.rows, reply.size_bytes)
                return reply


def _page_of(reply: Reply, following: Position | None) -> Page:
    answer = reply.answer
    return Page(
        runs=answer.runs,
        unreadable=answer.unreadable,
        next_cursor=following.packed() if following else None,
        oldest=min((run.start_time for run in answer.runs), default=None),
        size_bytes=reply.size_bytes,
    )


def _query(wanted: RunRange, position: Position) -> Query:
    return Query(
        project_id=wanted.project_id,
        start=wanted.start,
        end=position.before or wanted.end,
        ended_before=wanted.ended_before,
        filter=wanted.filter,
        needed_only=wanted.needed_only,
        cursor=position.server_cursor,
        detail=wanted.detail,
        page_size=1,
    )
