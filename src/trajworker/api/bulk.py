"""Importing from files instead of the API: exports and dumps of any size, in memory that does not grow with them.

Parquet is sorted by DuckDB and folded on every core. JSON, and whatever a redactor must see first, goes through a
staging file of its own that is gone afterwards: rows are masked before they are sorted, so nothing raw is spilled.
"""

import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, closing
from itertools import count, islice
from pathlib import Path
from typing import TypeVar

import anyio.to_thread
from msgspec import Struct
from msgspec.structs import replace

from trajworker.api.failures import ImportIncomplete
from trajworker.api.folding import Line
from trajworker.api.lacking import lacking_anywhere
from trajworker.api.options import Options
from trajworker.api.pool import folding
from trajworker.api.staged import Assembly
from trajworker.assembly import NEEDED_RUN_TYPES, FoldSettings
from trajworker.config import Settings
from trajworker.config.rewards import fold_settings
from trajworker.errors import ConfigError, ConversationNotFound, RedactionFailed
from trajworker.model.run import Project, Run
from trajworker.ports import Page, StagedPage, Unreadable
from trajworker.redaction import BasePiiRedactor, redact_value
from trajworker.sources.parquet import ParquetExport
from trajworker.sources.parquet_rows import runs_of
from trajworker.sources.redacting import Masking
from trajworker.sources.run_files import SUFFIXES, Messages, RunFiles
from trajworker.sources.thread_key import ThreadKey
from trajworker.staging import Staging, open_staging
from trajworker.trajectory import Trajectory, decode_line, encode_trajectory

T = TypeVar("T")

PAGE_ROWS = 500
"""Rows that are masked and staged in one transaction."""
LINES = 16
"""Lines that are handed over from the thread that waits for them."""
MAGIC = b"PAR1"


class Bulk(Struct, frozen=True, kw_only=True):
    """What is read: a file or folder, all conversations in it or some; whether disk may be used; who masks it."""

    path: Path
    settings: Settings
    conversations: tuple[str, ...] | None = None
    stage: bool = True
    redactor: BasePiiRedactor | None = None

    @classmethod
    def of(
        cls,
        source: str | os.PathLike[str] | None,
        options: Options,
        conversations: tuple[str, ...] | None = None,
        *,
        stage: bool = True,
        redactor: BasePiiRedactor | None = None,
    ) -> "Bulk":
        """Check what was asked for; raises ConfigError where there is nothing at `source`."""
        if source is None:
            raise ConfigError("bulk=True reads a file: pass source, the path of an export")
        path = Path(source).expanduser()
        if not path.exists():
            raise ConfigError(f"there is nothing at {path}")
        return cls(path=path, settings=options.settings, conversations=conversations, stage=stage, redactor=redactor)

    @property
    def fold_settings(self) -> FoldSettings:
        """How feedback becomes rewards."""
        return fold_settings(self.settings)


async def bulk_trajectories(bulk: Bulk) -> AsyncGenerator[Trajectory, None]:
    """One trajectory per conversation of the files; errors: see `bulk_lines`."""
    async with aclosing(bulk_lines(bulk)) as lines:
        async for line in lines:
            yield decode_line(line)


async def bulk_lines(bulk: Bulk) -> AsyncGenerator[bytes, None]:
    """One line per conversation of the files, those that began first first; without line feeds.

    Raises:
        ConfigError: there is nothing to read, it is damaged, or an extra is missing.
        ImportIncomplete: after the last line, naming the conversations that could not be had.
        ConversationNotFound: after the last line, naming ids that do not stand in the files.
    """
    failures: dict[str, str] = {}
    missing = set(bulk.conversations or ())
    found = _sorted(bulk) if _is_parquet(bulk.path) and bulk.redactor is None else _staged(bulk)
    async with aclosing(found):
        async for line in found:
            missing.discard(line.conversation_id)
            if bulk.conversations is not None and line.conversation_id not in bulk.conversations:
                continue
            if line.content is None:
                failures[line.conversation_id] = line.failure or ""
            else:
                yield line.content
    if missing:
        raise ConversationNotFound(f"{bulk.path} holds no conversation {', '.join(map(repr, sorted(missing)))}")
    if failures:
        raise ImportIncomplete(failures)


def _is_parquet(path: Path) -> bool:
    """What kind of export it is, by its names, or by its first bytes."""
    if path.is_dir():
        return next(path.rglob("*.parquet"), None) is not None
    if path.name.endswith(SUFFIXES):
        return False
    with path.open("rb") as file:
        return path.suffix == ".parquet" or file.read(len(MAGIC)) == MAGIC


async def _sorted(bulk: Bulk) -> AsyncGenerator[Line, None]:
    """Lines of a Parquet export, in its own thread: DuckDB and the pool wait there."""
    lines = _lines(bulk)
    try:
        while some := await anyio.to_thread.run_sync(_next, lines):
            for line in some:
                yield line
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(lines.close)


