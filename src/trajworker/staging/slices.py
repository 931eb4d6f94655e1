"""Slices of time: which are to be read, what was read whole, and up to where nothing is missing.

All functions run in the thread of the connection, those that write within a transaction.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import structs

from trajworker.model.intervals import subtract, union
from trajworker.model.run import Project
from trajworker.ports import COVERING, Coverage, Slice, SlicePurpose
from trajworker.staging.encoding import digest, pack_id, pack_time, unpack_time
from trajworker.staging.statements import slots

Stretch = tuple[int, int]
"""[start, end) in microseconds."""

_COVERING = tuple(map(str, COVERING))
KEY_OF_PROJECT = "(SELECT key FROM project WHERE id = ?)"
"""The key of a project in a statement, by its packed id."""
SLICE_COLUMNS = "start, end, purpose, ended_after, floor, cursor, pages, restarts"


def project_key(connection: sqlite3.Connection, project_id: str) -> int | None:
    """Key of a project, None where staging does not know it."""
    row = connection.execute("SELECT key FROM project WHERE id = ?", (pack_id(project_id),)).fetchone()
    return row[0] if row else None


def require_project(connection: sqlite3.Connection, project_id: str) -> int:
    """Key of a project, which is made under its id where staging does not know it."""
    key = project_key(connection, project_id)
    return know_project(connection, Project(project_id, project_id)) if key is None else key


def know_project(connection: sqlite3.Connection, project: Project) -> int:
    """Key of a project, which is remembered with its present name."""
    rows = connection.execute(
        "INSERT INTO project (id, name) VALUES (?, ?) "
        "ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING key",
        (pack_id(project.id), project.name),
    ).fetchall()
    key: int = rows[0][0]
    return key


def plan(project: Project, slices: Sequence[Slice], connection: sqlite3.Connection) -> None:
    """Remember slices; one with an id is begun again as given."""
    key = know_project(connection, project)
    for slice_ in slices:
        if slice_.id is None:
            insert_slice(connection, key, slice_)
        else:
            update_slice(connection, slice_.id, slice_)
            connection.execute("DELETE FROM cursor_seen WHERE slice = ?", (slice_.id,))
            if slice_.cursor is not None:
                remember_cursor(connection, slice_.id, slice_.cursor)


def insert_slice(connection: sqlite3.Connection, project: int, slice_: Slice) -> int:
    """Insert a slice and return its id."""
    cursor = connection.execute(
        f"INSERT INTO slice (project, {SLICE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (project, *_pack(slice_))
    )
    key = cursor.lastrowid
    assert key is not None  # noqa: S101 - an INSERT that did not raise has a rowid
    return key


def with_id(connection: sqlite3.Connection, project: int, slice_: Slice) -> Slice:
    """Insert a slice and return it with its id."""
    return structs.replace(slice_, id=insert_slice(connection, project, slice_))


def update_slice(connection: sqlite3.Connection, key: int, slice_: Slice) -> bool:
    """Store how far a slice has come; False where it is done already."""
    cursor = connection.execute(
        f"UPDATE slice SET ({SLICE_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?) WHERE key = ?", (*_pack(slice_), key)
    )
    return cursor.rowcount == 1


def remember_cursor(connection: sqlite3.Connection, key: int, cursor: str) -> bool:
    """Remember where reading goes on; False where it has been there before."""
    seen = connection.execute("INSERT OR IGNORE INTO cursor_seen VALUES (?, ?)", (key, digest(cursor.encode())))
    return seen.rowcount == 1


def finish(connection: sqlite3.Connection, project: int, slice_: Slice, split: Iterable[Slice]) -> list[Stretch]:
    """Take a slice that was read to its end off the list; what was read of it, without what was split off it."""
    connection.execute("DELETE FROM slice WHERE key = ?", (slice_.id,))
    read = subtract([_stretch(slice_)], [_stretch(other) for other in split])
    if slice_.purpose in COVERING:
        spans = union([*spans_of(connection, project), *read])
        connection.execute("DELETE FROM span WHERE project = ?", (project,))
        connection.executemany("INSERT INTO span VALUES (?, ?, ?)", [(project, *span) for span in spans])
    return read


def unread(project_id: str, connection: sqlite3.Connection) -> list[Slice]:
    """Slices not yet read to their end, newest first."""
    rows = connection.execute(
        f"SELECT key, {SLICE_COLUMNS} FROM slice WHERE project = {KEY_OF_PROJECT} ORDER BY start DESC, key",
        (pack_id(project_id),),
    )
    return [_unpack(project_id, row) for row in rows]


def coverage(project_id: str, connection: sqlite3.Connection) -> Coverage:
    """What was read whole, and the watermark."""
    key = project_key(connection, project_id)
    if key is None:
        return Coverage()
    spans = spans_of(connection, key)
    watermark = watermark_of(spans, _unread_stretches(connection, key))
    return Coverage(
        spans=tuple((unpack_time(start), unpack_time(end)) for start, end in spans),
        watermark=_time(watermark),
    )


def watermark_of(spans: Sequence[Stretch], planned: Sequence[Stretch]) -> int | None:
    """End of the longest prefix of `spans` before the first moment that is planned and not in them."""
    missing = subtract(planned, spans)
    first_missing = min((start for start, _ in missing), default=None)
    prefix = [end for start, end in spans if first_missing is None or start < first_missing]
    return prefix[-1] if prefix else None


def spans_of(connection: sqlite3.Connection, project: int) -> list[Stretch]:
    """What was read whole, in order."""
    return connection.execute("SELECT start, end FROM span WHERE project = ? ORDER BY start", (project,)).fetchall()


def _unread_stretches(connection: sqlite3.Connection, project: int) -> list[Stretch]:
    return connection.execute(
        f"SELECT start, end FROM slice WHERE project = ? AND purpose IN ({slots(_COVERING)})", (project, *_COVERING)
    ).fetchall()


def _stretch(slice_: Slice) -> Stretch:
    return pack_time(slice_.start), pack_time(slice_.end)


def _pack(slice_: Slice) -> tuple[int | str | None, ...]:
    ended_after = None if slice_.ended_after is None else pack_time(slice_.ended_after)
    floor = None if slice_.floor is None else pack_time(slice_.floor)
    return (*_stretch(slice_), str(slice_.purpose), ended_after, floor, slice_.cursor, slice_.pages, slice_.restarts)


def _unpack(project_id: str, row: tuple[int, int, int, str, int | None, int | None, str | None, int, int]) -> Slice:
    key, start, end, purpose, ended_after, floor, cursor, pages, restarts = row
    return Slice(
        id=key,
        project_id=project_id,
        start=unpack_time(start),
        end=unpack_time(end),
        purpose=SlicePurpose(purpose),
        ended_after=_time(ended_after),
        floor=_time(floor),
        cursor=cursor,
        pages=pages,
        restarts=restarts,
    )


def _time(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else unpack_time(microseconds)
