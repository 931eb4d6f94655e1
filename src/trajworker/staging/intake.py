"""Taking in a page: runs, feedback, cursor and "conversation changed" in one transaction, set by set, never row by row.

All functions run in the thread of the connection.
"""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from trajworker.model.run import Run
from trajworker.ports import Slice, SlicePurpose, StagedPage, StageOutcome
from trajworker.staging import feedback, quarantine, slices, strays, texts, traces
from trajworker.staging.arrivals import Arrival, Confirmations, arrivals_of
from trajworker.staging.encoding import PackedId, pack_time
from trajworker.staging.heads import Heads
from trajworker.staging.news import News, find_news
from trajworker.staging.statements import chunked, slots

EPOCH_SHIFT = 40
"""A process makes fewer than 2^40 requests; above them stands its epoch, so later processes always count higher."""
WHOLE = (SlicePurpose.COVER, SlicePurpose.CATCH_UP, SlicePurpose.DEEP_SCAN, SlicePurpose.UNSETTLED)
"""Purposes of slices in which every run of a stretch is met."""
COLUMNS = "ended, start, end, fetch_seq, hash, feedback_stats, body"


class Opening(Struct, frozen=True):
    """What one opening of a staging file, by its number, keeps in memory of it, and the clock that it goes by."""

    epoch: int
    confirmations: Confirmations
    heads: Heads
    now: Callable[[], datetime]


def stage(opening: Opening, staged: StagedPage, connection: sqlite3.Connection) -> StageOutcome:
    """Take in a page; see `ports.RunStore.stage`."""
    heads = opening.heads
    heads.begin(connection)
    project_id = _project_of(staged)
    if project_id is None:
        return StageOutcome(changed=0)
    project = slices.require_project(connection, project_id)
    fetch_seq = opening.epoch << EPOCH_SHIFT | staged.fetch_seq
    news = find_news(connection, project, opening.confirmations, arrivals_of(staged.page.runs, fetch_seq))
    touched = _take_runs(connection, project, heads, news)
    changed = news.changed
    feedback.take(connection, project, staged, news, touched.withheld)
    quarantined = quarantine.keep(connection, project, staged, opening.now())
    late = _late(connection, project, staged.slice, changed)
    recovered = quarantine.release(connection, project, news.ids)
    advance = _advance(connection, project, staged)
    return StageOutcome(
        changed=len(changed),
        cursor_seen=advance.cursor_seen,
        split=advance.split,
        late=len(late),
        oldest_late=min(late, default=None),
        quarantined=quarantined,
        recovered=recovered + advance.recovered,
    )


def _project_of(staged: StagedPage) -> str | None:
    if staged.slice is not None:
        return staged.slice.project_id
    known = [run.project_id for run in staged.page.runs[:1]] + [bad.project_id for bad in staged.page.unreadable[:1]]
    return known[0] if known else None


def _take_runs(connection: sqlite3.Connection, project: int, heads: Heads, news: News) -> traces.Touched:
    left = strays.take_out(connection, news)
    known = news.replaced + news.renewed
    touched = traces.touch(connection, project, news.new + [arrival for _, arrival in known], left)
    texts.follow(connection, heads, touched.moved)
    news.leave_out(touched.withheld)
    _insert(connection, project, heads, news.new, touched)
    _replace(connection, heads, news.replaced)
    if news.renewed:
        connection.executemany(
            "UPDATE run SET feedback_stats = ?, fetch_seq = ? WHERE key = ?",
            [(arrival.version.stats, arrival.version.fetch_seq, key) for key, arrival in news.renewed],
        )
    _refill(connection, heads, news.refilled)
    _watch_pending(connection, project, news.new, news.replaced)
    return touched


def _columns(arrival: Arrival) -> tuple[object, ...]:
    """What is stored of a run besides where it belongs and where its payloads are, in the order of `COLUMNS`."""
    version = arrival.version
    ended = int(version.ended)
    return (ended, arrival.start, version.end, version.fetch_seq, version.hash, version.stats, arrival.body)


