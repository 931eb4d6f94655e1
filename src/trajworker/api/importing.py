"""The one implementation of importing over the API: stage what is new, then hand out one trajectory after the other.

Nothing is held open while a caller looks at a trajectory, except a staging in memory: so imports may be nested, run
side by side, and be left before their end.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

import anyio
from anyio.lowlevel import RunVar
from msgspec import Struct

from trajworker import wiring
from trajworker.api.connecting import Connected, Connector, staging_at
from trajworker.api.failures import ImportIncomplete
from trajworker.api.gathering import READ_MARK, Gathering
from trajworker.api.listing import ConversationSummary
from trajworker.api.staged import BATCH, EVER, Assembly, TimeRange
from trajworker.api.unavailable import unavailable, unavailable_in_project
from trajworker.config.rewards import fold_settings
from trajworker.errors import ConfigError
from trajworker.model.run import Project
from trajworker.redaction import BasePiiRedactor
from trajworker.staging import Staging
from trajworker.trajectory import Trajectory

Wanted = str | ConversationSummary
"""A conversation as callers name it."""


class Import(Struct, frozen=True, kw_only=True):
    """What is imported, staged on disk or not, masked or not.

    `conversations` None is all of the project between `source.since` and `source.until`; those named come whole.
    """

    conversations: tuple[str, ...] | None = None
    stage: bool = True
    redactor: BasePiiRedactor | None = None


def ids_of(conversations: Iterable[Wanted] | Wanted | None) -> tuple[str, ...] | None:
    """The ids, each once, in the order given; raises ConfigError for what is no conversation."""
    if conversations is None:
        return None
    if isinstance(conversations, str | ConversationSummary):
        conversations = [conversations]
    if not isinstance(conversations, Iterable):
        kinds = "a list of ids or summaries, one of them, or None for all"
        raise ConfigError(f"conversations is {kinds}, not {type(conversations).__name__}")
    ids = [one.conversation_id if isinstance(one, ConversationSummary) else one for one in conversations]
    wrong = [fault for one in ids if (fault := _fault(one)) is not None]
    if wrong:
        raise ConfigError(f"conversations are ids or ConversationSummary objects, not {', '.join(wrong)}")
    return tuple(dict.fromkeys(ids))


def _fault(conversation_id: object) -> str | None:
    """Why this is no id, in words that complete `ids, not ...`; None where it is one."""
    if not isinstance(conversation_id, str):
        return type(conversation_id).__name__
    halves = any("\ud800" <= char <= "\udfff" for char in conversation_id)
    return "a text with half of a surrogate pair" if halves else None if conversation_id else "an empty text"


class Importer:
    """Imports conversations of one project, as often as wanted."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._settings = connector.options.settings

    async def trajectories(self, wanted: Import) -> AsyncGenerator[Trajectory, None]:
        """One trajectory per conversation: in the order asked for; all of them, those active last first.

        Raises:
            ConversationNotFound: before anything is fetched, naming every unknown id.
            ImportIncomplete: after the last one, naming what could not be had.
            SourceError, StagingError, PathNotAllowed: as their names say.
        """
        if wanted.conversations == ():
            return
        async with AsyncExitStack() as memory:
            async with self._connector.source(wanted.redactor) as connected:
                place = self._connector.place(connected.project, wanted.redactor, stage=wanted.stage)
                where = _StagingPlace(place if place is not None else await memory.enter_async_context(staging_at()))
                now = await connected.view.source.now()
                names, failures = await self._read(wanted, connected, where, now)
            done = 0
            while done < len(names):
                async with where.open() as staging:
                    assembly = self._assembly(wanted, staging, connected.project, now)
                    batch, dealt = await assembly.assemble_next(names[done : done + BATCH])
                failures.update(assembly.failures)
                done += dealt
                for trajectory in batch:
                    yield trajectory
        if failures:
            raise ImportIncomplete(failures)

    async def _read(
        self, wanted: Import, connected: Connected, where: "_StagingPlace", now: datetime
    ) -> tuple[list[str], dict[str, str]]:
        """Stage what is wanted; the ids to assemble, and why others cannot be had."""
        async with where.open() as staging:
            if wanted.conversations is not None:
                settle = self._settings.intake.settle
                gathering = Gathering(connected.view, staging, connected.project, settle)
                roots = await gathering.gather(wanted.conversations)
                failures = await unavailable(staging, connected.project.id, roots.traces)
                names = list(dict.fromkeys(roots.names[one] for one in wanted.conversations))
            else:
                await self._read_all(connected, staging, now)
                failures = await unavailable_in_project(staging, connected.project.id)
                assembly = self._assembly(wanted, staging, connected.project, now)
                names = [name async for name in assembly.ids()]
        return [name for name in names if name not in failures], failures

    async def _read_all(self, connected: Connected, staging: Staging, now: datetime) -> None:
        """Read the project up to this very moment: what may have lagged is read again next time."""
        view, project = connected.view, connected.project
        _, until = wiring.asked_range(self._settings, now)
        source = view.redacting or view.source
        cycle = wiring.import_cycle(self._settings, source, staging, self._connector.options.observer)
        failed = await cycle.run([project], now)
        for error in failed.values():
            raise error
        # a trace that went on after the end of what is asked for was not read whole
        await staging.set_mark(project.id, READ_MARK, now if until is None else min(now, until))

    def _assembly(self, wanted: Import, staging: Staging, project: Project, now: datetime) -> Assembly:
        """Who is named is handed out whole; of a project, what began in the stretch of time that is configured."""
        within = EVER
        if wanted.conversations is None:
            since, until = wiring.asked_range(self._settings, now)
            within = TimeRange(since=since, until=until)
        return Assembly(staging, project, fold_settings(self._settings), within)


_TURNS: RunVar[dict[Path, anyio.Semaphore]] = RunVar("trajworker_turns")
"""Whose turn it is in an event loop, by staging file: a file has one owner at a time."""


class _StagingPlace:
    """Where an import is staged: a file that is opened for as long as it is worked on, or a staging in memory."""

    def __init__(self, at: Path | Staging) -> None:
        self._at = at

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Staging]:
        """The staging, once nobody else in this loop has it open."""
        if isinstance(self._at, Staging):
            yield self._at
            return
        turns = _TURNS.get({})
        _TURNS.set(turns)
        async with turns.setdefault(self._at, anyio.Semaphore(1)), staging_at(self._at) as staging:
            yield staging
