"""What `trajworker status` shows: counted where it lies, never kept a second time beside the data."""

import sqlite3
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from trajworker.staging import slices
from trajworker.staging.encoding import unpack_id, unpack_time
from trajworker.staging.failures import translate
from trajworker.staging.read_only import connect_to_read


class ProjectFigures(Struct, frozen=True, kw_only=True):
    """One project. Conversations are `open` (something to emit), `emitted` (nothing new since), `failed`, `purged`."""

    id: str
    name: str
    watermark: datetime | None
    slices_unread: int
    pages_of_unread_slices: int
    """Read of them so far; those of slices read to their end are counted nowhere."""
    runs: int
    pending_runs: int
    oldest_pending: datetime | None
    conversations: dict[str, int]
    failures: dict[str, int]
    """Conversations set aside, by reason."""
    unreadable: dict[str, int]
    """Runs set aside, by reason."""


class Figures(Struct, frozen=True, kw_only=True):
    """The staging file at one moment."""

    epoch: int
    clean: bool
    """Whether the last owner closed in order; False also while one is at work."""
    projects: tuple[ProjectFigures, ...]
    files: dict[str, int]
    """Parts by state."""
    emissions: int
    size_bytes: int

    @property
    def quarantined(self) -> int:
        """Runs and conversations set aside."""
        return sum(
            sum(counts.values()) for project in self.projects for counts in (project.failures, project.unreadable)
        )


def read_figures(path: Path) -> Figures:
    """The figures of a staging file, also while a worker owns it.

    Raises:
        ConfigError: the file is empty, or this Python's SQLite is too old.
        PathNotAllowed: its rights forbid it, or it is a folder.
        StagingError: it cannot be read, is none of ours, or one of a newer release.
    """
    with connect_to_read(path) as connection:
        try:
            connection.execute("BEGIN")
            return figures(connection)
        except sqlite3.Error as error:
            raise translate(error, str(path)) from error


def figures(connection: sqlite3.Connection) -> Figures:
    """The figures as this connection sees them."""
    epoch, clean = connection.execute("SELECT epoch, clean FROM owner").fetchone()
    pages, page_size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return Figures(
        epoch=epoch,
        clean=bool(clean),
        projects=tuple(
            _project(connection, key, unpack_id(name), title)
            for key, name, title in connection.execute(
                "SELECT key, id, name FROM project ORDER BY name, key"
            ).fetchall()
        ),
        files=dict(connection.execute("SELECT state, count(*) FROM part GROUP BY state").fetchall()),
        emissions=connection.execute("SELECT count(*) FROM emission").fetchone()[0],
        size_bytes=pages * page_size,
    )


def _project(connection: sqlite3.Connection, key: int, name: str, title: str) -> ProjectFigures:
    slices_unread, pages = connection.execute(
        "SELECT count(*), coalesce(sum(pages), 0) FROM slice WHERE project = ?", (key,)
    ).fetchone()
    pending_runs, oldest_pending = connection.execute(
        "SELECT count(*), min(r.start) FROM look l JOIN run r ON r.key = l.run WHERE l.project = ?", (key,)
    ).fetchone()
    return ProjectFigures(
        id=name,
        name=title,
        watermark=slices.coverage(name, connection).watermark,
        slices_unread=slices_unread,
        pages_of_unread_slices=pages,
        runs=connection.execute("SELECT count(*) FROM run WHERE project = ?", (key,)).fetchone()[0],
        pending_runs=pending_runs,
        oldest_pending=None if oldest_pending is None else unpack_time(oldest_pending),
        conversations=_counts(
            connection,
            "SELECT CASE WHEN purged THEN 'purged' WHEN failure IS NOT NULL THEN 'failed' WHEN changed THEN 'open' "
            "ELSE 'emitted' END, count(*) FROM conversation "
            "WHERE project = ? AND (revision OR changed OR purged) GROUP BY 1",
            key,
        ),
        failures=_counts(
            connection,
            "SELECT failure, count(*) FROM conversation WHERE project = ? AND failure IS NOT NULL GROUP BY 1",
            key,
        ),
        unreadable=_counts(connection, "SELECT reason, count(*) FROM unreadable WHERE project = ? GROUP BY 1", key),
    )


def _counts(connection: sqlite3.Connection, sql: str, project: int) -> dict[str, int]:
    return dict(connection.execute(sql, (project,)).fetchall())
