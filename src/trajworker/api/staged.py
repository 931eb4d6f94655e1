"""From what is staged to trajectories, conversation by conversation; what cannot be assembled is named."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime

import anyio.to_thread
from msgspec import Struct

from trajworker.assembly import Conversation, Fold, FoldSettings, Header, assemble
from trajworker.assembly.lifecycle import pane_at_once
from trajworker.errors import TrajworkerError
from trajworker.model.run import Project
from trajworker.ports import Activity, TraceVersion
from trajworker.staging import Staging
from trajworker.trajectory import Trajectory

BATCH = 32
BATCH_BYTES = 8 * 1024 * 1024
"""Trajectories are handed out in batches of at most so many, or so many bytes of messages."""


class TimeRange(Struct, frozen=True, kw_only=True):
    """A range of time, without its end; None for no bound."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, trace: TraceVersion) -> bool:
        """Whether a trace began within."""
        after = self.since is None or self.since <= trace.start
        return after and (self.until is None or trace.start < self.until)


EVER = TimeRange()


class Assembly:
    """Assembles the staged conversations of one project: of each, the traces that began within a range of time.

    Staging may hold more than was asked for this time: what was read before.
    """

    def __init__(self, staging: Staging, project: Project, settings: FoldSettings, within: TimeRange = EVER) -> None:
        self._staging = staging
        self._project = project
        self._settings = settings
        self._range = within
        self.failures: dict[str, str] = {}
        """Why conversations could not be had, by id."""

    async def assemble_next(self, ids: Sequence[str]) -> tuple[list[Trajectory], int]:
        """Trajectories of the first of these conversations, and how many ids were dealt with: at least one."""
        found = await self._staging.conversations(self._project.id, ids[:BATCH])
        trajectories: list[Trajectory] = []
        size = done = 0
        for name in ids[:BATCH]:
            done += 1
            try:
                folds = await self._folds(found, name)
                trajectories.append(await self._assembled(found[name], folds))
            except TrajworkerError as error:
                self.failures[name] = str(error)
                continue
            size += sum(len(chunk) for fold in folds for chunk in fold.messages)
            if size >= BATCH_BYTES:
                break
        return trajectories, done

    async def ids(self) -> AsyncIterator[str]:
        """Ids of all conversations there are, those active last first."""
        found, place = await self._staging.newest(self._project.id)
        while place is not None:
            for activity in found:
                if self._range == EVER or await self._traces(activity):
                    yield activity.conversation_id
            found, place = await self._staging.newest(self._project.id, place)

    async def _traces(self, activity: Activity) -> list[TraceVersion]:
        traces = await self._staging.traces(activity.conversation)
        return [trace for trace in traces if self._range.holds(trace)]

    async def _folds(self, found: dict[str, Activity], name: str) -> list[Fold]:
        activity = found.get(name)
        if activity is None:
            raise TrajworkerError("the source told of it, but gave none of its runs")
        conversation = Conversation(self._settings, keeps=False)
        traces = [trace.trace_id for trace in await self._traces(activity)]
        async with aclosing(self._staging.portions(activity.conversation, traces)) as portions:
            async for portion in portions:
                await anyio.to_thread.run_sync(conversation.fold_each, portion.runs, portion.feedback)
        return conversation.folds

    async def _assembled(self, activity: Activity, folds: list[Fold]) -> Trajectory:
        complete = activity.pending_runs == 0
        header = Header(
            conversation_id=activity.conversation_id,
            project_id=self._project.id or None,
            project=self._project.name or None,
            pane=pane_at_once(complete=complete),
            complete=complete,
        )
        return await anyio.to_thread.run_sync(assemble, folds, header)
