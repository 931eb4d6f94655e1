"""`trajworker list`: the conversations of a project, newest first, as a table or as JSON lines."""

import argparse
import sys

import anyio
import msgspec
from rich.table import Table

from trajworker.aio import Client
from trajworker.api.listing import ConversationSummary
from trajworker.cli.choosing import one_project
from trajworker.cli.settings import load_asked
from trajworker.cli.streams import write_json
from trajworker.cli.terminal import named, plain_table, shortened, table_console
from trajworker.cli.watched import watched
from trajworker.config import Purpose
from trajworker.observing.counting import counted

WIDE = 120
"""Columns from which there is room for ids, names and both times."""
SECONDS = len("2026-01-31T12:00:00")
MINUTES = len("2026-01-31T12:00")
SHOWN_NAMES = 3
"""Names of root runs in a row of the table; JSON has all."""


def main(asked: argparse.Namespace) -> int:
    """Print the summaries."""
    settings = load_asked(asked, Purpose.RUN)
    with watched(settings) as watch:
        client = Client.of(one_project(settings, watch.observer))
        found = anyio.run(client.list_conversations, asked.limit, settings.source.since, settings.source.until)
    if asked.json:
        for one in found:
            write_json(msgspec.json.encode(one))
        return 0
    if found:
        console = table_console()
        console.print(_table(found, whole=console.width >= WIDE))
    sys.stderr.write(f"{counted(len(found), 'conversation')}\n")
    return 0


def _table(found: list[ConversationSummary], *, whole: bool) -> Table:
    """Ids are whole, to be pasted into `import`; on a narrow screen times go first, then names are shortened."""
    table = plain_table()
    table.add_column("conversation", no_wrap=True, overflow="fold")
    table.add_column("turns", justify="right", no_wrap=True)
    for name in ("first seen", "last seen", "runs") if whole else ("last seen", "runs"):
        table.add_column(name)
    for one in found:
        names = ", ".join(one.root_run_names[:SHOWN_NAMES]) + (", ..." if len(one.root_run_names) > SHOWN_NAMES else "")
        moments = (one.first_seen, one.last_seen) if whole else (one.last_seen,)
        seen = (shortened((moment or "")[: SECONDS if whole else MINUTES]) for moment in moments)
        table.add_row(named(one.conversation_id), str(one.num_turns), *seen, shortened(names))
    return table
