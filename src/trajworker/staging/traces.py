"""Which conversation a trace belongs to, and which conversations changed.

A trace belongs to the thread that its root names; else to the one that its first descendant with a thread names (first
in tree order, so that the order of arrival does not matter); else it is a conversation of its own, named by its id.
A trace may move when more of it arrives: then both conversations change. What comes to a conversation that was purged
is purged with it: it is erased, and its row stays there, so that no later run of it is staged, whatever that names.

All functions run in the thread of the connection, within a transaction.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec import Struct

from trajworker.model.run import CLAMPED_TIME, Run
from trajworker.staging import erasing
from trajworker.staging.arrivals import Arrival
from trajworker.staging.encoding import PackedId, pack_id
from trajworker.staging.statements import chunked, slots

_NEXT_CONVERSATION = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'conversation'), 0) + 1"

AFTER_ALL = "~"
"""Sorts behind every dotted order: runs whose place in the tree is unknown come last."""


class _ThreadOf(Struct):
    """All that is read of a staged run here."""

    id: str
    dotted_order: str = ""
    thread_id: str | None = None


_decode_thread = msgspec.json.Decoder(_ThreadOf).decode


class _Trace(Struct):
    """A trace row while its runs are taken in.

    Its heir is the first descendant in tree order that names a thread: the trace belongs to that thread where the root
    names none. `heir_in_doubt` tells that the heir left, or came again and names another thread now, or none.
    `withheld` tells that the conversation it is in was purged.
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
        order = _order(run)
        if order == self.heir_order and thread != self.heir_thread:
            self.heir_in_doubt = True
        elif thread is not None and (self.heir_order is None or order < self.heir_order):
            self.heir_thread, self.heir_order = thread, order

    @property
    def conversation_name(self) -> str:
        """Id of the conversation that the trace belongs to, as far as is known."""
        return self.root_thread or self.heir_thread or self.name


class Move(Struct, frozen=True):
    """A trace, by its key, that left a conversation for another; `new` is None where what left is erased."""

    trace: int
    old: int
    new: int | None


class Left(Struct, frozen=True):
    """What runs left behind that went elsewhere: the conversations they were in, and the traces that have others."""

    moved: list[Move]
    bereft: set[str]


class _Home(Struct, frozen=True):
    """A conversation, by its key."""

    key: int
    purged: bool = False


class Touched(Struct):
    """What a page touches: keys of the traces whose runs may be stored, by id.

    `homes` are the conversations that those traces belong to, `moved` what left others.
    `withheld` are the ids of traces of conversations that were purged.
    """

    keys: dict[str, int]
    homes: dict[str, int]
    moved: list[Move]
    withheld: set[str]


