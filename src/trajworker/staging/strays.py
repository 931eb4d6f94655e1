"""Runs that turn out to belong to another trace than the one they are staged in: a later version of them says so.

All functions run in the thread of the connection, within a transaction.
"""

import sqlite3

from trajworker.staging.encoding import PackedId, pack_id, unpack_id
from trajworker.staging.news import News
from trajworker.staging.statements import chunked, slots
from trajworker.staging.traces import Left, Move


def take_out(connection: sqlite3.Connection, news: News) -> Left:
    """Take strays out of their traces, and count them as new to those that they name (alters `news`)."""
    arrivals = dict(news.replaced)
    strays: list[int] = []
    traces: dict[int, tuple[PackedId, int]] = {}
    for some in chunked(list(arrivals)):
        rows = connection.execute(
            "SELECT r.key, t.key, t.id, t.conversation FROM run r JOIN trace t ON t.key = r.trace "
            f"WHERE r.key IN ({slots(some)})",
            some,
        )
        for run, trace, name, conversation in rows:
            if name != pack_id(arrivals[run].run.trace_id):
                strays.append(run)
                traces[trace] = name, conversation
    for run in strays:
        connection.execute("DELETE FROM run WHERE key = ?", (run,))
        news.new.append(arrivals.pop(run))
    news.replaced = list(arrivals.items())
    return Left(
        moved=[Move(trace, conversation, None) for trace, (_, conversation) in traces.items()],
        bereft={unpack_id(name) for trace, (name, _) in traces.items() if _keeps_others(connection, trace)},
    )


def _keeps_others(connection: sqlite3.Connection, trace: int) -> bool:
    """Whether other runs are left in a trace, which is narrowed to them; without any it is no trace any more."""
    gone = connection.execute(
        "DELETE FROM trace WHERE key = ? AND NOT EXISTS (SELECT 1 FROM run WHERE trace = ?)", (trace, trace)
    )
    if gone.rowcount:
        return False
    connection.execute(
        "UPDATE trace SET start = (SELECT min(start) FROM run WHERE trace = trace.key), root_thread = iif("
        "EXISTS (SELECT 1 FROM run WHERE project = trace.project AND id = trace.id), root_thread, NULL) WHERE key = ?",
        (trace,),
    )
    return True
