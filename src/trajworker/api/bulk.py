"""Importing from files instead of the API: exports and dumps of any size, in memory that does not grow with them.

Parquet is sorted by DuckDB and folded on every core. JSON, and whatever a redactor must see first, is staged
(`api.bulk_staged`).
"""

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing

import anyio.to_thread

from trajworker.api.bulk_request import LINES, Bulk
from trajworker.api.failures import ImportIncomplete
from trajworker.api.fold_process import AssembledLine
from trajworker.api.pool import open_pool
from trajworker.api.tasks import next_items
from trajworker.errors import ConversationNotFound
from trajworker.model.run import NEEDED_RUN_TYPES
from trajworker.sources.files.parquet import ParquetExport
from trajworker.trajectory import Trajectory, decode_line


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
    found = _sorted(bulk) if bulk.is_parquet and bulk.redactor is None else _staged(bulk)
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


async def _sorted(bulk: Bulk) -> AsyncGenerator[AssembledLine, None]:
    """Lines of a Parquet export, in its own thread: DuckDB and the pool wait there."""
    lines = _lines(bulk)
    try:
        while some := await anyio.to_thread.run_sync(next_items, lines, LINES):
            for line in some:
                yield line
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(lines.close)


def _lines(bulk: Bulk) -> Generator[AssembledLine, None, None]:
    export = ParquetExport(bulk.path, bulk.settings.conversation.thread_keys, NEEDED_RUN_TYPES)
    with open_pool(export.size_bytes, bulk.fold_settings) as folded, export.open(spill=bulk.stage) as rows:
        yield from folded(rows.conversations())


def _staged(bulk: Bulk) -> AsyncGenerator[AssembledLine, None]:
    from trajworker.api.bulk_staged import staged_lines  # noqa: PLC0415 - a database, which Parquet needs not wait for

    return staged_lines(bulk)
