"""Keeping staging small, erasing on demand, and what a daemon remembers.

All functions run in the thread of the connection, those that write within a transaction.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from trajworker.errors import ConversationNotFound
from trajworker.staging import quarantine, texts
from trajworker.staging.encoding import (
    chunked,
    marks,
    pack_id,
    pack_time,
    unpack_id,
    unpack_time,
)
from trajworker.staging.heads import Heads
from trajworker.staging.slices import KEY_OF_PROJECT

COMPACT_CONVERSATIONS = 200
PURGE_CONVERSATIONS = 200
"""Erased in one transaction: every page that is blanked is logged first, and that takes room."""
SKELETON = "key, project, id, trace, ended, start, end, fetch_seq, hash, feedback_stats"
"""What stays of a run whose payload was dropped."""
VACUUM_PAGES = 1024
"""Free pages given back to the file system after each batch."""


class Purged(Struct, frozen=True, kw_only=True):
    """What was erased from staging, and the published files that still hold it: erasing there is the owner's part.

    `copies` are the copies of staging from before a migration; they held it too and were erased whole.
    """

    conversations: int
    runs: int
    files: tuple[str, ...]
    copies: tuple[str, ...] = ()


def compact(before: datetime, at_most: int, heads: Heads, connection: sqlite3.Connection) -> int:
    """Drop payloads and folds of delivered conversations that were last active before; how many they are.

    What a run is compared by stays, its feedback figures too.
    """
    keys = [
        key
        for (key,) in connection.execute(
            "SELECT key FROM conversation INDEXED BY conversation_whole WHERE changed = 0 AND reduced = 0 "
            "AND last_activity < ? ORDER BY last_activity LIMIT ?",
            (pack_time(before), at_most),
        )
    ]
    traces = f"SELECT key FROM trace WHERE conversation IN ({marks(keys)})"
    _drop_payloads(traces, keys, connection)
    texts.drop(connection, heads, keys)
    connection.execute(f"DELETE FROM fold WHERE trace IN ({traces})", keys)
    connection.execute(
        f"DELETE FROM conversation WHERE key IN ({marks(keys)}) AND revision = 0 AND purged = 0 "
        "AND NOT EXISTS (SELECT 1 FROM trace WHERE conversation = conversation.key)",
        keys,
    )
    connection.execute(f"UPDATE conversation SET reduced = 1 WHERE key IN ({marks(keys)})", keys)
    return len(keys)


def _drop_payloads(traces: str, keys: Sequence[int], connection: sqlite3.Connection) -> None:
    """Leave of the runs what they are compared by.

    A row that shrinks where it lies leaves its page as it was, and new rows never go there: only rows that are deleted
    free pages. What has not ended is referred to by the list of what to look at again, and there is little of it.
    """
    connection.execute(
        "UPDATE run SET body = NULL, inputs = NULL, outputs = NULL, extra = NULL, apart = 0, tree_order = '' "
        f"WHERE ended = 0 AND trace IN ({traces})",
        keys,
    )
    ended = connection.execute(f"SELECT key FROM run WHERE ended = 1 AND trace IN ({traces}) ORDER BY key", keys)
    for some in chunked([key for (key,) in ended.fetchall()]):
        rows = connection.execute(f"SELECT {SKELETON} FROM run WHERE key IN ({marks(some)})", some).fetchall()
        connection.execute(f"DELETE FROM run WHERE key IN ({marks(some)})", some)
        connection.executemany(f"INSERT INTO run ({SKELETON}, tree_order) VALUES ({marks(rows[0])}, '')", rows)


def give_back(connection: sqlite3.Connection) -> None:
    """Return some free pages to the file system."""
    free: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
    for _ in range(min(free, VACUUM_PAGES)):
        connection.execute("PRAGMA incremental_vacuum(1)")  # Python steps this statement once: one page each


def reduced(conversation: int, limit: int, connection: sqlite3.Connection) -> list[str]:
    """Ids of runs of a conversation whose payloads were dropped."""
    rows = connection.execute(
        "SELECT r.id FROM trace t JOIN run r ON r.trace = t.key WHERE t.conversation = ? AND r.body IS NULL LIMIT ?",
        (conversation, limit),
    )
    return [unpack_id(name) for (name,) in rows]


def purge_conversation(project_id: str, conversation_id: str, heads: Heads, connection: sqlite3.Connection) -> Purged:
    """Erase one conversation; raises `ConversationNotFound`."""
    keys = connection.execute(
        f"SELECT key FROM conversation WHERE id = ? AND project = {KEY_OF_PROJECT}",
        (pack_id(conversation_id), pack_id(project_id)),
    ).fetchall()
    if not keys:
        raise ConversationNotFound(f"staging knows no conversation {conversation_id} in project {project_id}")
    return _purge(connection, heads, "key = ?", keys[0][0])


def purge_before(before: datetime, heads: Heads, connection: sqlite3.Connection) -> Purged:
    """Erase conversations that were last active before that time, as many as one transaction may hold."""
    quarantine.erase_before(connection, pack_time(before))
    return _purge(connection, heads, "last_activity < ?", pack_time(before))


def together(erased: Sequence[Purged]) -> Purged:
    """What several transactions erased."""
    return Purged(
        conversations=sum(one.conversations for one in erased),
        runs=sum(one.runs for one in erased),
        files=tuple(dict.fromkeys(name for one in erased for name in one.files)),
        copies=tuple(name for one in erased for name in one.copies),
    )


def _purge(connection: sqlite3.Connection, heads: Heads, condition: str, value: int) -> Purged:
    """Empty the conversations; their rows and those of their traces stay, so that nothing of them is staged again."""
    connection.execute("CREATE TEMP TABLE doomed (key INTEGER PRIMARY KEY)")
    try:
        connection.execute(
            f"INSERT INTO doomed SELECT key FROM conversation WHERE purged = 0 AND {condition} LIMIT ?",
            (value, PURGE_CONVERSATIONS),
        )
        doomed = [key for (key,) in connection.execute("SELECT key FROM doomed")]
        traces = "SELECT key FROM trace WHERE conversation IN (SELECT key FROM doomed)"
        of_feedback = (
            f"SELECT f.rowid FROM run r CROSS JOIN feedback f ON f.project = r.project AND f.run = r.id "
            f"WHERE r.trace IN ({traces}) UNION ALL SELECT f.rowid FROM trace t CROSS JOIN feedback f "
            f"ON f.project = t.project AND f.trace = t.id AND f.run IS NULL WHERE t.key IN ({traces})"
        )
        connection.execute(f"DELETE FROM feedback WHERE rowid IN ({of_feedback})")
        quarantine.erase_traces(
            connection, connection.execute(f"SELECT project, id FROM trace WHERE key IN ({traces})").fetchall()
        )
        connection.execute(f"DELETE FROM look WHERE run IN (SELECT key FROM run WHERE trace IN ({traces}))")
        runs = connection.execute(f"DELETE FROM run WHERE trace IN ({traces})").rowcount
        connection.execute(f"DELETE FROM fold WHERE trace IN ({traces})")
        texts.drop(connection, heads, doomed)
        connection.execute(
            "UPDATE conversation SET purged = 1, changed = 0, reduced = 1, failure = NULL "
            "WHERE key IN (SELECT key FROM doomed)"
        )
        files = connection.execute(
            "SELECT DISTINCT coalesce(p.name, p.stream || ' part ' || p.seq) FROM emission e JOIN part p "
            "ON p.seq = e.part WHERE e.conversation IN (SELECT key FROM doomed) ORDER BY p.seq"
        ).fetchall()
    finally:
        connection.execute("DROP TABLE doomed")
    return Purged(conversations=len(doomed), runs=runs, files=tuple(name for (name,) in files))


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
