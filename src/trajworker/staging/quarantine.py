"""What could not be read: kept raw, let go once it can be read, and erased with the conversation it belongs to.

A run is known by its id. What has none stands for a stretch of start times, and goes when that is read whole again.
All functions run in the thread of the connection, those that write within a transaction.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from time import time

from trajworker.ports import Unreadable
from trajworker.staging import slices
from trajworker.staging.encoding import SECOND_US, PackedId, chunked, digest, marks, pack_id, pack_time, unpack_id
from trajworker.staging.slices import Stretch

_COLUMNS = "project, run, reason, hash, raw, trace, start, end, slice, kept_at"
_UPDATE = (
    "slice = excluded.slice, trace = coalesce(excluded.trace, trace), "
    # a later look may bring less: an id alone tells nothing of what came before
    "reason = iif(length(excluded.raw), excluded.reason, reason), "
    "raw = iif(length(excluded.raw), excluded.raw, raw)"
)


def keep(
    connection: sqlite3.Connection, project: int, slice_: int | None, unreadable: Sequence[Unreadable]
) -> tuple[Unreadable, ...]:
    """Keep what cannot be read, met while the slice of that key was read; those of it that are new.

    What belongs to a purged conversation is not kept.
    """
    purged = _of_purged(connection, project, {bad.trace_id for bad in unreadable if bad.trace_id})
    unreadable = [bad for bad in unreadable if bad.trace_id not in purged]
    hashes = [_hash_of(bad) for bad in unreadable]
    kept: set[bytes] = set()
    for some in chunked(hashes):
        rows = connection.execute(
            f"SELECT hash FROM unreadable WHERE project = ? AND hash IN ({marks(some)})", (project, *some)
        )
        kept.update(found for (found,) in rows)
    now = int(time() * SECOND_US)
    connection.executemany(
        f"INSERT INTO unreadable ({_COLUMNS}) VALUES ({marks(_COLUMNS.split(','))}) "
        f"ON CONFLICT (project, hash) DO UPDATE SET {_UPDATE}",
        [
            (project, _packed(bad.run_id), bad.reason, hash_, bad.raw, bad.trace_id, *_stretch(bad), slice_, now)
            for bad, hash_ in zip(unreadable, hashes, strict=True)
        ],
    )
    return tuple(bad for bad, hash_ in zip(unreadable, hashes, strict=True) if hash_ not in kept)


def release(connection: sqlite3.Connection, project: int, ids: Sequence[PackedId]) -> int:
    """Let go the runs that can be read now; how many those are."""
    if not _any(connection, project):
        return 0
    return sum(
        connection.execute(
            f"DELETE FROM unreadable WHERE project = ? AND run IN ({marks(some)})", (project, *some)
        ).rowcount
        for some in chunked(ids)
    )


def release_stretches(connection: sqlite3.Connection, project: int, slice_: int, read: Sequence[Stretch]) -> int:
    """Let go what stood for stretches that are read whole by now; how many those are.

    What was met while a slice was read goes when another one has `read` its stretch; what was given up as a whole goes
    when its stretch is covered.
    """
    spans = slices.spans_of(connection, project)
    rows = connection.execute(
        "SELECT key, start, end, slice FROM unreadable WHERE project = ? AND start IS NOT NULL AND slice IS NOT ?",
        (project, slice_),
    ).fetchall()
    well = [
        (key,) for key, start, end, met in rows if not slices.subtract([(start, end)], spans if met is None else read)
    ]
    connection.executemany("DELETE FROM unreadable WHERE key = ?", well)
    return len(well)


def erase_traces(connection: sqlite3.Connection, erased: Iterable[tuple[int, PackedId]]) -> None:
    """Erase what is kept of traces, given by project and id."""
    connection.executemany(
        "DELETE FROM unreadable WHERE project = ? AND trace = ?", [(key, unpack_id(name)) for key, name in erased]
    )


def erase_before(connection: sqlite3.Connection, moment: int) -> None:
    """Erase what was set aside before a moment in microseconds: it was active before, whatever it belongs to."""
    connection.execute("DELETE FROM unreadable WHERE kept_at < ?", (moment,))


def unreadable(project_id: str, connection: sqlite3.Connection) -> list[Unreadable]:
    """Runs that could not be read and did not come whole since."""
    rows = connection.execute(
        "SELECT u.run, u.reason, u.raw, u.trace FROM unreadable u "
        "WHERE u.project = (SELECT key FROM project WHERE id = ?) "
        "AND NOT EXISTS (SELECT 1 FROM run r WHERE r.project = u.project AND r.id = u.run)",
        (pack_id(project_id),),
    )
    return [
        Unreadable(
            project_id=project_id,
            run_id=None if run is None else unpack_id(run),
            reason=reason,
            raw=raw,
            trace_id=trace,
        )
        for run, reason, raw, trace in rows
    ]


def _any(connection: sqlite3.Connection, project: int) -> bool:
    found: int = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM unreadable WHERE project = ?)", (project,)
    ).fetchone()[0]
    return bool(found)


def _of_purged(connection: sqlite3.Connection, project: int, ids: Iterable[str]) -> set[str]:
    """Those of the traces, by id, whose conversations were purged."""
    packed = {pack_id(name): name for name in ids}
    return {
        packed[found]
        for some in chunked(list(packed))
        for (found,) in connection.execute(
            "SELECT t.id FROM trace t JOIN conversation c ON c.key = t.conversation "
            f"WHERE c.purged = 1 AND t.project = ? AND t.id IN ({marks(some)})",
            (project, *some),
        )
    }


def _hash_of(bad: Unreadable) -> bytes:
    """What it is recognised by: the run's id, or what is known of it where it has none."""
    packed = _packed(bad.run_id)
    if packed is None:
        return digest(bad.raw, (bad.trace_id or "").encode(), repr(_stretch(bad)).encode())
    return packed.encode() if isinstance(packed, str) else packed


def _packed(name: str | None) -> PackedId | None:
    return None if name is None else pack_id(name)


def _stretch(bad: Unreadable) -> tuple[int, int] | tuple[None, None]:
    return (None, None) if bad.stretch is None else (pack_time(bad.stretch[0]), pack_time(bad.stretch[1]))
