"""Importing from files through a staging file of its own, which is gone afterwards.

JSON comes in any order, with runs that come twice; and what a redactor must see is masked before it is sorted, so that
nothing raw is spilled.
"""

import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import aclosing, asynccontextmanager, closing
from itertools import count
from pathlib import Path

import anyio.to_thread
from msgspec.structs import replace

from trajworker.api.bulk_request import LINES, Bulk
from trajworker.api.fold_process import AssembledLine
from trajworker.api.homes import NOWHERE, bring_home
from trajworker.api.staged import Assembly
from trajworker.api.tasks import next_items
from trajworker.api.unavailable import unavailable_in_project
from trajworker.errors import ConfigError, RedactionFailed
from trajworker.events import PageRead
from trajworker.model.run import NEEDED_RUN_TYPES, Project, Run
from trajworker.ports import Page, StagedPage, Unreadable
from trajworker.redaction import redact_value
from trajworker.sources.files.parquet import ParquetExport
from trajworker.sources.files.parquet_rows import runs_of
from trajworker.sources.files.run_files import Messages, RunFiles
from trajworker.sources.redacting import Masking
from trajworker.sources.wires.thread_key import ThreadKey
from trajworker.staging import MEMORY, Staging, open_staging
from trajworker.trajectory import encode_trajectory
from trajworker.trajectory.chain import trajectory_of_recorded

PAGE_ROWS = 500
"""Rows that are masked and staged in one transaction."""


async def staged_lines(bulk: Bulk) -> AsyncGenerator[AssembledLine, None]:
    """Lines of whatever is staged first, which masks it, counts runs that come twice once, and sorts it."""
    maker = _PageMaker(bulk)
    async with _own_staging(stage=bulk.stage) as staging:
        with closing(_values(bulk)) as values:
            seq = count(1)
            while some := await anyio.to_thread.run_sync(next_items, values, PAGE_ROWS):
                for page in await anyio.to_thread.run_sync(maker.pages, some):
                    await staging.plan(_project(page), ())
                    await staging.stage(StagedPage(page=page, fetch_seq=next(seq)))
                    bulk.observer(PageRead(runs=len(page.runs)))
                for thread in some:
                    if isinstance(thread, Messages):
                        yield await anyio.to_thread.run_sync(maker.line, thread)
        moved = await bring_home(staging, seq)
        for project_id in await staging.projects():
            without = moved if project_id == NOWHERE else frozenset[str]()
            async with aclosing(_assembled(bulk, staging, project_id, without)) as lines:
                async for line in lines:
                    yield line


async def _assembled(
    bulk: Bulk, staging: Staging, project_id: str, without: AbstractSet[str]
) -> AsyncGenerator[AssembledLine, None]:
    assembly = Assembly(staging, Project(project_id, ""), bulk.fold_settings)
    unavailable = await unavailable_in_project(staging, project_id)
    names = [name async for name in assembly.ids() if name not in unavailable and name not in without]
    for name, reason in unavailable.items():
        yield AssembledLine(name, failure=reason)
    done = 0
    while done < len(names):
        found, dealt = await assembly.assemble_next(names[done : done + LINES])
        done += dealt
        for trajectory in found:
            yield AssembledLine(trajectory.task.conversation_id or "", encode_trajectory(trajectory))
    for name, reason in assembly.failures.items():
        yield AssembledLine(name, failure=reason)


@asynccontextmanager
async def _own_staging(*, stage: bool) -> AsyncIterator[Staging]:
    if not stage:
        async with open_staging(MEMORY) as staging:
            yield staging
        return
    with tempfile.TemporaryDirectory(prefix="trajworker-") as folder:
        async with open_staging(Path(folder) / "bulk.db") as staging:
            yield staging


def _values(bulk: Bulk) -> Generator[Run | Unreadable | Messages, None, None]:
    keys = bulk.settings.conversation.thread_keys
    if not bulk.is_parquet:
        yield from RunFiles(bulk.path, keys).read()
        return
    key_of = ThreadKey(keys)
    with ParquetExport(bulk.path, keys, NEEDED_RUN_TYPES).open(spill=False) as rows:
        for batch in rows.unsorted():
            for one in runs_of(batch):
                yield _keyed(one, key_of) if isinstance(one, Run) else one


def _keyed(run: Run, key_of: ThreadKey) -> Run:
    return replace(run, thread_id=key_of(None, run.extra))


def _project(page: Page) -> Project:
    return Project((page.runs[0] if page.runs else page.unreadable[0]).project_id, "")


class _PageMaker:
    """Makes pages of what stood in files, one per project, masked where there is a redactor."""

    def __init__(self, bulk: Bulk) -> None:
        self._redactor = bulk.redactor
        keys = frozenset(bulk.settings.conversation.thread_keys)
        self._masking = None if bulk.redactor is None else Masking(bulk.redactor, keys)

    def pages(self, values: Sequence[Run | Unreadable | Messages]) -> list[Page]:
        """The pages that hold these runs."""
        projects = dict.fromkeys(one.project_id for one in values if not isinstance(one, Messages))
        return [self._page(values, project) for project in projects]

    def line(self, thread: Messages) -> AssembledLine:
        """The line of a thread of which only messages are known."""
        name = thread.conversation_id
        try:
            messages = redact_value(thread.messages, self._redactor) if self._redactor else thread.messages
            found = trajectory_of_recorded(messages)
        except (ConfigError, RedactionFailed) as error:
            return AssembledLine(name, failure=str(error))
        task = replace(found.task, conversation_id=name)
        return AssembledLine(name, encode_trajectory(replace(found, task=task)))

    def _page(self, values: Sequence[Run | Unreadable | Messages], project: str) -> Page:
        runs = tuple(one for one in values if isinstance(one, Run) and one.project_id == project)
        unreadable = tuple(one for one in values if isinstance(one, Unreadable) and one.project_id == project)
        page = Page(runs=runs, unreadable=unreadable)
        return page if self._masking is None else self._masking.page(page)
