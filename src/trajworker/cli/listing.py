"""`trajworker list`: the conversations of a project, newest first, as a table or as JSON lines."""

import argparse
import sys

import anyio
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trajworker.aio import Client
from trajworker.api.listing import ConversationSummary
from trajworker.cli.choosing import one_project
from trajworker.cli.settings import load_asked
from trajworker.cli.streams import write_json
from trajworker.config import Purpose

SHOWN_NAMES = 3
"""Names of root runs in a row of the table; JSON has all."""


def main(asked: argparse.Namespace) -> int:
    """Print the summaries."""
    options = one_project(load_asked(asked, Purpose.RUN))
    source = options.settings.source
    found = anyio.run(Client.of(options).list_conversations, asked.limit, source.since, source.until)
    if asked.json:
        for one in found:
            write_json(msgspec.json.encode(one))
        return 0
    if found:
        Console(file=sys.stdout, highlight=False).print(_table(found))
    sys.stderr.write(f"{len(found)} conversations\n")
    return 0


def _table(found: list[ConversationSummary]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("conversation", no_wrap=True, overflow="fold")
    table.add_column("turns", justify="right")
    for name in ("first seen", "last seen", "runs"):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for one in found:
        names = ", ".join(one.root_run_names[:SHOWN_NAMES]) + (", ..." if len(one.root_run_names) > SHOWN_NAMES else "")
        seen = ((moment or "")[:19] for moment in (one.first_seen, one.last_seen))
        table.add_row(escape(one.conversation_id), str(one.num_turns), *seen, escape(names))
    return table
