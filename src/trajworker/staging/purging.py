"""Purging: conversations are erased on demand and for good, with everything that was staged of them.

All functions run in the thread of the connection, within a transaction.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from trajworker.errors import ConversationNotFound
from trajworker.staging import erasing, quarantine, texts
from trajworker.staging.encoding import pack_id, pack_time
from trajworker.staging.heads import Heads
from trajworker.staging.slices import KEY_OF_PROJECT
from trajworker.staging.statements import slots

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
    rows = connection.execute(
        f"SELECT key, purged FROM conversation WHERE id = ? AND project = {KEY_OF_PROJECT}",
        (pack_id(conversation_id), pack_id(project_id)),
    ).fetchall()
    if not rows:
        raise ConversationNotFound(f"staging knows no conversation {conversation_id} in project {project_id}")
    return _purge(connection, heads, [key for key, purged in rows if not purged])


def purge_before(before: datetime, at_most: int, heads: Heads, connection: sqlite3.Connection) -> Purged:
    """Erase conversations that were last active before that time, so many at most."""
    quarantine.erase_before(connection, pack_time(before))
    rows = connection.execute(
        "SELECT key FROM conversation WHERE purged = 0 AND last_activity < ? LIMIT ?", (pack_time(before), at_most)
    )
    return _purge(connection, heads, [key for (key,) in rows])


def added_up(erased: Sequence[Purged]) -> Purged:
    """What several transactions erased."""
    return Purged(
        conversations=sum(one.conversations for one in erased),
        runs=sum(one.runs for one in erased),
        files=tuple(dict.fromkeys(name for one in erased for name in one.files)),
        copies=tuple(name for one in erased for name in one.copies),
    )


def _purge(connection: sqlite3.Connection, heads: Heads, conversations: Sequence[int]) -> Purged:
    """Empty the conversations; their rows and those of their traces stay, so that nothing of them is staged again."""
    these = slots(conversations)
    traces = connection.execute(f"SELECT key FROM trace WHERE conversation IN ({these})", conversations).fetchall()
    runs = erasing.erase(connection, [key for (key,) in traces])
    texts.drop(connection, heads, conversations)
    connection.execute(
        f"UPDATE conversation SET purged = 1, changed = 0, reduced = 1, failure = NULL WHERE key IN ({these})",
        conversations,
    )
    files = connection.execute(
        "SELECT DISTINCT coalesce(p.name, p.stream || ' part ' || p.seq) FROM emission e JOIN part p "
        f"ON p.seq = e.part WHERE e.conversation IN ({these}) ORDER BY p.seq",
        conversations,
    ).fetchall()
    return Purged(conversations=len(conversations), runs=runs, files=tuple(name for (name,) in files))
