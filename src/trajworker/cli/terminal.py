"""How commands print with rich: what was recorded is no markup, and what no screen shows is not cut to its width."""

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from trajworker.observing.printable import printable, printable_text

UNBOUNDED = 1_000_000
"""Columns of a screen that no row of a table fills."""


def page_console() -> Console:
    """For pages that fill the width there is."""
    return _console(None)


def table_console() -> Console:
    """For tables: as wide as the terminal, or as wide as the table where a file or a pipe takes it."""
    return _console(None if sys.stdout.isatty() else UNBOUNDED)


def named(name: str, style: str = "") -> Text:
    """A recorded name in one line."""
    return Text(printable(name), style=style)


def shortened(name: str) -> Text:
    """A recorded name that gives way where a row is too long, which shows; its column must be allowed to wrap."""
    return Text(printable(name), no_wrap=True, overflow="ellipsis")


def spoken(text: str, style: str = "") -> Text:
    """A recorded text in its own lines."""
    return Text(printable_text(text), style=style)


def plain_table() -> Table:
    """A table without lines around its cells."""
    return Table(box=None, pad_edge=False, header_style="bold")


def _console(width: int | None) -> Console:
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False, width=width)
