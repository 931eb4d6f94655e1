"""Erasing traces: all that is staged of them goes, but for their rows, which tell that nothing of them may come back.

All functions run in the thread of the connection, within a transaction.
"""

import sqlite3
from collections.abc import Sequence

from trajworker.staging import quarantine
from trajworker.staging.statements import chunked, slots


def erase(connection: sqlite3.Connection, traces: Sequence[int]) -> int:
    """Erase traces, given by key, and count their runs; their texts are left to whoever knows what else goes."""
    return sum(_erase(connection, some) for some in chunked(traces))


def _erase(connection: sqlite3.Connection, traces: Sequence[int]) -> int:
    these = slots(traces)
    of_feedback = (
        "SELECT f.rowid FROM run r CROSS JOIN feedback f ON f.project = r.project AND f.run = r.id "
        f"WHERE r.trace IN ({these}) UNION ALL SELECT f.rowid FROM trace t CROSS JOIN feedback f "
        f"ON f.project = t.project AND f.trace = t.id AND f.run IS NULL WHERE t.key IN ({these})"
    )
    connection.execute(f"DELETE FROM feedback WHERE rowid IN ({of_feedback})", (*traces, *traces))
    names = connection.execute(f"SELECT project, id FROM trace WHERE key IN ({these})", traces).fetchall()
    quarantine.erase_traces(connection, names)
    connection.execute(f"DELETE FROM fold WHERE trace IN ({these})", traces)
    connection.execute(f"DELETE FROM look WHERE run IN (SELECT key FROM run WHERE trace IN ({these}))", traces)
    return connection.execute(f"DELETE FROM run WHERE trace IN ({these})", traces).rowcount
