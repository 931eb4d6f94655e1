"""Asks one `runs/query` of whichever generation the server speaks; generation, page size and filter may give way."""

from functools import partial

import msgspec
from msgspec import Struct

from trajworker.sources.asking.client import Ask, Client, Tries
from trajworker.sources.asking.failure import Failure
from trajworker.sources.asking.generation import Generation
from trajworker.sources.asking.settings import LangSmithSettings
from trajworker.sources.asking.transport import Request
from trajworker.sources.wires.query import Query, both, needed
from trajworker.sources.wires.reading import Answer, read
from trajworker.sources.wires.row import Reader, ThreadKeyOf
from trajworker.sources.wires.wire import Wire

SAFE_PAGE = 100
"""A page size that every server takes."""
_SIZE_WORDS = ("limit", "page_size", "page size", "maximum")


class Reply(Struct, frozen=True, kw_only=True):
    """An answer, and what it was got with: the generation, the page size that was asked for, and the bytes received."""

    answer: Answer
    api: str
    page_size: int
    size_bytes: int


class RunsQuery:
    """`runs/query` over either wire."""

    def __init__(
        self, client: Client, generation: Generation, settings: LangSmithSettings, thread_key: ThreadKeyOf
    ) -> None:
        self._client = client
        self._generation = generation
        self._thread_key = thread_key
        self._needed = needed(settings.run_types)
        self._largest_page: int | None = None

    async def ask(self, query: Query, tries: Tries) -> Reply:
        """The answer to a query.

        Raises:
            Failure: nothing usable came, or the query must be made smaller.
        """
        wire = await self._generation.current()
        try:
            return await self._filtered(wire, query, tries)
        except Failure as failure:
            other = self._generation.other(wire)
            if other is None or query.cursor or not failure.turned_away:
                raise
            refusal = failure
        try:
            reply = await self._filtered(other, query, tries)
        except Failure as second:
            raise refusal if second.turned_away else second from None
        self._generation.choose(other.api, f"the server answers {refusal.status} to {wire.api}")
        return reply

    async def _filtered(self, wire: Wire, query: Query, tries: Tries) -> Reply:
        """Only the needed run types; a server that does not take that filter is asked without it from then on."""
        if not query.needed_only or self._needed is None:
            return await self._sized(wire, query, tries)
        narrowed = msgspec.structs.replace(query, filter=both(query.filter, self._needed))
        try:
            return await self._sized(wire, narrowed, tries)
        except Failure as failure:
            if query.cursor or not failure.rejected:
                raise
            rejection = failure
        try:
            reply = await self._sized(wire, query, tries)
        except Failure as second:
            raise rejection if second.rejected else second from None
        self._needed = None
        return reply

    async def _sized(self, wire: Wire, query: Query, tries: Tries) -> Reply:
        """A page size within the wire's cap; a server that takes less is asked for the safe size from then on."""
        size = min(query.page_size, self._largest_page or wire.largest_page, wire.largest_page)
        try:
            return await self._once(wire, msgspec.structs.replace(query, page_size=size), tries)
        except Failure as failure:
            if size <= SAFE_PAGE or not _is_about_size(failure):
                raise
        reply = await self._once(wire, msgspec.structs.replace(query, page_size=SAFE_PAGE), tries)
        self._largest_page = SAFE_PAGE
        return reply

    async def _once(self, wire: Wire, query: Query, tries: Tries) -> Reply:
        answer, size_bytes = await self._client.ask(
            Ask(
                request=Request(path=wire.path, body=wire.body(query)),
                tier=wire.tier(query, self._client.now),
                understand=partial(_understood, wire, Reader(query.project_id, self._thread_key)),
                shrinkable=True,
            ),
            tries,
        )
        return Reply(answer=answer, api=wire.api, page_size=query.page_size, size_bytes=size_bytes)


def _understood(wire: Wire, reader: Reader, content: bytes) -> tuple[Answer, int]:
    return read(content, wire, reader), len(content)


def _is_about_size(failure: Failure) -> bool:
    """Whether it was the size of the page that it did not take."""
    return failure.rejected and any(word in failure.detail.lower() for word in _SIZE_WORDS)
