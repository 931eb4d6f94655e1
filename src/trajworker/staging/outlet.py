"""What the outlet asks of staging: which conversations changed, and the record of what was said of them.

All functions run in the thread of the connection; `clamp_activity`, `record`, `quarantine` and `try_again` within a
transaction.
"""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from trajworker.errors import StagingError
from trajworker.ports import Activity, Emission, Line, LostRevision
from trajworker.staging import remembered
from trajworker.staging.encoding import pack_time, unpack_id, unpack_time
from trajworker.staging.statements import chunked, slots

CHANGED_ROWS = 256
"""Conversations told of at a time."""

TRIED_BY = "tried_by"
"""Under this name staging keeps the rules by which the conversations that are set aside could not be assembled."""

Place = tuple[int, int]
"""Where an iteration over changed conversations stands: last activity, key."""
FIRST = (-(2**63), 0)
_ACTIVITY = (
    "SELECT c.key, p.id, c.id, c.last_activity, c.revision, c.content_hash, c.reduced, "
    "NOT EXISTS (SELECT 1 FROM trace WHERE conversation = c.key), p.name, "
    "(SELECT max(revision) FROM emission WHERE conversation = c.key AND revision > c.revision) "
    "FROM conversation c{} JOIN project p ON p.key = c.project"
)
ACTIVITY = _ACTIVITY.format("")
"""Begins a query whose rows `activities` reads."""
_CHANGED = _ACTIVITY.format(" INDEXED BY conversation_changed")
_LACKING = (
    "EXISTS (SELECT 1 FROM trace t JOIN run r ON r.trace = t.key "
    "WHERE t.conversation = conversation.key AND r.body IS NULL)"
)
"""What came back to be told once more is dropped again in its time."""


def changed(before: datetime, after: Place, connection: sqlite3.Connection) -> tuple[list[Activity], Place]:
    """The next changed conversations behind `after`, longest idle first, and where they end."""
    rows = connection.execute(
        f"{_CHANGED} WHERE c.changed = 1 AND c.failure IS NULL "
        "AND (c.last_activity, c.key) > (?, ?) AND c.last_activity < ? "
        "ORDER BY c.last_activity, c.key LIMIT ?",
        (*after, pack_time(before), CHANGED_ROWS),
    ).fetchall()
    return activities(connection, rows), (rows[-1][3], rows[-1][0]) if rows else after


def claims_future(now: datetime, connection: sqlite3.Connection) -> bool:
    """Whether a changed conversation claims to have been active later than now."""
    found: int = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM conversation WHERE changed = 1 AND last_activity > ?)", (pack_time(now),)
    ).fetchone()[0]
    return bool(found)


def clamp_activity(now: datetime, connection: sqlite3.Connection) -> None:
    """Let changed conversations that claim to be active later count as active now.

    Once is enough: a run that is read again unchanged does not bring its claim back.
    """
    moment = {"now": pack_time(now)}
    connection.execute(
        "UPDATE trace SET last_activity = :now WHERE last_activity > :now AND conversation IN "
        "(SELECT key FROM conversation WHERE changed = 1 AND last_activity > :now)",
        moment,
    )
    connection.execute(
        "UPDATE conversation SET last_activity = :now WHERE changed = 1 AND last_activity > :now", moment
    )


