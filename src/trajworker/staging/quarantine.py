"""What could not be read: kept raw, let go once it can be read, and erased with the conversation it belongs to.

A run is known by its id. What has none stands for a stretch of start times, and goes when that is read whole again.
All functions run in the thread of the connection, those that write within a transaction.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime

from trajworker.model.intervals import subtract
from trajworker.ports import StagedPage, Unreadable
from trajworker.staging.encoding import PackedId, digest, pack_id, pack_time, unpack_id
from trajworker.staging.slices import KEY_OF_PROJECT, Stretch, spans_of
from trajworker.staging.statements import chunked, slots

_COLUMNS = "project, run, reason, hash, raw, trace, start, end, slice, kept_at"
_UPDATE = (
    "slice = excluded.slice, trace = coalesce(excluded.trace, trace), "
    # a later look may bring less: an id alone tells nothing of what came before
    "reason = iif(length(excluded.raw), excluded.reason, reason), "
    "raw = iif(length(excluded.raw), excluded.raw, raw)"
)


def keep(connection: sqlite3.Connection, project: int, staged: StagedPage, now: datetime) -> tuple[Unreadable, ...]:
    """Keep what cannot be read on a page; those of it that are new.

    What belongs to a purged conversation is not kept.
    """
    unreadable = staged.page.unreadable
    purged = _of_purged(connection, project, {bad.trace_id for bad in unreadable if bad.trace_id})
    hashed = [(_hash_of(bad), bad) for bad in unreadable if bad.trace_id not in purged]
    kept: set[bytes] = set()
    for some in chunked([hash_ for hash_, _ in hashed]):
        rows = connection.execute(
            f"SELECT hash FROM unreadable WHERE project = ? AND hash IN ({slots(some)})", (project, *some)
        )
        kept.update(found for (found,) in rows)
    met = None if staged.slice is None else staged.slice.id, pack_time(now)
    connection.executemany(
        f"INSERT INTO unreadable ({_COLUMNS}) VALUES ({slots(_COLUMNS.split(','))}) "
        f"ON CONFLICT (project, hash) DO UPDATE SET {_UPDATE}",
        [
            (project, _packed(bad.run_id), bad.reason, hash_, bad.raw, bad.trace_id, *_place(bad, staged), *met)
            for hash_, bad in hashed
        ],
    )
    return tuple(bad for hash_, bad in hashed if hash_ not in kept)


def release(connection: sqlite3.Connection, project: int, ids: Sequence[PackedId]) -> int:
    """Let go the runs that can be read now; how many those are."""
    if not _any(connection, project):
        return 0
    return sum(
        connection.execute(
            f"DELETE FROM unreadable WHERE project = ? AND run IN ({slots(some)})", (project, *some)
        ).rowcount
        for some in chunked(ids)
    )


def release_stretches(connection: sqlite3.Connection, project: int, slice_: int, read: Sequence[Stretch]) -> int:
    """Let go what stood for stretches that are read whole by now; how many those are.

    What was met while a slice was read goes when another one has `read` its stretch; what was given up as a whole goes
    when its stretch is covered.
    """
    rows = connection.execute(
        "SELECT key, start, end, slice FROM unreadable WHERE project = ? AND start IS NOT NULL AND slice IS NOT ?",
        (project, slice_),
    ).fetchall()
    if not rows:
        return 0
    spans = spans_of(connection, project)
    well = [(key,) for key, start, end, met in rows if not subtract([(start, end)], spans if met is None else read)]
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
        f"WHERE u.project = {KEY_OF_PROJECT} "
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
            f"WHERE c.purged = 1 AND t.project = ? AND t.id IN ({slots(some)})",
            (project, *some),
        )
    }


def _hash_of(bad: Unreadable) -> bytes:
    """What it is recognised by: the run's id, or what is known of it where it has none."""
    packed = _packed(bad.run_id)
    if packed is None:
        return digest(bad.mark or bad.raw, (bad.trace_id or "").encode(), repr(bad.stretch).encode())
    return packed.encode() if isinstance(packed, str) else packed


def _packed(name: str | None) -> PackedId | None:
    return None if name is None else pack_id(name)


def _place(bad: Unreadable, staged: StagedPage) -> tuple[int, int] | tuple[None, None]:
    """The start times that something without an id stands for: its own, those of its page, or those of its slice."""
    if bad.run_id is not None:
        return None, None
    stretch, slice_ = bad.stretch, staged.slice
    if stretch is None and staged.page.runs:
        starts = [run.start_time for run in staged.page.runs]
        stretch = min(starts), max(starts)
    if stretch is None and slice_ is not None:
        stretch = slice_.start, slice_.end
    return (None, None) if stretch is None else (pack_time(stretch[0]), pack_time(stretch[1]))
