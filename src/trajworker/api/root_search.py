"""Finds the root runs of conversations by their ids, whatever kind of id a caller has: of a thread, or of a trace."""

from collections.abc import Iterable, Sequence
from functools import partial

from msgspec import Struct, field

from trajworker.api.source_view import SourceView
from trajworker.api.tasks import all_of
from trajworker.batches import batches
from trajworker.model.run import Run, is_uuid

SEARCHES = 8
"""Questions asked at the same time; their pace is shared besides."""
ROOTS_AT_ONCE = 20


class Roots(Struct):
    """What the source told: root runs by trace id, and the conversation that each asked id stands for."""

    listed: dict[str, Run] = field(default_factory=dict)
    traces: dict[str, set[str]] = field(default_factory=dict)
    """Trace ids by conversation id."""
    names: dict[str, str] = field(default_factory=dict)
    """Conversation id by the id that was asked for: another one where that was the id of a trace."""

    def add(self, run: Run, conversation_id: str) -> None:
        """Take in a root."""
        self.listed[run.trace_id] = run
        self.traces.setdefault(conversation_id, set()).add(run.trace_id)

    def missing(self, ids: Iterable[str]) -> list[str]:
        """Which of the ids are not known to be anything yet."""
        return [one for one in ids if one not in self.names]


class RootSearch:
    """Asks one project for the roots of conversations."""

    def __init__(self, view: SourceView, project_id: str) -> None:
        self._view = view
        self._source = view.source
        self._project_id = project_id

    async def find(self, ids: Sequence[str], roots: Roots) -> None:
        """Add the roots of those conversations to `roots`; ids that are unknown stay `missing` there.

        Asked for by thread; then as ids of traces; what is left one by one, as a server without an index needs it.
        """
        await self._by_thread(ids, roots)
        await self._by_trace([one for one in roots.missing(ids) if is_uuid(one)], roots)
        missing = roots.missing(ids)
        await all_of(SEARCHES, [partial(self._by_metadata, roots, one) for one in missing])

    async def _by_thread(self, ids: Sequence[str], roots: Roots) -> None:
        async def some(batch: Sequence[str]) -> None:
            wanted = set(batch)
            async for run in self._view.runs(self._source.thread_roots(self._project_id, batch)):
                if run.thread_id in wanted:
                    roots.add(run, run.thread_id)
                    roots.names[run.thread_id] = run.thread_id

        await all_of(SEARCHES, [partial(some, batch) for batch in batches(ids, ROOTS_AT_ONCE)])

    async def _by_trace(self, ids: Sequence[str], roots: Roots) -> None:
        """A root with a thread leads to that conversation; one without is a conversation of its own."""
        elsewhere: dict[str, str] = {}
        async for run in self._view.runs(self._source.trace_roots(self._project_id, ids)):
            if run.thread_id is None:
                roots.add(run, run.trace_id)
                roots.names[run.trace_id] = run.trace_id
            elif run.thread_id != run.trace_id:  # else the server has no index of threads: metadata will tell
                elsewhere[run.trace_id] = run.thread_id
        threads = list(dict.fromkeys(elsewhere.values()))
        await self._by_thread(threads, roots)
        for one in roots.missing(threads):
            await self._by_metadata(roots, one)
        roots.names.update({trace: name for trace, name in elsewhere.items() if name in roots.names})

    async def _by_metadata(self, roots: Roots, asked: str) -> None:
        async for run in self._view.runs(self._source.metadata_roots(self._project_id, asked)):
            roots.add(run, asked)
            roots.names[asked] = asked
        if asked in roots.names:
            return
        # no root names it: perhaps its runs do, or it is a trace whose root is missing
        async for run in self._view.runs(self._source.thread(self._project_id, asked)):
            roots.traces.setdefault(asked, set()).add(run.trace_id)
            roots.names[asked] = asked
        if asked not in roots.names and is_uuid(asked):
            async for run in self._view.runs(self._source.trace_runs(self._project_id, [asked])):
                roots.traces.setdefault(asked, set()).add(run.trace_id)
                roots.names[asked] = run.thread_id or asked
