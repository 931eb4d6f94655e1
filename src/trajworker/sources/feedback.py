"""Feedback on runs (`GET /feedback`, langsmith-api.md section 2.3), in batches that fit a URL."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from trajworker.batches import batches
from trajworker.decoding import REFUSED
from trajworker.errors import SourceError, SourceUnavailable
from trajworker.model.run import Feedback
from trajworker.sources.asking.client import Ask, Client
from trajworker.sources.asking.failure import Failure, Kind
from trajworker.sources.asking.retrying import TOO_MUCH, error_of
from trajworker.sources.asking.transport import Request
from trajworker.sources.wires.instants import utc
from trajworker.sources.wires.reading import NotAPage

PATH = "/api/v1/feedback"
BATCH = 50
"""Runs a request: 50 ids make 2 KB of URL, well below the 8 KB that servers take."""
PAGE = 100
"""Feedback a request; the server gives no more."""
RESTARTS = 3
"""How often feedback that moved while it was read is read anew."""


class _Row(Struct):
    id: str
    key: str
    run_id: str | None = None
    trace_id: str | None = None
    score: Any = None
    value: Any = None
    comment: Any = None
    correction: Any = None
    created_at: datetime | None = None
    modified_at: datetime | None = None


class FeedbackOfRuns:
    """What people and evaluators said of runs."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def find(self, run_ids: Sequence[str]) -> list[Feedback]:
        """All feedback on those runs.

        Raises:
            Failure: the server does not answer usably.
        """
        found: dict[str, Feedback] = {}
        waiting = [tuple(some) for some in batches(run_ids, BATCH)]
        while waiting:
            batch = waiting.pop()
            try:
                found |= {one.id: one for one in await self._batch(batch)}
            except Failure as failure:
                if failure.status not in TOO_MUCH or len(batch) == 1:
                    raise
                half = len(batch) // 2
                waiting += [batch[:half], batch[half:]]
        return list(found.values())

    async def _batch(self, run_ids: tuple[str, ...]) -> list[Feedback]:
        """All feedback on some runs, read anew where it moved meanwhile."""
        for _ in range(RESTARTS):
            found = await self._unmoved(run_ids)
            if found is not None:
                return found
        return await self._whatever_comes(run_ids)

    async def _unmoved(self, run_ids: tuple[str, ...]) -> list[Feedback] | None:
        """Feedback on some runs; None where it moved between two pages: a piece passed over would seem deleted.

        Each page begins with the last piece of the page before, which tells.
        """
        found: list[Feedback] = []
        async with aclosing(self._pages(run_ids)) as pages:
            async for page in pages:
                if found and _ids(page[:1]) != _ids(found[-1:]):
                    return None
                found += page
        return found

    async def _whatever_comes(self, run_ids: tuple[str, ...]) -> list[Feedback]:
        """Feedback on some runs from a server that keeps no order: what it gives is all there is to have."""
        found: list[Feedback] = []
        async with aclosing(self._pages(run_ids)) as pages:
            async for page in pages:
                found += page
        return found

    async def _pages(self, run_ids: tuple[str, ...]) -> AsyncGenerator[list[Feedback], None]:
        """Page after page, until one is not full or brings nothing new: no order lasts for ever."""
        before: list[Feedback] = []
        seen: set[str] = set()
        at = 0
        while True:
            params = (*(("run", run_id) for run_id in run_ids), ("limit", str(PAGE)), ("offset", str(at)))
            request = Request(path=PATH, params=params)
            page = await self._client.ask(Ask(request=request, tier="other", understand=_page))
            is_full = len(page) == PAGE
            if is_full and page == before:
                raise Failure(Kind.FOREIGN, detail="the same page of feedback again and again")
            yield page
            if not is_full or seen.issuperset(_ids(page)):
                return
            seen.update(_ids(page))
            before = page
            at += PAGE - 1


def _ids(page: list[Feedback]) -> list[str]:
    return [one.id for one in page]


def error_of_feedback(failure: Failure) -> SourceError:
    """The error a person sees: it says that feedback was asked for, which is at an address of its own."""
    if failure.turned_away:
        return SourceUnavailable(
            f"This server does not offer feedback ({PATH}, status {failure.status}), and some runs have it. "
            "Check source.endpoint (no path but the host), and whether a proxy lets that address through."
        )
    error = error_of(failure)
    return type(error)(f"Feedback on runs ({PATH}) could not be read. {error}")


def _page(content: bytes) -> list[Feedback]:
    try:
        return [_feedback(row) for row in msgspec.json.decode(content, type=list[_Row])]
    except REFUSED:
        raise NotAPage("no list of feedback") from None


def _feedback(row: _Row) -> Feedback:
    score = row.score if isinstance(row.score, bool | int | float) else None
    comment = (
        row.comment
        if row.comment is None or isinstance(row.comment, str)
        else msgspec.json.encode(row.comment).decode()
    )
    return Feedback(
        id=row.id,
        run_id=row.run_id,
        trace_id=row.trace_id,
        key=row.key,
        score=score,
        value=row.value,
        comment=comment,
        correction=row.correction,
        created_at=utc(row.created_at) if row.created_at else None,
        modified_at=utc(row.modified_at) if row.modified_at else None,
    )
