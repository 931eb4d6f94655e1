"""What conversations are made of: read for many of them in one look, or one in portions where that is too much.

All functions run in the thread of the connection and write nothing.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from itertools import accumulate, groupby
from operator import itemgetter

from trajworker.model.run import Feedback, Run
from trajworker.ports import Material, Portion, TraceVersion, unchanged_prefix
from trajworker.staging.encoding import pack_id, unpack_feedback, unpack_id, unpack_time
from trajworker.staging.statements import LOOKUP_ROWS, chunked, slots
from trajworker.staging.texts import READ, whole

MATERIAL_BYTES = 16 * 1024 * 1024
"""Payloads that are read at once; a trace beyond it is read alone."""

GONE = -1
"""In place of the key of a trace that was purged, or went to another conversation, after it was told of."""

_Trace = tuple[int, TraceVersion]
"""A trace with its key."""


def materials(conversations: Sequence[int], connection: sqlite3.Connection) -> list[Material]:
    """What each conversation is made of, in the order asked for."""
    traces: dict[int, list[_Trace]] = {}
    for some in chunked(conversations):
        for conversation, found in groupby(_traces(connection, some), itemgetter(0)):
            traces[conversation] = [trace for _, trace in found]
    changed = {
        conversation: [key for key, _ in found[unchanged_prefix([version for _, version in found]) :]]
        for conversation, found in traces.items()
    }
    sizes = _sizes(connection, [key for keys in changed.values() for key in keys])
    held = _within_bounds(changed, sizes)
    runs = _runs(connection, held)
    feedback = _feedback(connection, held)
    return [_material(traces.get(one, []), changed.get(one, []), runs, feedback) for one in conversations]


def traces(conversation: int, connection: sqlite3.Connection) -> list[TraceVersion]:
    """The traces of a conversation in order of start."""
    return [version for _, (_, version) in _traces(connection, [conversation])]


def portion(conversation: int, trace_ids: Sequence[str], connection: sqlite3.Connection) -> Portion:
    """As many of those traces of a conversation, from the first on, as may be held at once: one at least."""
    some = trace_ids[:LOOKUP_ROWS]
    rows = connection.execute(
        "SELECT id, key FROM trace WHERE project = (SELECT project FROM conversation WHERE key = ?) "
        f"AND conversation = ? AND id IN ({slots(some)})",
        (conversation, conversation, *map(pack_id, some)),
    )
    found = dict(rows.fetchall())
    keys = [found.get(pack_id(name), GONE) for name in some]
    sizes = _sizes(connection, keys)
    together = accumulate(sizes.get(key, 0) for key in keys)
    held = keys[: max(1, sum(size <= MATERIAL_BYTES for size in together))]
    traces = dict(zip(some, held, strict=False))
    return _portion(traces, _runs(connection, held), _feedback(connection, held))


def _within_bounds(changed: Mapping[int, Sequence[int]], sizes: Mapping[int, int]) -> list[int]:
    """Traces of the conversations that may be held together."""
    held: list[int] = []
    left = MATERIAL_BYTES
    for traces in changed.values():
        size = sum(sizes.get(key, 0) for key in traces)
        if size <= left:
            left -= size
            held += traces
    return held


def _material(
    traces: Sequence[_Trace],
    changed: Sequence[int],
    runs: Mapping[int, list[Run]],
    feedback: Mapping[int, list[Feedback]],
) -> Material:
    names = {key: version.trace_id for key, version in traces}
    whole = all(key in runs for key in changed)
    return Material(
        traces=[version for _, version in traces],
        changed=_portion({names[key]: key for key in changed}, runs, feedback) if whole else None,
    )


def _portion(
    traces: Mapping[str, int], runs: Mapping[int, list[Run]], feedback: Mapping[int, list[Feedback]]
) -> Portion:
    """What belongs to traces, given by id with their keys."""
    return Portion(
        runs={name: runs[key] for name, key in traces.items()},
        feedback={name: feedback[key] for name, key in traces.items() if key in feedback},
    )


def _traces(connection: sqlite3.Connection, conversations: Sequence[int]) -> list[tuple[int, _Trace]]:
    rows = connection.execute(
        "SELECT t.conversation, t.key, t.id, t.start, t.version, f.version, f.body "
        "FROM trace t LEFT JOIN fold f ON f.trace = t.key "
        f"WHERE t.conversation IN ({slots(conversations)}) ORDER BY t.conversation, t.start, t.id",
        conversations,
    )
    return [
        (
            conversation,
            (
                key,
                TraceVersion(
                    trace_id=unpack_id(name),
                    start=unpack_time(start),
                    version=version,
                    folded_version=made_of,
                    fold=fold,
                ),
            ),
        )
        for conversation, key, name, start, version, made_of, fold in rows
    ]


def _sizes(connection: sqlite3.Connection, traces: Sequence[int]) -> dict[int, int]:
    """Bytes of payloads by trace."""
    sizes: dict[int, int] = {}
    for some in chunked(traces):
        sizes.update(
            connection.execute(
                f"SELECT trace, sum(size) FROM run WHERE trace IN ({slots(some)}) GROUP BY trace",
                some,
            )
        )
    return sizes


def _runs(connection: sqlite3.Connection, traces: Sequence[int]) -> dict[int, list[Run]]:
    runs: dict[int, list[Run]] = {trace: [] for trace in traces}
    for some in chunked(traces):
        rows = connection.execute(
            f"SELECT {READ}, trace FROM run WHERE trace IN ({slots(some)}) AND body IS NOT NULL",
            some,
        ).fetchall()
        for row, run in zip(rows, whole(connection, rows), strict=True):
            runs[row[-1]].append(run)
    return runs


def _feedback(connection: sqlite3.Connection, traces: Sequence[int]) -> dict[int, list[Feedback]]:
    if connection.execute("SELECT NOT EXISTS (SELECT 1 FROM feedback)").fetchone()[0]:
        return {}
    found: dict[int, list[Feedback]] = {}
    for some in chunked(traces):
        rows = connection.execute(
            "SELECT r.trace, f.id, f.body FROM run r CROSS JOIN feedback f ON f.project = r.project AND f.run = r.id "
            f"WHERE r.trace IN ({slots(some)}) "
            "UNION ALL SELECT t.key, f.id, f.body FROM trace t CROSS JOIN feedback f "
            "ON f.project = t.project AND f.trace = t.id AND f.run IS NULL "
            f"WHERE t.key IN ({slots(some)}) ORDER BY 1, 2",
            (*some, *some),
        )
        for trace, _, body in rows:
            found.setdefault(trace, []).append(unpack_feedback(body))
    return found
