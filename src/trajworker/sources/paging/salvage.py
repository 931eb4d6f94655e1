"""What is left of a page that never comes whole: everything but the run that spoils it (reliability.md row 13).

First the page is outlined (ids and times are cheap even where payloads are not) and its runs are fetched by id, in
halving groups. Where even the outline fails, the moment of the culprit is found by bisecting time, and reading goes on
before it.
"""

from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from trajworker.errors import PageUnreadable
from trajworker.ports import Unreadable
from trajworker.sources.asking.client import Tries
from trajworker.sources.asking.failure import Failure
from trajworker.sources.asking.retrying import may_be_one_run
from trajworker.sources.paging.by_id import ALONE_ATTEMPTS, ALONE_WAIT_S, NEVER_CAME, RunsById
from trajworker.sources.paging.runs_query import Reply, RunsQuery
from trajworker.sources.wires.instants import text_of
from trajworker.sources.wires.query import Detail, Query

OUTLINE_PAGE = 20
"""Runs on the outline of a page."""
FINEST = timedelta(milliseconds=3)
"""Bisecting stops here: windows are widened by a millisecond on both sides anyway."""


QUIET = datetime(2015, 1, 1, tzinfo=UTC)
"""A moment at which hardly any run can have started: before LangSmith, and no clock that was never set."""


class Salvaged(Struct, frozen=True):
    """What could be read around a culprit, and the moment before which reading goes on."""

    reply: Reply
    before: datetime


class Salvage:
    """Reads around what cannot be read."""

    def __init__(self, runs_query: RunsQuery, by_id: RunsById, attempts: int) -> None:
        self._runs_query = runs_query
        self._by_id = by_id
        self._attempts = attempts

    async def outlined(self, query: Query, failure: Failure) -> Reply:
        """The page of a query by its outline, culprits set aside.

        Raises:
            Failure: even the outline does not come.
            PageUnreadable: no run of it can be read, so that it is the server and not a run.
        """
        outline = msgspec.structs.replace(query, detail=Detail.OUTLINE, page_size=OUTLINE_PAGE)
        reply = await self._runs_query.ask(outline, Tries(self._attempts))
        return await self._filled(reply, query, failure)

    async def around_culprit(self, query: Query, failure: Failure) -> Salvaged:
        """The newest runs of a window up to the one that no answer can hold; that one as far as it can be named.

        The query has no cursor. Runs within milliseconds of the culprit are withheld with it.

        Raises:
            Failure: the server fails for every window, so that it is not a run.
            PageUnreadable: there is no window to bisect, or more fails than runs can explain.
        """
        if query.start is None or query.end is None:
            raise PageUnreadable(f"A page never came whole ({failure.reason}), and it has no window to bisect.")
        bad, good, newest = query.start, query.end, None
        # A server that fails even where there are no runs fails for all.
        empty = msgspec.structs.replace(query, end=QUIET)
        if await self._outline_since(empty, QUIET) is None:
            raise failure
        if await self._outline_since(query, bad) is not None:
            raise failure
        while good - bad > FINEST:
            middle = bad + (good - bad) / 2
            answer = await self._outline_since(query, middle)
            if answer is None:
                bad = middle
            else:
                good, newest = middle, answer
        if newest is None:
            raise failure
        if newest.answer.next_cursor is not None:
            raise PageUnreadable(f"No page before {text_of(good)} comes whole ({failure.reason}). Run again later.")
        reason = f"a run that started between {text_of(bad)} and {text_of(good)} never came: {failure}"
        culprit = Unreadable(
            project_id=query.project_id, run_id=None, reason=reason, raw=b"", kind=NEVER_CAME, stretch=(bad, good)
        )
        reply = await self._filled(newest, query, failure)
        answer_with = msgspec.structs.replace(reply.answer, unreadable=(*reply.answer.unreadable, culprit))
        return Salvaged(msgspec.structs.replace(reply, answer=answer_with), bad - FINEST)

    async def _filled(self, outline: Reply, query: Query, failure: Failure) -> Reply:
        """The runs of an outline, whole."""
        listed = {run.id: run for run in outline.answer.runs}
        try:
            found = await self._by_id.find(query.project_id, list(listed))
        except Failure as second:
            raise second if not may_be_one_run(second) else failure from None
        unreadable = list(outline.answer.unreadable)
        for one in found.unreadable:
            known = listed.get(one.run_id or "")
            raw = one.raw or (msgspec.json.encode(known) if known else b"")
            trace_id = known.trace_id if known else one.trace_id
            unreadable.append(msgspec.structs.replace(one, raw=raw, trace_id=trace_id))
        newest_first = tuple(sorted(found.runs, key=lambda run: run.start_time, reverse=True))
        answer = msgspec.structs.replace(outline.answer, runs=newest_first, unreadable=tuple(unreadable))
        return msgspec.structs.replace(outline, answer=answer, page_size=OUTLINE_PAGE, size_bytes=found.size_bytes)

    async def _outline_since(self, query: Query, start: datetime) -> Reply | None:
        window = msgspec.structs.replace(query, start=start, page_size=OUTLINE_PAGE, detail=Detail.OUTLINE)
        tries = Tries(ALONE_ATTEMPTS, longest_wait_s=ALONE_WAIT_S)
        try:
            return await self._runs_query.ask(window, tries)
        except Failure as failure:
            if not may_be_one_run(failure):
                raise
            return None
