"""What is remembered over restarts: times of a project, words under a name, the settings that staging was begun with.

All functions run in the thread of the connection, those that write within a transaction.
"""

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from trajworker.staging.encoding import pack_id, pack_time, unpack_time
from trajworker.staging.slices import KEY_OF_PROJECT


def mark(project_id: str, name: str, connection: sqlite3.Connection) -> datetime | None:
    """A time remembered under a name."""
    row = connection.execute(
        f"SELECT at FROM mark WHERE name = ? AND project = {KEY_OF_PROJECT}",
        (name, pack_id(project_id)),
    ).fetchone()
    return unpack_time(row[0]) if row else None


def set_mark(project: int, name: str, at: datetime, connection: sqlite3.Connection) -> None:
    """Remember a time under a name."""
    connection.execute(
        "INSERT INTO mark VALUES (?, ?, ?) ON CONFLICT (project, name) DO UPDATE SET at = excluded.at",
        (project, name, pack_time(at)),
    )


def altered(settings: Mapping[str, str], connection: sqlite3.Connection) -> dict[str, str]:
    """Those of the settings that are pinned to another value: that value, by name."""
    pinned = dict(connection.execute("SELECT name, value FROM setting").fetchall())
    return {name: pinned[name] for name, value in settings.items() if pinned.get(name, value) != value}


def pin_settings(settings: Mapping[str, str], connection: sqlite3.Connection) -> None:
    """Store what must not change unnoticed between runs."""
    connection.executemany("INSERT OR REPLACE INTO setting VALUES (?, ?)", list(settings.items()))


def recall(name: str, connection: sqlite3.Connection) -> str | None:
    """What was remembered under a name; None before the first."""
    row = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def remember(name: str, value: str, connection: sqlite3.Connection) -> None:
    """Remember a word over restarts."""
    connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))
