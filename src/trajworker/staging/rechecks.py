"""Which runs are looked at again, and when: those that have not ended, and those that could not be read.

All functions run in the thread of the connection, `reschedule` within a transaction.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from trajworker.model.times import DAY_US
from trajworker.staging.encoding import pack_id, pack_time, unpack_id
from trajworker.staging.slices import KEY_OF_PROJECT
from trajworker.staging.statements import chunked, slots

HOUR_US = 3_600_000_000
LOOK_AGAIN_US = (HOUR_US, 6 * HOUR_US, DAY_US, 7 * DAY_US)
"""How long after the first look, the second, ... a run is looked at again; the last one repeats."""
_WAIT = "CASE looks {} ELSE {} END".format(
    " ".join(f"WHEN {looks} THEN {wait}" for looks, wait in enumerate(LOOK_AGAIN_US[:-1])), LOOK_AGAIN_US[-1]
)


def due(project_id: str, now: datetime, limit: int, connection: sqlite3.Connection) -> list[str]:
    """Ids of runs to look at again, longest due first, at most `limit` of either kind."""
    chosen = (pack_id(project_id), pack_time(now), limit)
    pending = connection.execute(
        "SELECT r.id FROM look l JOIN run r ON r.key = l.run "
        f"WHERE l.project = {KEY_OF_PROJECT} AND l.due <= ? ORDER BY l.due LIMIT ?",
        chosen,
    ).fetchall()
    unreadable = connection.execute(
        f"SELECT run FROM unreadable WHERE project = {KEY_OF_PROJECT} AND due <= ? AND run IS NOT NULL "
        "ORDER BY due LIMIT ?",
        chosen,
    ).fetchall()
    return list(dict.fromkeys(unpack_id(name) for (name,) in pending + unreadable))


def reschedule(project_id: str, ids: Sequence[str], now: datetime, connection: sqlite3.Connection) -> None:
    """Give runs that were looked at now their next time."""
    moment, project = pack_time(now), pack_id(project_id)
    for some in chunked([pack_id(name) for name in ids]):
        connection.execute(
            f"UPDATE look SET due = ? + {_WAIT}, looks = looks + 1 WHERE run IN "
            f"(SELECT key FROM run WHERE project = {KEY_OF_PROJECT} AND id IN ({slots(some)}))",
            (moment, project, *some),
        )
        connection.execute(
            f"UPDATE unreadable SET due = ? + {_WAIT}, looks = looks + 1 "
            f"WHERE project = {KEY_OF_PROJECT} AND run IN ({slots(some)})",
            (moment, project, *some),
        )
