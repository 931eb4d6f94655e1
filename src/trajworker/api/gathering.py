"""Brings conversations into staging by their ids: their roots are asked for first, and only what changed is fetched.

A root costs next to nothing to list. A trace is fetched when it is not staged, when its root ended since or ended too
shortly before it was last read for all its runs to have arrived, when a run of it had not ended, or could not be read.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from trajworker.api.root_search import Roots, RootSearch
from trajworker.api.source_view import SourceView
from trajworker.api.tasks import all_of
from trajworker.batches import batches
from trajworker.errors import ConversationNotFound
from trajworker.model.run import NULL, Project, Run
from trajworker.ports import StagedPage
from trajworker.staging import Staging
from trajworker.staging.lookup import StagedTrace

FETCHERS = 8
"""Batches fetched at the same time; their pace is shared besides."""
TRACES_AT_ONCE = 50
FEWEST_TRACES = 10
"""A batch is not made smaller than this only to occupy every fetcher."""
READ_MARK = "read:"
"""Marks when a conversation was last read whole; alone, when the whole project was."""


class Gathering:
    """Reads conversations of one project into one staging file."""

    def __init__(self, view: SourceView, staging: Staging, project: Project, settle: timedelta) -> None:
        """`settle` is how long the source may lag."""
        self._view = view
        self._source = view.source
        self._staging = staging
        self._project = project
        self._settle = settle
        self._seq = count(1)
        self._search = RootSearch(view, project.id)

    async def gather(self, ids: Sequence[str]) -> Roots:
        """Stage what is new of these conversations; returns what they turned out to be.

        Raises:
            ConversationNotFound: naming every id that is unknown; nothing was fetched then.
            SourceError: the source does not answer.
        """
        now = await self._source.now()
        await self._staging.plan(self._project, ())
        roots = Roots()
        await self._search.find(list(dict.fromkeys(ids)), roots)
        if unknown := roots.missing(ids):
            raise ConversationNotFound(
                f"project {self._project.name!r} has no conversation {', '.join(map(repr, unknown))}"
            )
        await self._fetch(await self._changed(roots))
        if moved := await self._moved(roots):
            await self._fetch(await self._changed(moved))
        for name in roots.traces:
            await self._staging.set_mark(self._project.id, READ_MARK + name, now)
        return roots

    async def _moved(self, roots: Roots) -> Roots | None:
        """What else belongs to the conversations of traces whose roots name none, but whose other runs do."""
        staged = await self._staging.staged_traces(self._project.id, list(roots.traces))
        homes = {name: staged[name].conversation_id for name in roots.traces if name in staged}
        homes = {name: home for name, home in homes.items() if home != name}
        moved = Roots()
        for home in dict.fromkeys(homes.values()):
            if home not in roots.names:
                await self._search.find([home], moved)
        for name, home in homes.items():
            roots.names.update({asked: home for asked, found in roots.names.items() if found == name})
            roots.traces.setdefault(home, set()).update(roots.traces.pop(name), moved.traces.get(home, ()))
        return moved if moved.traces else None

    async def _changed(self, roots: Roots) -> list[str]:
        """Traces that must be fetched."""
        ids = sorted({trace for traces in roots.traces.values() for trace in traces})
        staged = await self._staging.staged_traces(self._project.id, ids)
        unreadable = {one.trace_id for one in await self._staging.unreadable(self._project.id)}
        read = await self._last_read(roots.traces)
        return [
            trace
            for name, traces in roots.traces.items()
            for trace in sorted(traces)
            if trace in unreadable or not self._same(staged.get(trace), roots.listed.get(trace), read[name])
        ]

    async def _last_read(self, names: Iterable[str]) -> Mapping[str, datetime | None]:
        """When each conversation was last read whole."""
        project = await self._staging.mark(self._project.id, READ_MARK)
        marks = {name: await self._staging.mark(self._project.id, READ_MARK + name) for name in names}
        return {name: max(filter(None, (mark, project)), default=None) for name, mark in marks.items()}

    def _same(self, known: StagedTrace | None, root: Run | None, read: datetime | None) -> bool:
        """Whether a staged trace is surely still what the source has."""
        if known is None or root is None or read is None or known.pending or known.root_end is None:
            return False
        told = None if root.feedback_stats == NULL else bytes(root.feedback_stats)
        return known.root_end == root.end_time and known.root_end + self._settle <= read and known.root_stats == told

    async def _fetch(self, trace_ids: Sequence[str]) -> None:
        each = min(TRACES_AT_ONCE, max(FEWEST_TRACES, -(-len(trace_ids) // FETCHERS)))
        await all_of(FETCHERS, [partial(self._stage, batch) for batch in batches(trace_ids, each)])

    async def _stage(self, trace_ids: Sequence[str]) -> None:
        seq = next(self._seq)
        async for page in self._source.trace_runs(self._project.id, trace_ids):
            masked = await self._view.seen(page)
            ids = [run.id for run in page.runs if run.feedback_stats != NULL]
            feedback = await self._view.feedback(ids) if ids else []
            await self._staging.stage(StagedPage(page=masked, fetch_seq=seq, feedback=tuple(feedback)))
            seq = next(self._seq)
