"""Which conversation a trace belongs to, and which conversations changed.

A trace belongs to the thread that its root names; else to the one that its first descendant with a thread names (first
in tree order, so that the order of arrival does not matter); else it is a conversation of its own, named by its id.
A trace may move when more of it arrives: then both conversations change.

All functions run in the thread of the connection, within a transaction.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec import Struct

from trajworker.model.run import CLAMPED_TIME
from trajworker.staging.arrivals import Arrival
from trajworker.staging.encoding import PackedId, pack_id, unpack_id
from trajworker.staging.statements import chunked, slots

_NEXT_CONVERSATION = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'conversation'), 0) + 1"

AFTER_ALL = "~"
"""Sorts behind every dotted order: runs whose place in the tree is unknown come last."""


class _ThreadOf(Struct):
    """All that is read of a staged run here."""

    dotted_order: str = ""
    thread_id: str | None = None


_decode_thread = msgspec.json.Decoder(_ThreadOf).decode


class _Trace(Struct):
    """A trace row while its runs are taken in.

    Its heir is the first descendant in tree order that names a thread: the trace belongs to that thread where the root
    names none. `heir_in_doubt` tells that the heir came again and names another thread now, or none. `withheld` tells
    that the conversation it was in was purged.
    """

    id: PackedId
    name: str
    start: int
    last_activity: int
    key: int = 0
    conversation: int = 0
    root_thread: str | None = None
    heir_thread: str | None = None
    heir_order: str | None = None
    withheld: bool = False
    known: bool = False
    heir_in_doubt: bool = False

    def absorb(self, arrival: Arrival) -> None:
        """Widen the trace by a run, and follow the thread it names."""
        run, start, end = arrival.run, arrival.start, arrival.version.end
        self.start = min(self.start, start)
        # an end that cannot be true, say in 2200, must not keep the conversation waiting for it to pass
        believed = start if end is None or CLAMPED_TIME in run.flags else end
        self.last_activity = max(self.last_activity, start, believed)
        thread = run.thread_id or None
        if run.is_root:
            self.root_thread = thread
            return
        order = _order(run.dotted_order, run.id)
        if order == self.heir_order and thread != self.heir_thread:
            self.heir_in_doubt = True
        elif thread is not None and (self.heir_order is None or order < self.heir_order):
            self.heir_thread, self.heir_order = thread, order

    @property
    def conversation_name(self) -> str:
        """Id of the conversation that the trace belongs to, as far as is known."""
        return self.root_thread or self.heir_thread or self.name


class Move(Struct, frozen=True):
    """A trace, by its key, that left a conversation for another."""

    trace: int
    old: int
    new: int


class Touched(Struct):
    """What a page touches: keys of the traces whose runs may be stored, by id.

    `homes` are the conversations that those traces belong to, `moved` the traces that came to them from others.
    `withheld` are the ids of traces of conversations that were purged.
    """

    keys: dict[str, int]
    homes: dict[str, int]
    moved: list[Move]
    withheld: set[str]


def touch(connection: sqlite3.Connection, project: int, arrivals: Sequence[Arrival]) -> Touched:
    """Make or widen the traces of runs that are new or newer, find their conversations and mark them changed.

    Traces of conversations that were purged are left out of the result: their runs must not be stored again.
    """
    by_trace: defaultdict[str, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        by_trace[arrival.run.trace_id].append(arrival)
    traces = _gather(connection, project, by_trace)
    live = [trace for trace in traces if not trace.withheld]
    for trace in live:
        if trace.heir_in_doubt:
            _find_heir(connection, trace, by_trace[trace.name])
    homes = _homes(connection, project, live)
    live = [trace for trace in live if trace.conversation_name in homes]
    moved: list[Move] = []
    for trace in live:
        home = homes[trace.conversation_name]
        if trace.known and trace.conversation != home:
            moved.append(Move(trace.key, trace.conversation, home))
        trace.conversation = home
    _store(connection, project, live)
    _mark_changed(connection, live)
    _leave(connection, {(move.old, move.new) for move in moved})
    return Touched(
        keys={trace.name: trace.key for trace in live},
        homes={trace.name: trace.conversation for trace in live},
        moved=moved,
        withheld={trace.name for trace in traces} - {trace.name for trace in live},
    )


def touch_by_run(connection: sqlite3.Connection, project: int, run: PackedId | None) -> None:
    """Mark the trace of a run (or of a root, by its trace id) changed, if it is staged."""
    row = connection.execute(
        "UPDATE trace SET version = version + 1 WHERE key = coalesce("
        "(SELECT trace FROM run WHERE project = :project AND id = :run), "
        "(SELECT key FROM trace WHERE project = :project AND id = :run)) RETURNING conversation",
        {"project": project, "run": run},
    ).fetchall()
    for (conversation,) in row:
        connection.execute(
            "UPDATE conversation SET changed = 1, failure = NULL WHERE key = ? AND purged = 0", (conversation,)
        )


def _order(dotted_order: str, run_id: str) -> str:
    """Where a run comes in its tree."""
    return dotted_order or AFTER_ALL + run_id


def _gather(connection: sqlite3.Connection, project: int, by_trace: Mapping[str, Sequence[Arrival]]) -> list[_Trace]:
    """The traces, as they are staged and with what arrives of them."""
    names = {pack_id(name): name for name in by_trace}
    known: dict[PackedId, _Trace] = {}
    for some in chunked(list(names)):
        rows = connection.execute(
            "SELECT t.id, t.start, t.last_activity, t.key, t.conversation, t.root_thread, t.heir_thread, t.heir_order, "
            "c.purged FROM trace t JOIN conversation c ON c.key = t.conversation "
            f"WHERE t.project = ? AND t.id IN ({slots(some)})",
            (project, *some),
        )
        for packed, start, last_activity, key, conversation, root_thread, heir_thread, heir_order, purged in rows:
            known[packed] = _Trace(
                packed,
                names[packed],
                start,
                last_activity,
                key,
                conversation,
                root_thread,
                heir_thread,
                heir_order,
                withheld=bool(purged),
                known=True,
            )
    traces: list[_Trace] = []
    for packed, name in names.items():
        members = by_trace[name]
        start = members[0].start
        trace = known.get(packed) or _Trace(packed, name, start, start)
        for arrival in members:
            trace.absorb(arrival)
        traces.append(trace)
    return traces


def _find_heir(connection: sqlite3.Connection, trace: _Trace, arrivals: Sequence[Arrival]) -> None:
    """The run that gave the trace its thread names another one now: look through all of them."""
    arriving = {arrival.id for arrival in arrivals}
    runs = [arrival.run for arrival in arrivals]
    named = [(_order(run.dotted_order, run.id), run.thread_id) for run in runs if run.thread_id and not run.is_root]
    rows = connection.execute(
        "SELECT id, body FROM run WHERE trace = ? AND id != ? AND body IS NOT NULL", (trace.key, trace.id)
    )
    for run, body in rows:
        staged = _decode_thread(body)
        if staged.thread_id and run not in arriving:
            named.append((_order(staged.dotted_order, unpack_id(run)), staged.thread_id))
    trace.heir_order, trace.heir_thread = min(named, default=(None, None))


def _homes(connection: sqlite3.Connection, project: int, traces: Sequence[_Trace]) -> dict[str, int]:
    """Keys of the conversations by id, made where they are missing; those that were purged are left out."""
    activity: dict[str, int] = {}
    for trace in traces:
        name = trace.conversation_name
        activity[name] = max(activity.get(name, trace.last_activity), trace.last_activity)
    missing = {pack_id(name): name for name in activity}
    homes: dict[str, int] = {}
    for some in chunked(list(missing)):
        rows = connection.execute(
            f"SELECT id, key, purged FROM conversation WHERE project = ? AND id IN ({slots(some)})", (project, *some)
        )
        for packed, key, purged in rows:
            name = missing.pop(packed)
            if not purged:
                homes[name] = key
    if missing:
        first: int = connection.execute(_NEXT_CONVERSATION).fetchone()[0]
        homes.update((name, key) for key, name in enumerate(missing.values(), first))
        connection.executemany(
            "INSERT INTO conversation (key, project, id, last_activity, changed) VALUES (?, ?, ?, ?, 1)",
            [(homes[name], project, packed, activity[name]) for packed, name in missing.items()],
        )
    return homes


def _store(connection: sqlite3.Connection, project: int, traces: Sequence[_Trace]) -> None:
    new = [trace for trace in traces if not trace.known]
    if new:
        first: int = connection.execute("SELECT coalesce(max(key), 0) + 1 FROM trace").fetchone()[0]
        for key, trace in enumerate(new, first):
            trace.key = key
    connection.executemany(
        "INSERT INTO trace VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?)",
        [
            (t.key, project, t.id, t.conversation, t.start, t.last_activity, t.root_thread, t.heir_thread, t.heir_order)
            for t in new
        ],
    )
    connection.executemany(
        "UPDATE trace SET version = version + 1, conversation = ?, start = ?, last_activity = ?, root_thread = ?, "
        "heir_thread = ?, heir_order = ? WHERE key = ?",
        [
            (t.conversation, t.start, t.last_activity, t.root_thread, t.heir_thread, t.heir_order, t.key)
            for t in traces
            if t.known
        ],
    )


def _mark_changed(connection: sqlite3.Connection, traces: Sequence[_Trace]) -> None:
    activity: dict[int, int] = {}
    for trace in traces:
        activity[trace.conversation] = max(activity.get(trace.conversation, 0), trace.last_activity)
    connection.executemany(
        "UPDATE conversation SET changed = 1, failure = NULL, last_activity = max(last_activity, ?) WHERE key = ?",
        [(last_activity, key) for key, last_activity in activity.items()],
    )


def _leave(connection: sqlite3.Connection, moved: Collection[tuple[int, int]]) -> None:
    """Traces left a conversation: it changed too, unless it is empty now and was never emitted.

    Its row stays until `compaction.compact`, since an emission of what it was may be on its way.
    """
    for old, new in moved:
        # Each fold stands on those before it, and one of those is gone.
        connection.execute("DELETE FROM fold WHERE trace IN (SELECT key FROM trace WHERE conversation = ?)", (old,))
        connection.execute(
            "UPDATE conversation SET reduced = 1 WHERE key = ? AND (SELECT reduced FROM conversation WHERE key = ?)",
            (new, old),
        )
        connection.execute(
            "UPDATE conversation SET failure = NULL, "
            "changed = revision > 0 OR EXISTS (SELECT 1 FROM trace WHERE conversation = :old), "
            "last_activity = coalesce((SELECT max(last_activity) FROM trace WHERE conversation = :old), last_activity) "
            "WHERE key = :old",
            {"old": old},
        )
