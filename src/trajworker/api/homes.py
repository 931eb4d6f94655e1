"""Runs of files that name no project: they are of the project that the rest of their trace names."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing

from msgspec.structs import replace

from trajworker.ports import Activity, Page, Portion, StagedPage
from trajworker.staging import Staging

NOWHERE = ""
"""The project of runs that name none."""


async def bring_home(staging: Staging, fetch_seq: Iterator[int]) -> set[str]:
    """Stage conversations of such runs in the project of their traces; the ids of those that are nowhere no more.

    Traces of which no run names a project stay where they are.
    """
    projects = [project for project in await staging.projects() if project != NOWHERE]
    moved: set[str] = set()
    if not projects:
        return moved
    async with aclosing(_homeless(staging)) as conversations:
        async for activity in conversations:
            traces = [trace.trace_id for trace in await staging.traces(activity.conversation)]
            home = await _home(staging, traces, projects)
            if home is not None:
                async with aclosing(staging.portions(activity.conversation, traces)) as portions:
                    async for portion in portions:
                        await staging.stage(_staged(portion, home, next(fetch_seq)))
                moved.add(activity.conversation_id)
    return moved


async def _homeless(staging: Staging) -> AsyncGenerator[Activity, None]:
    found, place = await staging.newest(NOWHERE)
    while place is not None:
        for activity in found:
            yield activity
        found, place = await staging.newest(NOWHERE, place)


async def _home(staging: Staging, traces: Sequence[str], projects: Sequence[str]) -> str | None:
    """The project in which runs of the traces are staged that do name one."""
    for project in projects:
        if await staging.staged_traces(project, traces):
            return project
    return None


def _staged(portion: Portion, home: str, fetch_seq: int) -> StagedPage:
    runs = tuple(replace(run, project_id=home) for some in portion.runs.values() for run in some)
    return StagedPage(page=Page(runs=runs), fetch_seq=fetch_seq)