def _insert(
    connection: sqlite3.Connection, project: int, heads: Heads, new: Sequence[Arrival], touched: traces.Touched
) -> None:
    places = texts.put(
        connection, heads, [(touched.homes[arrival.run.trace_id], arrival) for arrival in new if arrival.apart]
    )
    # In two statements, since every NULL that is bound costs time.
    connection.executemany(
        f"INSERT INTO run (project, id, trace, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (project, arrival.id, touched.keys[arrival.run.trace_id], *_columns(arrival))
            for arrival in new
            if not arrival.apart
        ],
    )
    connection.executemany(
        f"INSERT INTO run (project, id, trace, {COLUMNS}, {texts.COLUMNS}) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (project, arrival.id, touched.keys[arrival.run.trace_id], *_columns(arrival), *places[arrival.id])
            for arrival in new
            if arrival.apart
        ],
    )


def _replace(connection: sqlite3.Connection, heads: Heads, replaced: Sequence[tuple[int, Arrival]]) -> None:
    places = _put_known(connection, heads, replaced)
    connection.executemany(
        f"UPDATE run SET ({COLUMNS}, {texts.COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE key = ?",
        [(*_columns(arrival), *places.get(arrival.id, texts.IN_BODY), key) for key, arrival in replaced],
    )


def _refill(connection: sqlite3.Connection, heads: Heads, refilled: Sequence[tuple[int, Arrival]]) -> None:
    """Give back payloads that were dropped; a conversation is whole again once none is missing."""
    if not refilled:
        return
    places = _put_known(connection, heads, refilled)
    connection.executemany(
        f"UPDATE run SET (body, {texts.COLUMNS}) = (?, ?, ?, ?, ?) WHERE key = ?",
        [(arrival.body, *places.get(arrival.id, texts.IN_BODY), key) for key, arrival in refilled],
    )
    keys = [key for key, _ in refilled]
    connection.execute(
        "UPDATE conversation SET reduced = 0 WHERE reduced = 1 AND key IN (SELECT t.conversation FROM run r "
        f"JOIN trace t ON t.key = r.trace WHERE r.key IN ({slots(keys)})) AND NOT EXISTS (SELECT 1 FROM trace t "
        "JOIN run r ON r.trace = t.key WHERE t.conversation = conversation.key AND r.body IS NULL)",
        keys,
    )


def _put_known(
    connection: sqlite3.Connection, heads: Heads, runs: Sequence[tuple[int, Arrival]]
) -> dict[PackedId, texts.Place]:
    """Write the texts of runs that have rows, given by key: with the conversation in which the row is."""
    long = {key: arrival for key, arrival in runs if arrival.apart}
    homes: dict[int, int] = {}
    for some in chunked(list(long)):
        homes.update(
            connection.execute(
                "SELECT r.key, t.conversation FROM run r JOIN trace t ON t.key = r.trace "
                f"WHERE r.key IN ({slots(some)})",
                some,
            )
        )
    return texts.put(connection, heads, [(homes[key], arrival) for key, arrival in long.items()])


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


def _late(connection: sqlite3.Connection, project: int, slice_: Slice | None, changed: Sequence[Run]) -> list[datetime]:
    """When those of the changed runs began that lie where everything had been read before."""
    if slice_ is None or slice_.purpose is SlicePurpose.COVER or not changed:
        return []
    spans = slices.spans_of(connection, project)
    starts = [(run.start_time, pack_time(run.start_time)) for run in changed]
    return [time for time, moment in starts if any(start <= moment < end for start, end in spans)]


class _Advance(Struct, frozen=True):
    """What storing the place of a slice came to; see `ports.StageOutcome`."""

    cursor_seen: bool = False
    split: tuple[Slice, ...] = ()
    recovered: int = 0


def _advance(connection: sqlite3.Connection, project: int, staged: StagedPage) -> _Advance:
    """Store where the slice stands now."""
    slice_ = staged.slice
    if slice_ is None or slice_.id is None or not slices.update_slice(connection, slice_.id, slice_):
        return _Advance()
    split = tuple(slices.with_id(connection, project, other) for other in staged.split)
    if staged.done:
        read = slices.finish(connection, project, slice_, split)
        whole = read if slice_.purpose in WHOLE else []
        return _Advance(split=split, recovered=quarantine.release_stretches(connection, project, slice_.id, whole))
    again = slice_.cursor is not None and not slices.remember_cursor(connection, slice_.id, slice_.cursor)
    return _Advance(cursor_seen=again, split=split)
