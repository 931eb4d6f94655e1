"""Runs by their ids, in batches; a batch the server cannot answer is halved until the culprit stands alone."""

from collections.abc import Sequence

from trajworker.batches import batches
from trajworker.model.run import Run
from trajworker.ports import Page, Unreadable
from trajworker.sources.asking.client import Tries
from trajworker.sources.asking.failure import Failure
from trajworker.sources.asking.retrying import may_be_one_run
from trajworker.sources.paging.runs_query import RunsQuery
from trajworker.sources.wires.query import Query

BATCH = 100
"""Ids a request: v1 takes no more than 100 runs a page."""
GROUP_ATTEMPTS = 2
"""Attempts for a group that may hold a culprit: halving is the better second try."""
ALONE_ATTEMPTS = 8
"""Attempts for a single run before it is set aside."""
ALONE_WAIT_S = 2.0
"""Longest wait between them: that the server is well is known by then."""
NEVER_CAME = "never came"
"""The kind of what is set aside so."""
UNKNOWN_ID = "ffffffff-ffff-4fff-bfff-ffffffffffff"
"""Asked for to see whether the server answers at all, where no run has come."""


class RunsById:
    """Looks runs up; what cannot be had in company is asked for alone, what cannot be had alone is `Unreadable`."""

    def __init__(self, runs_query: RunsQuery) -> None:
        self._runs_query = runs_query

    async def find(self, project_id: str, ids: Sequence[str]) -> Page:
        """Those runs as they are now; ids unknown to the server are absent.

        Raises:
            Failure: the server fails whatever it is asked.
        """
        runs: list[Run] = []
        unreadable: list[Unreadable] = []
        alone: dict[str, Failure] = {}
        size_bytes = 0
        groups = [tuple(some) for some in batches(ids, BATCH)]
        while groups:
            group = groups.pop()
            try:
                page = await self._ask(project_id, group)
            except Failure as failure:
                if not may_be_one_run(failure):
                    raise
                half = len(group) // 2
                if half:
                    groups += [group[:half], group[half:]]
                else:
                    alone[group[0]] = failure
                continue
            runs += page.runs
            unreadable += page.unreadable
            size_bytes += page.size_bytes
        if alone:
            await self._check_alive(project_id, runs)
        unreadable += [_never_came(project_id, run_id, failure) for run_id, failure in alone.items()]
        return Page(
            runs=tuple(runs),
            unreadable=tuple(unreadable),
            oldest=min((run.start_time for run in runs), default=None),
            size_bytes=size_bytes,
        )

    async def _check_alive(self, project_id: str, runs: Sequence[Run]) -> None:
        """Blame runs only while the server answers for others: an outage is nobody's fault."""
        await self._ask(project_id, (runs[0].id if runs else UNKNOWN_ID,))

    async def _ask(self, project_id: str, ids: tuple[str, ...]) -> Page:
        tries = Tries(GROUP_ATTEMPTS) if len(ids) > 1 else Tries(ALONE_ATTEMPTS, longest_wait_s=ALONE_WAIT_S)
        query = Query(project_id=project_id, ids=ids, page_size=len(ids), needed_only=False)
        reply = await self._runs_query.ask(query, tries)
        return Page(runs=reply.answer.runs, unreadable=reply.answer.unreadable, size_bytes=reply.size_bytes)


def _never_came(project_id: str, run_id: str, failure: Failure) -> Unreadable:
    return Unreadable(project_id=project_id, run_id=run_id, reason=f"{NEVER_CAME}: {failure}", raw=b"", kind=NEVER_CAME)