def touch(connection: sqlite3.Connection, project: int, arrivals: Sequence[Arrival], left: Left) -> Touched:
    """Make or widen the traces of runs that are new or newer, find their conversations and mark them changed.

    Traces of conversations that were purged are left out of the result: their runs must not be stored again.
    """
    by_trace: defaultdict[str, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        by_trace[arrival.run.trace_id].append(arrival)
    traces = _gather(connection, project, {name: by_trace[name] for name in (*by_trace, *left.bereft)})
    heard = [trace for trace in traces if not trace.withheld]
    for trace in heard:
        if trace.heir_in_doubt or trace.name in left.bereft:
            _find_heir(connection, trace, by_trace[trace.name])
    moved = _find_homes(connection, project, heard)
    _store(connection, project, heard)
    erasing.erase(connection, [move.trace for move in moved if move.new is None])
    live = [trace for trace in heard if not trace.withheld]
    _mark_changed(connection, live)
    moved += left.moved
    _leave(connection, {(move.old, move.new) for move in moved})
    return Touched(
        keys={trace.name: trace.key for trace in live},
        homes={trace.name: trace.conversation for trace in live},
        moved=moved,
        withheld={trace.name for trace in traces if trace.withheld},
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


def _order(run: Run | _ThreadOf) -> str:
    return run.dotted_order or AFTER_ALL + run.id


def _gather(connection: sqlite3.Connection, project: int, by_trace: Mapping[str, Sequence[Arrival]]) -> list[_Trace]:
    """The traces, as they are staged and with what arrives of them."""
    names = {pack_id(name): name for name in by_trace}
    known: dict[PackedId, _Trace] = {}
    for some in chunked(list(names)):
        rows = connection.execute(
            "SELECT t.id, c.purged, t.start, t.last_activity, t.key, t.conversation, t.root_thread, t.heir_thread, "
            "t.heir_order FROM trace t JOIN conversation c ON c.key = t.conversation "
            f"WHERE t.project = ? AND t.id IN ({slots(some)})",
            (project, *some),
        )
        for packed, purged, *staged in rows:
            trace = known[packed] = _Trace(packed, names[packed], *staged)
            trace.withheld, trace.known = bool(purged), True
    traces: list[_Trace] = []
    for packed, name in names.items():
        members = by_trace[name]
        trace = known.get(packed) or _Trace(packed, name, members[0].start, members[0].start)
        for arrival in members:
            trace.absorb(arrival)
        traces.append(trace)
    return traces


def _find_heir(connection: sqlite3.Connection, trace: _Trace, arrivals: Sequence[Arrival]) -> None:
    """The run that gave the trace its thread names another one now: look through all of them."""
    arriving = {arrival.id for arrival in arrivals}
    runs = [arrival.run for arrival in arrivals]
    named = [(_order(run), run.thread_id) for run in runs if run.thread_id and not run.is_root]
    rows = connection.execute(
        "SELECT id, body FROM run WHERE trace = ? AND id != ? AND body IS NOT NULL", (trace.key, trace.id)
    )
    for run, body in rows:
        staged = _decode_thread(body)
        if staged.thread_id and run not in arriving:
            named.append((_order(staged), staged.thread_id))
    trace.heir_order, trace.heir_thread = min(named, default=(None, None))


def _find_homes(connection: sqlite3.Connection, project: int, traces: Sequence[_Trace]) -> list[Move]:
    """Take the traces to the conversations they belong to; those that left another one for it."""
    homes = _homes(connection, project, traces)
    moved: list[Move] = []
    for trace in traces:
        home = homes[trace.conversation_name]
        if trace.known and trace.conversation != home.key:
            moved.append(Move(trace.key, trace.conversation, None if home.purged else home.key))
        trace.conversation, trace.withheld = home.key, home.purged
    return moved


def _homes(connection: sqlite3.Connection, project: int, traces: Sequence[_Trace]) -> dict[str, _Home]:
    """The conversations by id, made where they are missing."""
    activity: dict[str, int] = {}
    for trace in traces:
        name = trace.conversation_name
        activity[name] = max(activity.get(name, trace.last_activity), trace.last_activity)
    missing = {pack_id(name): name for name in activity}
    homes: dict[str, _Home] = {}
    for some in chunked(list(missing)):
        rows = connection.execute(
            f"SELECT id, key, purged FROM conversation WHERE project = ? AND id IN ({slots(some)})", (project, *some)
        )
        for packed, key, purged in rows:
            homes[missing.pop(packed)] = _Home(key, bool(purged))
    if missing:
        first: int = connection.execute(_NEXT_CONVERSATION).fetchone()[0]
        homes.update((name, _Home(key)) for key, name in enumerate(missing.values(), first))
        connection.executemany(
            "INSERT INTO conversation (key, project, id, last_activity, changed) VALUES (?, ?, ?, ?, 1)",
            [(homes[name].key, project, packed, activity[name]) for packed, name in missing.items()],
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


def _leave(connection: sqlite3.Connection, moved: Collection[tuple[int, int | None]]) -> None:
    """Traces, or runs of theirs, left a conversation: it changed too, unless it is empty now and was never emitted.

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