def activities(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> list[Activity]:
    """What rows of an `ACTIVITY` query tell, with the runs that have not ended."""
    pending = _pending(connection, [row[0] for row in rows])
    lost = _lost(connection, {row[0]: row[9] for row in rows if row[9] is not None})
    return [
        Activity(
            conversation=key,
            project_id=unpack_id(project),
            project=title,
            conversation_id=unpack_id(name),
            last_activity=unpack_time(last_activity),
            pending_roots=pending.get(key, NOTHING).roots,
            pending_runs=pending.get(key, NOTHING).runs,
            oldest_pending=None if key not in pending else unpack_time(pending[key].oldest),
            revision=revision,
            content_hash=content_hash,
            empty=bool(empty),
            compacted=bool(compacted),
            lost=lost.get(key),
        )
        for key, project, name, last_activity, revision, content_hash, compacted, empty, title, _ in rows
    ]


def _lost(connection: sqlite3.Connection, revisions: Mapping[int, int]) -> dict[int, LostRevision]:
    """What was said in those revisions, by key of the conversation."""
    hashes = {
        key: connection.execute(
            "SELECT content_hash FROM emission WHERE conversation = ? AND revision = ?", (key, revision)
        ).fetchone()[0]
        for key, revision in revisions.items()
    }
    return {key: LostRevision(revisions[key], content_hash) for key, content_hash in hashes.items()}


class _Pending(Struct, frozen=True):
    runs: int = 0
    roots: int = 0
    oldest: int = 0


NOTHING = _Pending()


def _pending(connection: sqlite3.Connection, conversations: Sequence[int]) -> dict[int, _Pending]:
    if not conversations or not connection.execute("SELECT EXISTS (SELECT 1 FROM look)").fetchone()[0]:
        return {}
    rows = connection.execute(
        "SELECT t.conversation, count(*), sum(r.id = t.id), min(r.start) "
        "FROM trace t CROSS JOIN run r INDEXED BY run_pending ON r.trace = t.key AND r.ended = 0 "
        f"WHERE t.conversation IN ({slots(conversations)}) GROUP BY t.conversation",
        conversations,
    )
    return {key: _Pending(runs, roots, oldest) for key, runs, roots, oldest in rows}


def record(emissions: Sequence[Emission], connection: sqlite3.Connection) -> None:
    """Write the ledger rows, the folds and the new length of the parts; what changed since stays marked so.

    Raises `StagingError` where a revision or a line is not the next one: nothing is recorded then.
    """
    known = _known(connection, [emission.conversation for emission in emissions])
    again = [one for one in emissions if one.line and one.conversation in known and known[one.conversation].lost]
    connection.executemany(
        "DELETE FROM emission WHERE conversation = ? AND revision = ? AND lost = 1",
        [(one.conversation, one.revision) for one in again],
    )
    for emission in emissions:
        _follow(known, emission)
    _write_lines(connection, [(emission, emission.line) for emission in emissions if emission.line])
    _keep_folds(connection, known, emissions)
    connection.executemany(
        "UPDATE conversation SET revision = ?, content_hash = ?, changed = ?, failure = NULL, "
        f"reduced = CASE WHEN reduced THEN {_LACKING} ELSE 0 END WHERE key = ?",
        [(one.revision, one.content_hash, int(_outdated(known, one)), one.conversation) for one in emissions],
    )


def quarantine(conversation: int, reason: str, seen: dict[str, int], connection: sqlite3.Connection) -> None:
    """Set a conversation aside as it is; it comes back when one of its traces changes, or the rules do."""
    known = _known(connection, [conversation]).get(conversation)
    if known is not None and known.versions == seen:
        connection.execute("UPDATE conversation SET failure = ? WHERE key = ?", (reason, conversation))


def try_again(rules: str, connection: sqlite3.Connection) -> None:
    """Bring back what was set aside by other rules: those of another release too, which `rules` names as well."""
    if remembered.recall(TRIED_BY, connection) != rules:
        connection.execute("UPDATE conversation SET failure = NULL WHERE failure IS NOT NULL")
        remembered.remember(TRIED_BY, rules, connection)


class _Known(Struct):
    """A conversation as it is staged: the revision emitted last, a later one that was lost, and its traces by id."""

    revision: int
    lost: int | None = None
    versions: dict[str, int] = {}
    keys: dict[str, int] = {}


def _known(connection: sqlite3.Connection, conversations: Sequence[int]) -> dict[int, _Known]:
    """Those of the conversations that are there, by key."""
    found: dict[int, _Known] = {}
    for some in chunked(conversations):
        rows = connection.execute(
            "SELECT c.key, c.revision, "
            "(SELECT max(revision) FROM emission WHERE conversation = c.key AND revision > c.revision) "
            f"FROM conversation c WHERE c.key IN ({slots(some)})",
            some,
        )
        found.update((key, _Known(revision, lost)) for key, revision, lost in rows)
        traces = connection.execute(
            f"SELECT conversation, id, key, version FROM trace WHERE conversation IN ({slots(some)})", some
        )
        for conversation, packed, key, version in traces:
            known, name = found[conversation], unpack_id(packed)
            known.versions[name], known.keys[name] = version, key
    return found


def _follow(known: Mapping[int, _Known], emission: Emission) -> None:
    """Take the conversation on to the revision emitted; raises `StagingError` where that is not the next one."""
    conversation = known.get(emission.conversation)
    if conversation is None:
        raise StagingError(f"conversation {emission.conversation} is gone; assemble it again")
    before = conversation.revision
    following = [before + 1] if conversation.lost is None else [conversation.lost, conversation.lost + 1]
    if emission.revision not in (following if emission.line else [before]):
        raise StagingError(
            f"conversation {emission.conversation} has revision {before}, {emission.revision} cannot be recorded"
        )
    conversation.revision = emission.revision
    conversation.lost = None if emission.line else conversation.lost


def _outdated(known: Mapping[int, _Known], emission: Emission) -> bool:
    """Whether the conversation holds something else now than what the emission was made of."""
    return known[emission.conversation].versions != emission.seen


def _write_lines(connection: sqlite3.Connection, lines: Sequence[tuple[Emission, Line]]) -> None:
    _grow(connection, [line for _, line in lines])
    connection.executemany(
        "INSERT INTO emission (conversation, revision, part, offset, length, sha256, content_hash) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (one.conversation, one.revision, line.part, line.offset, line.length, line.sha256, one.content_hash)
            for one, line in lines
        ],
    )


def _grow(connection: sqlite3.Connection, lines: Sequence[Line]) -> None:
    """Let the parts grow by their lines; raises `StagingError` where a line does not begin at the end of its part."""
    added = Counter(line.part for line in lines)
    parts = list(added)
    ends = dict(
        connection.execute(
            f"SELECT seq, length FROM part WHERE state = 'open' AND seq IN ({slots(parts)})", parts
        ).fetchall()
    )
    for line in lines:
        if ends.get(line.part) != line.offset:
            raise StagingError(f"part {line.part} does not go on at byte {line.offset}; nothing was recorded")
        ends[line.part] = line.offset + line.length
    connection.executemany(
        "UPDATE part SET length = ?, lines = lines + ? WHERE seq = ?",
        [(ends[part], count, part) for part, count in added.items()],
    )


def _keep_folds(connection: sqlite3.Connection, known: Mapping[int, _Known], emissions: Sequence[Emission]) -> None:
    folds = [
        (known[emission.conversation].keys[trace], emission.seen[trace], fold)
        for emission in emissions
        for trace, fold in emission.folds.items()
        if trace in known[emission.conversation].keys
    ]
    # In order of their keys: written backwards, as time runs through a backfill, each page would stay half empty.
    connection.executemany(
        "INSERT INTO fold VALUES (?, ?, ?) "
        "ON CONFLICT (trace) DO UPDATE SET version = excluded.version, body = excluded.body",
        sorted(folds),
    )
