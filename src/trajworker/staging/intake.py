"""Taking in a page: runs, feedback, cursor and "conversation changed" in one transaction, set by set, never row by row.

All functions run in the thread of the connection.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from trajworker.model.run import Run
from trajworker.ports import Purpose, Slice, StagedPage, StageOutcome, Unreadable
from trajworker.staging import slices, traces
from trajworker.staging.arrivals import Arrival, Confirmations, arrivals_of
from trajworker.staging.encoding import PackedId, chunked, digest, marks, pack_feedback, pack_id, pack_time
from trajworker.staging.precedence import RunVersion, Verdict, judge

EPOCH_SHIFT = 40
"""A process makes fewer than 2^40 requests; above them stands its epoch, so later processes always count higher."""
COLUMNS = "ended, start, end, fetch_seq, hash, tree_order, feedback_stats, body"


class Staged(Struct, frozen=True):
    """What is known of a run already staged."""

    key: int
    version: RunVersion
    kept: bool
    """Whether its payload is still there."""


def stage(epoch: int, confirmations: Confirmations, staged: StagedPage, connection: sqlite3.Connection) -> StageOutcome:
    """Take in a page; see `ports.RunStore.stage`."""
    project_id = _project_of(staged)
    if project_id is None:
        return StageOutcome(changed=0, unchanged=0, conversations=0)
    project = slices.require_project(connection, project_id)
    fetch_seq = epoch << EPOCH_SHIFT | staged.fetch_seq
    changed, touched = _take_runs(connection, project, confirmations, arrivals_of(staged.page.runs, fetch_seq))
    if staged.feedback:
        _take_feedback(connection, project, staged, touched)
    _set_aside(connection, project, staged.page.unreadable)
    late = _late(connection, project, staged.slice, changed)
    seen, split = _advance(connection, project, staged)
    return StageOutcome(
        changed=len(changed),
        unchanged=len(staged.page.runs) - len(changed),
        conversations=len(touched.conversations),
        cursor_seen=seen,
        split=split,
        late=len(late),
        oldest_late=min(late, default=None),
    )


def _project_of(staged: StagedPage) -> str | None:
    if staged.slice is not None:
        return staged.slice.project_id
    known = [run.project_id for run in staged.page.runs[:1]] + [bad.project_id for bad in staged.page.unreadable[:1]]
    return known[0] if known else None


def _take_runs(
    connection: sqlite3.Connection, project: int, confirmations: Confirmations, arrivals: dict[PackedId, Arrival]
) -> tuple[list[Run], traces.Touched]:
    staged = _staged(connection, project, list(arrivals))
    new: list[Arrival] = []
    replaced: list[tuple[int, Arrival]] = []
    renewed: list[tuple[int, Arrival]] = []
    refilled: list[tuple[bytes, int]] = []
    for packed, arrival in arrivals.items():
        known = staged.get(packed)
        if known is None:
            new.append(arrival)
            continue
        match judge(_confirmed(known, confirmations), arrival.version):
            case Verdict.REPLACE:
                replaced.append((known.key, arrival))
            case Verdict.RENEW_STATS:
                renewed.append((known.key, arrival))
            case Verdict.KEEP if arrival.version.hash == known.version.hash:
                confirmations.note(known.key, arrival.version.fetch_seq)
                if not known.kept:
                    refilled.append((arrival.body, known.key))
    touched = traces.touch(connection, project, new + [arrival for _, arrival in replaced + renewed])
    new = [arrival for arrival in new if arrival.run.trace_id in touched.keys]
    _insert(connection, project, new, touched)
    _replace(connection, replaced)
    if renewed:
        connection.executemany(
            "UPDATE run SET feedback_stats = ?, fetch_seq = ? WHERE key = ?",
            [(arrival.version.stats, arrival.version.fetch_seq, key) for key, arrival in renewed],
        )
    if refilled:
        _refill(connection, refilled)
    _watch_pending(connection, project, new, replaced)
    _clear_unreadable(connection, project, list(arrivals))
    return [arrival.run for arrival in new] + [arrival.run for _, arrival in replaced + renewed], touched


def _staged(connection: sqlite3.Connection, project: int, ids: Sequence[PackedId]) -> dict[PackedId, Staged]:
    found: dict[PackedId, Staged] = {}
    for some in chunked(ids):
        rows = connection.execute(
            "SELECT id, key, ended, end, fetch_seq, hash, feedback_stats, body IS NOT NULL FROM run "
            f"WHERE project = ? AND id IN ({marks(some)})",
            (project, *some),
        )
        for packed, key, ended, end, fetch_seq, content, stats, kept in rows:
            found[packed] = Staged(key, RunVersion(bool(ended), end, fetch_seq, content, stats), bool(kept))
    return found


def _confirmed(known: Staged, confirmations: Confirmations) -> RunVersion:
    version = known.version
    later = confirmations.of(known.key)
    if later <= version.fetch_seq:
        return version
    return RunVersion(version.ended, version.end, later, version.hash, version.stats)


def _columns(arrival: Arrival) -> tuple[object, ...]:
    """What is stored of a run besides where it belongs, in the order of `COLUMNS`."""
    version, run = arrival.version, arrival.run
    figures = (version.ended, arrival.start, version.end, version.fetch_seq, version.hash)
    return (*figures, run.dotted_order, version.stats, arrival.body)


def _insert(connection: sqlite3.Connection, project: int, new: Sequence[Arrival], touched: traces.Touched) -> None:
    connection.executemany(
        f"INSERT INTO run (project, id, trace, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(project, arrival.id, touched.keys[arrival.run.trace_id], *_columns(arrival)) for arrival in new],
    )


def _replace(connection: sqlite3.Connection, replaced: Sequence[tuple[int, Arrival]]) -> None:
    if not replaced:
        return
    connection.executemany(
        f"UPDATE run SET ({COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?) WHERE key = ?",
        [(*_columns(arrival), key) for key, arrival in replaced],
    )


def _refill(connection: sqlite3.Connection, refilled: Sequence[tuple[bytes, int]]) -> None:
    """Give back payloads that were dropped; a conversation is whole again once none is missing."""
    connection.executemany("UPDATE run SET body = ? WHERE key = ?", refilled)
    keys = [key for _, key in refilled]
    connection.execute(
        "UPDATE conversation SET reduced = 0 WHERE reduced = 1 AND key IN (SELECT t.conversation FROM run r "
        f"JOIN trace t ON t.key = r.trace WHERE r.key IN ({marks(keys)})) AND NOT EXISTS (SELECT 1 FROM trace t "
        "JOIN run r ON r.trace = t.key WHERE t.conversation = conversation.key AND r.body IS NULL)",
        keys,
    )


def _watch_pending(
    connection: sqlite3.Connection, project: int, new: Sequence[Arrival], replaced: Sequence[tuple[int, Arrival]]
) -> None:
    """Put runs that have not ended on the list of those to look at again, and take those that ended off it."""
    connection.executemany(
        "INSERT OR IGNORE INTO look (run, project, due, looks) SELECT key, project, 0, 0 FROM run "
        "WHERE project = ? AND id = ?",
        [(project, arrival.id) for arrival in new if not arrival.version.ended],
    )
    connection.executemany(
        "DELETE FROM look WHERE run = ?", [(key,) for key, arrival in replaced if arrival.version.ended]
    )


def _take_feedback(connection: sqlite3.Connection, project: int, staged: StagedPage, touched: traces.Touched) -> None:
    for feedback in staged.feedback:
        body = pack_feedback(feedback)
        run = None if feedback.run_id is None else pack_id(feedback.run_id)
        trace = None if feedback.trace_id is None else pack_id(feedback.trace_id)
        news = connection.execute(
            "INSERT INTO feedback VALUES (?, ?, ?, ?, ?) ON CONFLICT (project, id) DO UPDATE "
            "SET run = excluded.run, trace = excluded.trace, body = excluded.body WHERE body != excluded.body",
            (project, pack_id(feedback.id), run, trace, body),
        )
        if news.rowcount == 1:
            traces.touch_by_run(connection, project, run if run is not None else trace, touched)


def _set_aside(connection: sqlite3.Connection, project: int, unreadable: Sequence[Unreadable]) -> None:
    connection.executemany(
        "INSERT INTO unreadable (project, run, reason, hash, raw) VALUES (?, ?, ?, ?, ?) ON CONFLICT (project, hash) "
        "DO UPDATE SET reason = excluded.reason, raw = excluded.raw WHERE raw != excluded.raw",
        [
            (
                project,
                None if bad.run_id is None else pack_id(bad.run_id),
                bad.reason,
                digest(bad.raw if bad.run_id is None else bad.run_id.encode()),
                bad.raw,
            )
            for bad in unreadable
        ],
    )


def _clear_unreadable(connection: sqlite3.Connection, project: int, ids: Sequence[PackedId]) -> None:
    """What can be read now is not set aside any more."""
    if connection.execute("SELECT EXISTS (SELECT 1 FROM unreadable WHERE project = ?)", (project,)).fetchone()[0]:
        for some in chunked(ids):
            connection.execute(f"DELETE FROM unreadable WHERE project = ? AND run IN ({marks(some)})", (project, *some))


def _late(connection: sqlite3.Connection, project: int, part: Slice | None, changed: Sequence[Run]) -> list[datetime]:
    """When those of the changed runs began that lie where everything had been read before."""
    if part is None or part.purpose is Purpose.COVER or not changed:
        return []
    spans = slices.spans_of(connection, project)
    starts = [(run.start_time, pack_time(run.start_time)) for run in changed]
    return [time for time, moment in starts if any(start <= moment < end for start, end in spans)]


def _advance(connection: sqlite3.Connection, project: int, staged: StagedPage) -> tuple[bool, tuple[Slice, ...]]:
    """Store where the slice stands now; whether its cursor came before, and the slices split off with their ids."""
    part = staged.slice
    if part is None or part.id is None or not slices.update_slice(connection, part.id, part):
        return False, ()
    split = tuple(slices.with_id(connection, project, other) for other in staged.split)
    if staged.done:
        slices.finish(connection, project, part, split)
        return False, split
    again = part.cursor is not None and not slices.remember_cursor(connection, part.id, part.cursor)
    return again, split