def _lines(bulk: Bulk) -> Generator[Line, None, None]:
    export = ParquetExport(bulk.path, bulk.settings.conversation.thread_keys, NEEDED_RUN_TYPES)
    with folding(export.size_bytes, bulk.fold_settings) as folded, export.open(spill=bulk.stage) as rows:
        yield from folded(rows.conversations())


def _next(iterator: Iterator[T], most: int = LINES) -> list[T]:
    return list(islice(iterator, most))


async def _staged(bulk: Bulk) -> AsyncGenerator[Line, None]:
    """Lines of whatever is staged first, which masks it, counts runs that come twice once, and sorts it."""
    desk = _Desk(bulk)
    async with _own_staging(stage=bulk.stage) as staging:
        with closing(_values(bulk)) as values:
            seq = count(1)
            while some := await anyio.to_thread.run_sync(_next, values, PAGE_ROWS):
                for page in await anyio.to_thread.run_sync(desk.pages, some):
                    await staging.plan(_project(page), ())
                    await staging.stage(StagedPage(page=page, fetch_seq=next(seq)))
                for thread in some:
                    if isinstance(thread, Messages):
                        yield await anyio.to_thread.run_sync(desk.line, thread)
        for project_id in await staging.projects():
            async with aclosing(_assembled(bulk, staging, project_id)) as lines:
                async for line in lines:
                    yield line


async def _assembled(bulk: Bulk, staging: Staging, project_id: str) -> AsyncGenerator[Line, None]:
    assembly = Assembly(staging, Project(project_id, ""), bulk.fold_settings)
    lacking = await lacking_anywhere(staging, project_id)
    names = [name async for name in assembly.ids() if name not in lacking]
    for name, reason in lacking.items():
        yield Line(name, failure=reason)
    done = 0
    while done < len(names):
        found, dealt = await assembly.some(names[done : done + LINES])
        done += dealt
        for trajectory in found:
            yield Line(trajectory.task.conversation_id or "", encode_trajectory(trajectory))
    for name, reason in assembly.failures.items():
        yield Line(name, failure=reason)


@asynccontextmanager
async def _own_staging(*, stage: bool) -> AsyncIterator[Staging]:
    if not stage:
        async with open_staging(":memory:") as staging:
            yield staging
        return
    with tempfile.TemporaryDirectory(prefix="trajworker-") as folder:
        async with open_staging(Path(folder) / "bulk.db") as staging:
            yield staging


def _values(bulk: Bulk) -> Generator[Run | Unreadable | Messages, None, None]:
    keys = bulk.settings.conversation.thread_keys
    if not _is_parquet(bulk.path):
        yield from RunFiles(bulk.path, keys).read()
        return
    key_of = ThreadKey(keys)
    with ParquetExport(bulk.path, keys, NEEDED_RUN_TYPES).open(spill=False) as rows:
        for batch in rows.unsorted():
            for run in runs_of(batch):
                yield _keyed(run, key_of)


def _keyed(run: Run, key_of: ThreadKey) -> Run:
    return replace(run, thread_id=key_of(None, run.extra))


def _project(page: Page) -> Project:
    return Project((page.runs[0] if page.runs else page.unreadable[0]).project_id, "")


class _Desk:
    """Turns what stood in files into pages, one per project, masked where there is a redactor."""

    def __init__(self, bulk: Bulk) -> None:
        self._redactor = bulk.redactor
        keys = frozenset(bulk.settings.conversation.thread_keys)
        self._masking = None if bulk.redactor is None else Masking(bulk.redactor, keys)

    def pages(self, values: Sequence[Run | Unreadable | Messages]) -> list[Page]:
        """The pages that hold these runs."""
        projects = dict.fromkeys(one.project_id for one in values if not isinstance(one, Messages))
        return [self._page(values, project) for project in projects]

    def line(self, thread: Messages) -> Line:
        """The line of a thread of which only messages are known."""
        name = thread.conversation_id
        try:
            messages = redact_value(thread.messages, self._redactor) if self._redactor else thread.messages
            found = Trajectory.from_messages(messages)
        except (ConfigError, RedactionFailed) as error:
            return Line(name, failure=str(error))
        task = replace(found.task, conversation_id=name)
        return Line(name, encode_trajectory(replace(found, task=task)))

    def _page(self, values: Sequence[Run | Unreadable | Messages], project: str) -> Page:
        runs = tuple(one for one in values if isinstance(one, Run) and one.project_id == project)
        unreadable = tuple(one for one in values if isinstance(one, Unreadable) and one.project_id == project)
        page = Page(runs=runs, unreadable=unreadable)
        return page if self._masking is None else self._masking.page(page)
