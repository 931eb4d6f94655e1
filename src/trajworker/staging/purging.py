"""Purging: conversations are erased on demand and for good, with everything that was staged of them.

All functions run in the thread of the connection, within a transaction.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from trajworker.errors import ConversationNotFound
from trajworker.staging import quarantine, texts
from trajworker.staging.encoding import pack_id, pack_time
from trajworker.staging.heads import Heads
from trajworker.staging.slices import KEY_OF_PROJECT

PURGE_CONVERSATIONS = 200
"""Erased in one transaction: every page that is blanked is logged first, and that takes room."""


class Purged(Struct, frozen=True, kw_only=True):
    """What was erased from staging, and the published files that still hold it: erasing there is the owner's part.

    `copies` are the copies of staging from before a migration; they held it too and were erased whole.
    """

    conversations: int
    runs: int
    files: tuple[str, ...]
    copies: tuple[str, ...] = ()


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


def added_up(erased: Sequence[Purged]) -> Purged:
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
            "SELECT DISTINCT p.name FROM emission e JOIN part p ON p.seq = e.part WHERE e.conversation IN "
            "(SELECT key FROM doomed) AND p.name IS NOT NULL AND p.state <> 'sealed' ORDER BY p.seq"
        ).fetchall()
    finally:
        connection.execute("DROP TABLE doomed")
    return Purged(conversations=len(doomed), runs=runs, files=tuple(name for (name,) in files))
