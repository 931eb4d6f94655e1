"""What a reader who knows what he wants asks of staging: traces and conversations by id, and what could not be read.

All functions write nothing; those that are given a connection run in its thread.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from trajworker.ports import Activity
from trajworker.staging import outlet
from trajworker.staging.encoding import pack_id, unpack_id, unpack_time
from trajworker.staging.failures import translate
from trajworker.staging.read_only import connect_to_read
from trajworker.staging.slices import KEY_OF_PROJECT
from trajworker.staging.statements import chunked, slots

NEWEST_ROWS = 256
"""Conversations told of at a time."""
FIRST = (2**63 - 1, 2**63 - 1)


class StagedTrace(Struct, frozen=True, kw_only=True):
    """A trace as it is staged: its conversation, and what tells whether the source has a newer version of it.

    `root_end` is None where the root is not there or has not ended; `pending` tells that some run has not.
    """

    conversation_id: str
    root_end: datetime | None
    root_stats: bytes | None
    pending: bool


def traces(project_id: str, trace_ids: Sequence[str], connection: sqlite3.Connection) -> dict[str, StagedTrace]:
    """Those of the traces that are staged, by id."""
    found: dict[str, StagedTrace] = {}
    for some in chunked(trace_ids):
        rows = connection.execute(
            "SELECT t.id, c.id, CASE WHEN r.ended THEN r.end END, r.feedback_stats, "
            "EXISTS (SELECT 1 FROM run p WHERE p.trace = t.key AND p.ended = 0) "
            "FROM trace t JOIN conversation c ON c.key = t.conversation "
            "LEFT JOIN run r ON r.project = t.project AND r.id = t.id "
            f"WHERE t.project = {KEY_OF_PROJECT} AND t.id IN ({slots(some)})",
            (pack_id(project_id), *map(pack_id, some)),
        )
        for trace, conversation, end, stats, pending in rows:
            found[unpack_id(trace)] = StagedTrace(
                conversation_id=unpack_id(conversation),
                root_end=None if end is None else unpack_time(end),
                root_stats=stats,
                pending=bool(pending),
            )
    return found


def conversations(project_id: str, ids: Sequence[str], connection: sqlite3.Connection) -> dict[str, Activity]:
    """Those of the conversations that are staged and hold something, by id."""
    found: dict[str, Activity] = {}
    for some in chunked(ids):
        rows = connection.execute(
            f"{outlet.ACTIVITY} WHERE p.id = ? AND c.id IN ({slots(some)}) AND c.purged = 0",
            (pack_id(project_id), *map(pack_id, some)),
        ).fetchall()
        activities = outlet.activities(connection, rows)
        found.update((one.conversation_id, one) for one in activities if not one.empty)
    return found


def purged(project_id: str, ids: Sequence[str], connection: sqlite3.Connection) -> set[str]:
    """Those of the conversations that were purged, by id."""
    found: set[str] = set()
    for some in chunked(ids):
        rows = connection.execute(
            f"SELECT id FROM conversation WHERE project = {KEY_OF_PROJECT} AND id IN ({slots(some)}) AND purged = 1",
            (pack_id(project_id), *map(pack_id, some)),
        )
        found.update(unpack_id(name) for (name,) in rows)
    return found


def read_homes(path: Path, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Names of the projects that have each of the conversations, by id, purged or not; also of a file in use.

    Raises as `read_figures` does.
    """
    with connect_to_read(path) as connection:
        try:
            return {name: _homes(name, connection) for name in ids}
        except sqlite3.Error as error:
            raise translate(error, str(path)) from error


def _homes(conversation_id: str, connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute(
        "SELECT p.id, p.name FROM project p CROSS JOIN conversation c ON c.project = p.key AND c.id = ?",
        (pack_id(conversation_id),),
    )
    return {unpack_id(project): name for project, name in rows}


def newest(
    project_id: str, after: outlet.Place, connection: sqlite3.Connection
) -> tuple[list[Activity], outlet.Place | None]:
    """The next conversations behind `after`, those active last first, and where to go on; None at the end."""
    rows = connection.execute(
        f"{outlet.ACTIVITY} WHERE p.id = ? AND c.purged = 0 AND (c.last_activity, c.key) < (?, ?) "
        "ORDER BY c.last_activity DESC, c.key DESC LIMIT ?",
        (pack_id(project_id), *after, NEWEST_ROWS),
    ).fetchall()
    found = [one for one in outlet.activities(connection, rows) if not one.empty]
    return found, (rows[-1][3], rows[-1][0]) if rows else None


def projects(connection: sqlite3.Connection) -> list[str]:
    """Ids of all projects there are."""
    return [unpack_id(project) for (project,) in connection.execute("SELECT id FROM project ORDER BY key")]
