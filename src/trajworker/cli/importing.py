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
from trajworker.api.saving import Documents
from trajworker.cli.choosing import one_project
from trajworker.cli.redaction import redactor_of
from trajworker.cli.settings import load_asked
from trajworker.config import Purpose
from trajworker.errors import ConfigError
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
    lines = _bulk(asked) if asked.bulk else _fetched(asked)
    count = anyio.run(_write_lines if asked.format == "jsonl" else _write_documents, lines, out)
    sys.stdout.write(f"{counted(count, 'conversation')} in {out}\n")
    return 0


def _bulk(asked: argparse.Namespace) -> AsyncGenerator[bytes, None]:
    settings = load_asked(asked, Purpose.LOCAL)
    options = Options(settings=settings)
    ids = tuple(dict.fromkeys(asked.conversations)) or None
    redactor = redactor_of(settings, None)
    return bulk_lines(Bulk.of(asked.bulk, options, ids, stage=not asked.no_stage, redactor=redactor))


async def _fetched(asked: argparse.Namespace) -> AsyncGenerator[bytes, None]:
    from trajworker.aio import Client  # noqa: PLC0415 - an HTTP client, which an export needs not wait for

    options = one_project(load_asked(asked, Purpose.RUN))
    redactor = redactor_of(options.settings, None if asked.no_stage else options.storage_dir)
    found = Client.of(options).iter_conversations(
        asked.conversations or None, stage=not asked.no_stage, redactor=redactor
    )
    async with aclosing(found):
        async for trajectory in found:
            yield encode_trajectory(trajectory)


async def _write_lines(lines: AsyncGenerator[bytes, None], out: Path) -> int:
    async with aclosing(lines), open_lines(out) as writer:
        async for line in lines:
            await writer.add(line)
    return writer.lines


async def _write_documents(lines: AsyncGenerator[bytes, None], out: Path) -> int:
    count, documents = 0, Documents(out)
    async with aclosing(lines):
        async for line in lines:
            await anyio.to_thread.run_sync(documents.add, decode_line(line), line)
            count += 1
    return count
