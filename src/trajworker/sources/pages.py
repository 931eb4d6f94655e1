"""Reads a stretch of runs page by page: sizes that fit, cursors that expire or come back, pages that never come whole."""

from datetime import datetime

import anyio
import msgspec
from msgspec import Struct

from trajworker.errors import CursorExpired, PageUnreadable
from trajworker.ports import Page, Unreadable
from trajworker.sources.by_id import RunsById
from trajworker.sources.client import Client, Tries
from trajworker.sources.failure import Failure, Kind
from trajworker.sources.generation import Generation
from trajworker.sources.page_size import SHRINK, PageSize
from trajworker.sources.position import Position, position_at
from trajworker.sources.query import Detail, Query
from trajworker.sources.retrying import TRANSIENT, Step, step_after
from trajworker.sources.runs_query import Asked, RunsQuery, is_rejected, is_turned_away
from trajworker.sources.settings import LangSmithSettings

OUTLINE_PAGE = 20
"""Runs on the outline of a page that does not come whole."""
_NEVER_WHOLE = frozenset({Kind.TIMEOUT, Kind.OVERSIZE, Kind.BROKEN, Kind.TORN, Kind.CORRUPT})
"""Faults that one run may cause, besides server errors."""


class Wanted(Struct, frozen=True, kw_only=True):
    """A stretch of runs to be read page by page; without bounds, of all times. See `query.Query`."""

    project_id: str
    start: datetime | None = None
    end: datetime | None = None
    filter: str | None = None
    needed_only: bool = True
    """Whether only roots and the run types of the settings are asked for."""


class Pages:
    """The pages of stretches of one server."""

    def __init__(
        self,
        client: Client,
        generation: Generation,
        runs_query: RunsQuery,
        by_id: RunsById,
        settings: LangSmithSettings,
    ) -> None:
        self._client = client
        self._generation = generation
        self._runs_query = runs_query
        self._by_id = by_id
        self._settings = settings
        self._sizes: dict[str, PageSize] = {}
        self._first: dict[str, anyio.Lock] = {}

    async def read(self, wanted: Wanted, cursor: str | None) -> Page:
        """The page at a cursor that an earlier page gave, the first page without one.

        Raises:
            CursorExpired: begin again from the first page.
            Failure: the server does not answer usably.
        """
        needed_only = wanted.needed_only
        position = position_at(cursor, (await self._generation.current()).api)
        query = Query(
            project_id=wanted.project_id,
            start=wanted.start,
            end=position.before or wanted.end,
            filter=wanted.filter,
            cursor=position.server_cursor,
            page_size=1,
        )
        try:
            asked = await self._fitting(query, needed_only=needed_only)
        except Failure as failure:
            if not query.cursor or not (is_rejected(failure) or is_turned_away(failure)):
                raise
            rejection = failure
        else:
            return self._page(asked, position)
        by_time = position.without_cursor()
        if by_time is None or is_turned_away(rejection):
            raise CursorExpired("The server no longer takes the cursor; the slice is read again.")
        again = msgspec.structs.replace(query, cursor=None, end=by_time.before)
        return self._page(await self._fitting(again, needed_only=needed_only), by_time)

    def _page(self, asked: Asked, position: Position) -> Page:
        answer = asked.answer
        after = msgspec.structs.replace(position, api=asked.api).seen(answer.runs, answer.next_cursor)
        following: Position | None = after
        if answer.next_cursor is None:
            full = answer.rows >= asked.page_size
            suspicious = full and (asked.api == "v1" or not answer.told)
            # A full page without a cursor may be the last or a server's lapse: the rest of the window tells.
            following = after.without_cursor() if suspicious else None
        elif answer.next_cursor == position.server_cursor:
            raise CursorExpired("The server repeats a cursor; the slice is read again.")
        return Page(
            runs=answer.runs,
            unreadable=answer.unreadable,
            next_cursor=following.packed() if following else None,
            oldest=min((run.start_time for run in answer.runs), default=None),
            size_bytes=asked.size_bytes,
        )

    async def _fitting(self, query: Query, *, needed_only: bool) -> Asked:
        """Ask with the page size that fits. The first page of a project goes alone: what it weighs spares the others requests."""
        sizes = self._sizes.setdefault(query.project_id, PageSize(self._settings.page_size, self._settings.page_bytes))
        if sizes.known:
            return await self._shrinking(query, sizes, needed_only=needed_only)
        async with self._first.setdefault(query.project_id, anyio.Lock()):
            return await self._shrinking(query, sizes, needed_only=needed_only)

    async def _shrinking(self, query: Query, sizes: PageSize, *, needed_only: bool) -> Asked:
        tries = Tries(self._settings.retries.attempts)
        size = sizes.choose()
        while True:
            sized = msgspec.structs.replace(query, page_size=size)
            try:
                asked = await self._runs_query.ask(sized, tries, needed_only=needed_only)
            except Failure as failure:
                step = step_after(failure, tries.failures, self._settings.retries)
                if not _may_be_one_run(failure):
                    raise
                if step is not Step.SHRINK or tries.failures >= self._settings.retries.page_attempts:
                    return await self._one_by_one(sized, failure, needed_only=needed_only)
                size = max(1, size // SHRINK) if failure.status in TRANSIENT else sizes.too_much(size)
                await self._client.back_off(failure, tries)
            else:
                sizes.seen(asked.answer.rows, asked.size_bytes)
                return asked

    async def _one_by_one(self, query: Query, failure: Failure, *, needed_only: bool) -> Asked:
        """A page that never comes whole: list its runs, fetch them by id, set the culprits aside."""
        outline = msgspec.structs.replace(query, detail=Detail.OUTLINE, page_size=OUTLINE_PAGE)
        asked = await self._runs_query.ask(outline, Tries(self._settings.retries.attempts), needed_only=needed_only)
        listed = {run.id: run for run in asked.answer.runs}
        found = await self._by_id.find(query.project_id, list(listed))
        unreadable = [*asked.answer.unreadable]
        for one in found.unreadable:
            known = listed.get(one.run_id or "")
            raw = one.raw or (msgspec.json.encode(known) if known else b"")
            unreadable.append(Unreadable(project_id=one.project_id, run_id=one.run_id, reason=one.reason, raw=raw))
        if len(unreadable) == len(listed) > 1:
            raise PageUnreadable(
                f"None of {len(listed)} runs could be read that start before {query.end}: {failure.reason}. Run again later."
            )
        answer = msgspec.structs.replace(asked.answer, runs=found.runs, unreadable=tuple(unreadable))
        return Asked(answer=answer, api=asked.api, page_size=OUTLINE_PAGE, size_bytes=found.size_bytes)


def _may_be_one_run(failure: Failure) -> bool:
    """Whether a single run on the page may be the cause, and not the key, the network or the API."""
    if failure.kind is Kind.STATUS:
        return failure.status in TRANSIENT or failure.status in (413, 414)
    return failure.kind in _NEVER_WHOLE
