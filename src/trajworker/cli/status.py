"""`trajworker status`: what staging holds, also while a worker is at work on it."""

import argparse

import msgspec
from rich.table import Table

from trajworker.cli.settings import load_asked, staging_of
from trajworker.cli.streams import write_json
from trajworker.cli.terminal import named, plain_table, shortened, table_console
from trajworker.config import Purpose
from trajworker.staging import Figures, ProjectFigures, read_figures


def main(asked: argparse.Namespace) -> int:
    """Print the figures of the staging file."""
    figures = read_figures(staging_of(load_asked(asked, Purpose.LOCAL)))
    if asked.json:
        write_json(msgspec.json.format(msgspec.json.encode(figures), indent=2))
        return 0
    console = table_console()
    console.print(_projects(figures))
    for project in figures.projects:
        for line in _quarantined(project):
            console.print(named(line))
    files = ", ".join(f"{count} {state}" for state, count in sorted(figures.files.items())) or "none"
    console.print(f"files: {files}; revisions emitted: {figures.emissions}; staging: {figures.size_bytes:,} bytes")
    return 0


def _projects(figures: Figures) -> Table:
    table = plain_table()
    table.add_column("project")
    table.add_column("complete up to", no_wrap=True)
    table.add_column("unread slices", justify="right")
    for name in ("runs", "pending", "open", "emitted", "failed"):
        table.add_column(name, justify="right", no_wrap=True)
    for project in figures.projects:
        table.add_row(
            shortened(project.name),
            project.watermark.isoformat(timespec="seconds") if project.watermark else "-",
            str(project.slices_unread),
            str(project.runs),
            str(project.pending_runs),
            *(str(project.conversations.get(state, 0)) for state in ("open", "emitted", "failed")),
        )
    return table


def _quarantined(project: ProjectFigures) -> list[str]:
    found = [("conversations", project.failures), ("runs", project.unreadable)]
    return [
        f"{project.name}: {count} {what} set aside: {reason}"
        for what, counts in found
        for reason, count in sorted(counts.items())
    ]
