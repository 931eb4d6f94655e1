"""`trajworker import`: conversations by id, or a bulk export, into files; streamed, so that size does not matter."""

import argparse
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import anyio
import anyio.to_thread

from trajworker.api.bulk import bulk_lines
from trajworker.api.bulk_request import Bulk
from trajworker.api.lines import open_lines
from trajworker.api.options import Options
from trajworker.api.redaction import configured_redactor
from trajworker.api.saving import Documents
from trajworker.cli.choosing import one_project
from trajworker.cli.settings import load_asked
from trajworker.cli.watched import watched
from trajworker.config import Purpose, Settings
from trajworker.errors import ConfigError
from trajworker.events import ConversationWritten, Observer
from trajworker.observing.counting import counted
from trajworker.trajectory import decode_line, encode_trajectory


def main(asked: argparse.Namespace) -> int:
    """Write the conversations to files; what could not be had is told at the end, by the exit code too."""
    if (asked.bulk or asked.conversations) and (getattr(asked, "source.since") or getattr(asked, "source.until")):
        raise ConfigError(
            "--since and --until bound an import of a whole project: leave out the ids and --bulk, or them"
        )
    if asked.bulk == "":
        raise ConfigError("--bulk names nothing: write the file or folder of an export")
    out = Path(asked.out).expanduser()
    settings = load_asked(asked, Purpose.LOCAL if asked.bulk else Purpose.RUN)
    with watched(settings) as watch:
        lines = (_bulk if asked.bulk else _fetched)(asked, settings, watch.observer)
        write = _write_lines if asked.format == "jsonl" else _write_documents
        anyio.run(write, _told(lines, watch.observer), out)
    sys.stdout.write(f"{counted(watch.tally.written, 'conversation')} in {out}\n")
    return 0


def _bulk(asked: argparse.Namespace, settings: Settings, observer: Observer) -> AsyncGenerator[bytes, None]:
    options = Options(settings=settings, observer=observer)
    ids = tuple(dict.fromkeys(asked.conversations)) or None
    redactor = configured_redactor(options, stage=False)
    return bulk_lines(Bulk.of(asked.bulk, options, ids, stage=not asked.no_stage, redactor=redactor))


async def _fetched(asked: argparse.Namespace, settings: Settings, observer: Observer) -> AsyncGenerator[bytes, None]:
    from trajworker.aio import Client  # noqa: PLC0415 - an HTTP client, which an export needs not wait for

    options = one_project(settings, observer)
    found = Client.of(options).iter_conversations(asked.conversations or None, stage=not asked.no_stage)
    async with aclosing(found):
        async for trajectory in found:
            yield encode_trajectory(trajectory)


async def _told(lines: AsyncGenerator[bytes, None], observer: Observer) -> AsyncGenerator[bytes, None]:
    """The lines; each is told of when the next one is asked for, and so is written."""
    async with aclosing(lines):
        async for line in lines:
            yield line
            observer(ConversationWritten(size_bytes=len(line)))


async def _write_lines(lines: AsyncGenerator[bytes, None], out: Path) -> None:
    async with aclosing(lines), open_lines(out) as writer:
        async for line in lines:
            await writer.add(line)


async def _write_documents(lines: AsyncGenerator[bytes, None], out: Path) -> None:
    documents = Documents(out)
    async with aclosing(lines):
        async for line in lines:
            await anyio.to_thread.run_sync(documents.add, decode_line(line), line)
