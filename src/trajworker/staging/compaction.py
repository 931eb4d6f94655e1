"""Compacting: staging drops payloads of what was delivered long ago; it keeps what tells a known run from a new one.

All functions run in the thread of the connection, those that write within a transaction.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from trajworker.staging import texts
from trajworker.staging.encoding import pack_time, unpack_id
from trajworker.staging.heads import Heads
from trajworker.staging.statements import chunked, slots

COMPACT_CONVERSATIONS = 200
SKELETON = "key, project, id, trace, ended, start, end, fetch_seq, hash, feedback_stats"
"""What stays of a run whose payload was dropped."""
VACUUM_PAGES = 1024
"""Free pages given back to the file system after each batch."""


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
    traces = f"SELECT key FROM trace WHERE conversation IN ({slots(keys)})"
    _drop_payloads(connection, traces, keys)
    texts.drop(connection, heads, keys)
    connection.execute(f"DELETE FROM fold WHERE trace IN ({traces})", keys)
    connection.execute(
        f"DELETE FROM conversation WHERE key IN ({slots(keys)}) AND revision = 0 AND purged = 0 "
        "AND NOT EXISTS (SELECT 1 FROM trace WHERE conversation = conversation.key)",
        keys,
    )
    connection.execute(f"UPDATE conversation SET reduced = 1 WHERE key IN ({slots(keys)})", keys)
    return len(keys)


def _drop_payloads(connection: sqlite3.Connection, traces: str, keys: Sequence[int]) -> None:
    """Leave of the runs what they are compared by.

    A row that shrinks where it lies leaves its page as it was, and new rows never go there: only rows that are deleted
    free pages. What has not ended is referred to by the list of what to look at again, and there is little of it.
    """
    connection.execute(
        "UPDATE run SET body = NULL, inputs = NULL, outputs = NULL, extra = NULL, apart = 0 "
        f"WHERE ended = 0 AND trace IN ({traces})",
        keys,
    )
    ended = connection.execute(f"SELECT key FROM run WHERE ended = 1 AND trace IN ({traces}) ORDER BY key", keys)
    for some in chunked([key for (key,) in ended.fetchall()]):
        rows = connection.execute(f"SELECT {SKELETON} FROM run WHERE key IN ({slots(some)})", some).fetchall()
        connection.execute(f"DELETE FROM run WHERE key IN ({slots(some)})", some)
        connection.executemany(f"INSERT INTO run ({SKELETON}) VALUES ({slots(rows[0])})", rows)


def give_back(connection: sqlite3.Connection) -> None:
    """Return some free pages to the file system."""
    free: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
    for _ in range(min(free, VACUUM_PAGES)):
        connection.execute("PRAGMA incremental_vacuum(1)")  # Python steps this statement once: one page each


def compacted_runs(conversation: int, limit: int, connection: sqlite3.Connection) -> list[str]:
    """Ids of runs of a conversation whose payloads were dropped."""
    rows = connection.execute(
        "SELECT r.id FROM trace t JOIN run r ON r.trace = t.key WHERE t.conversation = ? AND r.body IS NULL LIMIT ?",
        (conversation, limit),
    )
    return [unpack_id(name) for (name,) in rows]
