"""The staging file as the rooms above see it: one object behind `RunStore`, `Marks`, `ConversationStore`, `PartLedger`.

It only hands over; what is done stands in the modules of this room, as functions on a `sqlite3.Connection`. Those that
are handed over take it last, so that `partial` can bind what comes before; those that they call take it first.
"""

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from trajworker.errors import StagingFull
from trajworker.model.run import Project
from trajworker.ports import (
    Activity,
    Coverage,
    Emission,
    Material,
    Part,
    Portion,
    Slice,
    StagedPage,
    StageOutcome,
    TraceVersion,
    Unreadable,
)
from trajworker.staging import (
    compaction,
    figures,
    intake,
    lookup,
    material,
    outlet,
    parts,
    purging,
    quarantine,
    rechecks,
    remembered,
    slices,
)
from trajworker.staging.arrivals import Confirmations
from trajworker.staging.database import Body, Database, open_database
from trajworker.staging.heads import Heads
from trajworker.staging.slices import plan


def _host_time() -> datetime:
    return datetime.now(UTC)


class Staging:
    """An open staging file; made by `open_staging`. Errors: see `staging.database.Database`."""

    def __init__(self, database: Database, now: Callable[[], datetime] = _host_time) -> None:
        self._database = database
        self._heads = Heads()
        self._opening = intake.Opening(database.epoch, Confirmations(), self._heads, now)

    @property
    def epoch(self) -> int:
        """Number of this opening, counted from 1."""
        return self._database.epoch

    async def plan(self, project: Project, slices: Sequence[Slice]) -> None:
        """Remember slices to be read; one with an `id` is begun again as given."""
        await self._database.grow(partial(plan, project, slices))

    async def unread(self, project_id: str) -> list[Slice]:
        """Slices not yet read to their end, with their cursors, newest first."""
        return await self._database.read(partial(slices.unread, project_id))

    async def stage(self, staged: StagedPage) -> StageOutcome:
        """Take in a page: runs, cursor and "conversation changed" in ONE transaction."""
        return await self._database.grow(partial(intake.stage, self._opening, staged))

    async def due(self, project_id: str, now: datetime, limit: int) -> list[str]:
        """Ids of runs to look at again: those that have not ended, and those set aside."""
        return await self._database.read(partial(rechecks.due, project_id, now, limit))

    async def reschedule(self, project_id: str, ids: Sequence[str], now: datetime) -> None:
        """Give runs that were looked at now their next time."""
        await self._database.write(partial(rechecks.reschedule, project_id, ids, now))

    async def coverage(self, project_id: str) -> Coverage:
        """What was read whole, and the watermark."""
        return await self._database.read(partial(slices.coverage, project_id))

    async def clamp_activity(self, now: datetime) -> None:
        """Let no conversation count as active later than now, whatever clock its producer has."""
        if await self._database.read(partial(outlet.claims_future, now)):
            await self._database.write(partial(outlet.clamp_activity, now))

    async def changed(self, before: datetime) -> AsyncGenerator[Activity, None]:
        """Conversations that changed and were last active before that time, longest idle first."""
        place = outlet.FIRST
        while True:
            found, place = await self._database.read(partial(outlet.changed, before, place))
            if not found:
                return
            for activity in found:
                yield activity

    async def materials(self, conversations: Sequence[int]) -> list[Material]:
        """What those conversations are made of, in one look."""
        return await self._database.read(partial(material.materials, conversations))

    async def traces(self, conversation: int) -> list[TraceVersion]:
        """The traces of a conversation in order of start."""
        return await self._database.read(partial(material.traces, conversation))

    async def portions(self, conversation: int, trace_ids: Sequence[str]) -> AsyncGenerator[Portion, None]:
        """Those traces of a conversation, in that order, some at a time: each portion may be held at once."""
        while trace_ids:
            portion = await self._database.read(partial(material.portion, conversation, trace_ids))
            trace_ids = trace_ids[len(portion.runs) :]
            yield portion

    async def quarantine(self, conversation: int, reason: str, seen: dict[str, int]) -> None:
        """Set a conversation aside until one of its traces changes, or the rules do."""
        await self._database.write(partial(outlet.quarantine, conversation, reason, seen))

    async def try_again(self, rules: str) -> None:
        """Bring back conversations that were set aside by other rules than those of that name."""
        await self._database.write(partial(outlet.try_again, rules))

    async def record(self, emissions: Sequence[Emission]) -> None:
        """Commit emissions together with the length and lines of their parts."""
        await self._database.write(partial(outlet.record, emissions))

    async def parts(self, first: int = 1, last: int | None = None) -> list[Part]:
        """The parts from one sequence number to another (inclusive), in order."""
        return await self._database.read(partial(parts.parts, first, last))

    async def put(self, part: Part) -> None:
        """Insert or replace the row of a part."""
        await self._database.write(partial(parts.put, part))

    async def drop(self, seq: int) -> None:
        """Forget the newest part, on which nothing was ever committed."""
        await self._database.write(partial(parts.drop, seq))

    async def make_void(self, seq: int) -> int:
        """Make void a part whose bytes are lost; returns how many revisions can not be made again."""
        return await self._database.write(partial(parts.make_void, seq))

    async def compact(self, before: datetime) -> int:
        """Drop payloads of delivered conversations last active before that time, at most one batch."""
        try:
            compacted = await self._compact(before, compaction.COMPACT_CONVERSATIONS)
        except StagingFull:  # every page that is blanked is logged first, so that a few at a time need little room
            compacted = await self._compact(before, 1)
        await self._database.write(compaction.give_back)
        return compacted

    async def _compact(self, before: datetime, at_most: int) -> int:
        return await self._database.write(partial(compaction.compact, before, at_most, self._heads))

    async def compacted_runs(self, conversation: int, limit: int) -> list[str]:
        """Ids of runs of a conversation whose payloads were dropped."""
        return await self._database.read(partial(compaction.compacted_runs, conversation, limit))

    async def purge_conversation(self, project_id: str, conversation_id: str) -> purging.Purged:
        """Erase a conversation for good; raises `ConversationNotFound`."""
        return await self._purge(partial(purging.purge_conversation, project_id, conversation_id, self._heads))

    async def purge_before(self, before: datetime) -> purging.Purged:
        """Erase every conversation last active before that time for good, some at a time."""
        erased: list[purging.Purged] = []
        at_most = purging.PURGE_CONVERSATIONS
        while not erased or erased[-1].conversations:
            try:
                erased.append(await self._purge(partial(purging.purge_before, before, at_most, self._heads)))
            except StagingFull:  # as in `compact`
                if at_most == 1:
                    raise
                at_most = 1
        return purging.added_up(erased)

    async def _purge(self, body: Body[purging.Purged]) -> purging.Purged:
        purged = await self._database.erase(body)
        return replace(purged, copies=await self._database.erase_copies())

    async def keep_reserve(self) -> None:
        """Set room aside for when the disk is full, where it has that much."""
        await self._database.keep_reserve()

    async def mark(self, project_id: str, name: str) -> datetime | None:
        """A time remembered under a name; None before the first."""
        return await self._database.read(partial(remembered.mark, project_id, name))

    async def set_mark(self, project_id: str, name: str, at: datetime) -> None:
        """Remember a time under a name."""

        def write(connection: sqlite3.Connection) -> None:
            remembered.set_mark(slices.require_project(connection, project_id), name, at, connection)

        await self._database.write(write)

    async def altered(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Those of the settings that are pinned to another value: that value, by name."""
        return await self._database.read(partial(remembered.altered, settings))

    async def pin_settings(self, settings: Mapping[str, str]) -> None:
        """Store what must not change unnoticed between runs."""
        await self._database.write(partial(remembered.pin_settings, settings))

    async def recall(self, name: str) -> str | None:
        """What was remembered under a name; None before the first."""
        return await self._database.read(partial(remembered.recall, name))

    async def remember(self, name: str, value: str) -> None:
        """Remember a word over restarts."""
        await self._database.write(partial(remembered.remember, name, value))

    async def staged_traces(self, project_id: str, trace_ids: Sequence[str]) -> dict[str, lookup.StagedTrace]:
        """Those of the traces that are staged, by id."""
        return await self._database.read(partial(lookup.traces, project_id, trace_ids))

    async def conversations(self, project_id: str, ids: Sequence[str]) -> dict[str, Activity]:
        """Those of the conversations that are staged and hold something, by id."""
        return await self._database.read(partial(lookup.conversations, project_id, ids))

    async def purged(self, project_id: str, ids: Sequence[str]) -> set[str]:
        """Those of the conversations that were purged, by id."""
        return await self._database.read(partial(lookup.purged, project_id, ids))

    async def newest(
        self, project_id: str, after: outlet.Place = lookup.FIRST
    ) -> tuple[list[Activity], outlet.Place | None]:
        """The next conversations of a project, those active last first, and where to go on; None at the end."""
        return await self._database.read(partial(lookup.newest, project_id, after))

    async def unreadable(self, project_id: str) -> list[Unreadable]:
        """Runs of a project that could not be read and did not come whole since."""
        return await self._database.read(partial(quarantine.unreadable, project_id))

    async def projects(self) -> list[str]:
        """Ids of all projects there are."""
        return await self._database.read(lookup.projects)

    async def figures(self) -> figures.Figures:
        """What `trajworker status` shows."""
        return await self._database.read(figures.figures)


@asynccontextmanager
async def open_staging(target: str | Path, now: Callable[[], datetime] = _host_time) -> AsyncIterator[Staging]:
    """Open (or make) a staging file and own it; `":memory:"` touches no disk. `now` tells when something is set aside.

    Raises `StagingBusy` (another worker owns it), `StagingDamaged`, `StagingTooNew`, `StagingError`, `PathNotAllowed`;
    `ConfigError` where this Python's SQLite is too old.
    """
    async with open_database(target) as database:
        yield Staging(database, now)
