"""LangSmith as a `RunSource`: one face over pages, look-ups, projects and feedback, in either generation of its API."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from trajworker.batches import batches
from trajworker.errors import SourceError
from trajworker.events import Observer, ignore
from trajworker.model.run import Feedback, Project
from trajworker.ports import Page, Slice
from trajworker.sources.asking.client import Client
from trajworker.sources.asking.failure import Failure
from trajworker.sources.asking.generation import Generation
from trajworker.sources.asking.pacing import Paces
from trajworker.sources.asking.retrying import error_of
from trajworker.sources.asking.settings import LangSmithSettings
from trajworker.sources.asking.transport import Transport
from trajworker.sources.feedback import FeedbackOfRuns, error_of_feedback
from trajworker.sources.paging.by_id import RunsById
from trajworker.sources.paging.pages import Pages, RunRange
from trajworker.sources.paging.runs_query import RunsQuery
from trajworker.sources.paging.salvage import Salvage
from trajworker.sources.paging.swiftness import Swiftness
from trajworker.sources.projects import Projects
from trajworker.sources.wires.query import (
    Detail,
    both,
    ended_after,
    of_metadata,
    of_thread,
    of_threads,
    of_traces,
    roots,
)
from trajworker.sources.wires.thread_key import ThreadKey

T = TypeVar("T")

TRACE_BATCH = 50
"""Traces asked for at once: how long a list `in(..)` may hold is not documented."""
THREAD_BATCH = 20
"""Conversations asked for at once, for the same reason."""


class LangSmithSource:
    """Runs of LangSmith projects; implements `ports.RunSource`. Use as an async context manager.

    Every method retries what passes and then raises a `SourceError` with advice: `SourceUnavailable`, `NotAllowed`,
    `ProjectNotFound`, `QueryRejected`, `CursorExpired` or `PageUnreadable`. Hand the same `paces` to all sources of a
    process.
    """

    def __init__(
        self,
        settings: LangSmithSettings,
        observer: Observer = ignore,
        *,
        paces: Paces | None = None,
    ) -> None:
        self._transport = Transport(settings.endpoint, settings)
        self._client = Client(self._transport, settings, observer, paces or Paces())
        self._generation = Generation(settings, self._client, observer)
        runs_query = RunsQuery(self._client, self._generation, settings, ThreadKey(settings.thread_keys))
        self._by_id = RunsById(runs_query)
        salvage = Salvage(runs_query, self._by_id, settings.retries.attempts)
        self._pages = Pages(self._client, self._generation, runs_query, salvage, settings)
        self._swiftness = Swiftness(self._client, self._generation, runs_query, self._pages)
        self._projects = Projects(self._client)
        self._feedback = FeedbackOfRuns(self._client)
        self._thread_keys = settings.thread_keys
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._transport)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(exc_type, exc, traceback)

    async def find_projects(self, names: Sequence[str]) -> list[Project]:
        """Projects by name, id or pattern (`prod-*`)."""
        return await _or_source_error(self._projects.find(names))

    async def page(self, slice_: Slice) -> Page:
        """The page of a slice at its cursor: the needed run types, newest first. Runs at its edges may come twice."""
        return await _or_source_error(self._swiftness.page(slice_, _of(slice_)))

    async def roots(self, slice_: Slice) -> Page:
        """Like `page`, but root runs only, without their payloads: what it takes to list conversations."""
        wanted = msgspec.structs.replace(_of(slice_), filter=roots(), detail=Detail.LISTING, needed_only=False)
        return await _or_source_error(self._pages.read(wanted, slice_.cursor))

    async def thread_roots(self, project_id: str, thread_ids: Sequence[str]) -> AsyncIterator[Page]:
        """Root runs of some conversations, without their payloads, whenever they were."""
        for some in batches(thread_ids, THREAD_BATCH):
            async for page in self._whole(project_id, both(roots(), of_threads(some)), Detail.LISTING):
                yield page

    async def trace_roots(self, project_id: str, trace_ids: Sequence[str]) -> AsyncIterator[Page]:
        """Root runs of some traces, without their payloads."""
        for some in batches(trace_ids, TRACE_BATCH):
            async for page in self._whole(project_id, both(roots(), of_traces(some)), Detail.LISTING):
                yield page

    async def metadata_roots(self, project_id: str, thread_id: str) -> AsyncIterator[Page]:
        """Root runs that name a conversation in their metadata, where the server has no index of it."""
        named = of_metadata(self._thread_keys, thread_id)
        async for page in self._whole(project_id, both(roots(), named), Detail.LISTING):
            yield page

    async def thread(self, project_id: str, thread_id: str) -> AsyncIterator[Page]:
        """The pages of one conversation, whenever it was."""
        async for page in self._whole(project_id, of_thread(thread_id)):
            yield page

    async def trace_runs(self, project_id: str, trace_ids: Sequence[str]) -> AsyncIterator[Page]:
        """The pages of some traces, whenever they were."""
        for some in batches(trace_ids, TRACE_BATCH):
            async for page in self._whole(project_id, of_traces(some)):
                yield page

    async def runs_by_id(self, project_id: str, ids: Sequence[str]) -> Page:
        """Those runs as they are now, of whatever type; ids the source no longer has are absent."""
        return await _or_source_error(self._by_id.find(project_id, ids))

    async def feedback(self, run_ids: Sequence[str]) -> list[Feedback]:
        """Feedback left on those runs."""
        return await _or_source_error(self._feedback.find(run_ids), error_of_feedback)

    async def now(self) -> datetime:
        """Time as the server tells it with every answer."""
        if self._client.server_time is None:
            await _or_source_error(self._generation.greet())
        return self._client.now

    async def _whole(
        self, project_id: str, filter_text: str | None, detail: Detail = Detail.WHOLE
    ) -> AsyncIterator[Page]:
        wanted = RunRange(project_id=project_id, filter=filter_text, detail=detail, needed_only=detail is Detail.WHOLE)
        cursor: str | None = None
        while True:
            page = await _or_source_error(self._pages.read(wanted, cursor))
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return


def _of(slice_: Slice) -> RunRange:
    ended = ended_after(slice_.ended_after) if slice_.ended_after is not None else None
    return RunRange(project_id=slice_.project_id, start=slice_.start, end=slice_.end, filter=ended)


async def _or_source_error(answer: Awaitable[T], told: Callable[[Failure], SourceError] = error_of) -> T:
    """The answer, or the error a person understands; the failure itself goes no further."""
    try:
        return await answer
    except Failure as failure:
        error = told(failure)
    raise error
