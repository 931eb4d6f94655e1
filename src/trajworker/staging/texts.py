"""Payloads that lie apart from their runs: which do, how they are written as texts, read back, moved and dropped.

A text belongs to one conversation and stands on texts of that conversation only, so what is dropped or erased with it
lives on nowhere else. All functions run in the thread of the connection, those that write within a transaction.
"""

import sqlite3
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from trajworker.model.run import Run
from trajworker.staging.arrivals import Arrival
from trajworker.staging.deltas import HEADS, Head, advance, replay, shortest_delta
from trajworker.staging.encoding import FIELDS, PackedId, unpack_run
from trajworker.staging.heads import Heads
from trajworker.staging.statements import chunked, slots
from trajworker.staging.traces import Move

PORTION_BYTES = 4 * 1024 * 1024
PORTION_ROWS = 256
"""Runs are read in portions of at most this many bytes and rows, one run at least."""

COLUMNS = "inputs, outputs, extra, apart"
Place = tuple[int | None, int | None, int | None, int]
"""Where the payloads of a run are: keys of those `FIELDS` that lie apart, and their bytes; in order of `COLUMNS`."""
IN_BODY: Place = (None, None, None, 0)

READ = "body, feedback_stats, apart, inputs, outputs, extra"
"""Columns that `whole` makes a run of."""
_KEYS = slice(3, 6)

_WITH_BASES = (
    "WITH RECURSIVE needed(key) AS (SELECT value FROM json_each(?) UNION "
    "SELECT t.base FROM needed n CROSS JOIN text t ON t.key = n.key WHERE t.base IS NOT NULL) "
    "SELECT key, base, shared, tail, length, rest FROM text WHERE key IN (SELECT key FROM needed) ORDER BY key"
)


def put(connection: sqlite3.Connection, heads: Heads, runs: Iterable[tuple[int, Arrival]]) -> dict[PackedId, Place]:
    """Write the texts of runs, each given with its conversation; where they are, by run."""
    asked: defaultdict[int, list[tuple[Arrival, str]]] = defaultdict(list)
    for conversation, arrival in runs:
        asked[conversation] += [(arrival, field) for field in arrival.apart]
    _recall(connection, heads, asked)
    keys: defaultdict[PackedId, dict[str, int]] = defaultdict(dict)
    apart: Counter[PackedId] = Counter()
    for conversation, some in asked.items():
        texts = [memoryview(getattr(arrival.run, field)) for arrival, field in some]
        for (arrival, field), text, key in zip(
            some, texts, _write(connection, heads, conversation, texts), strict=True
        ):
            keys[arrival.id][field] = key
            apart[arrival.id] += len(text)
    return {
        run: (found.get("inputs"), found.get("outputs"), found.get("extra"), apart[run]) for run, found in keys.items()
    }


def _recall(connection: sqlite3.Connection, heads: Heads, conversations: Iterable[int]) -> None:
    """Read back the heads of those conversations that are not held: the longest text of each of the newest chains."""
    for some in chunked([conversation for conversation in conversations if conversation not in heads]):
        tips: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for conversation, chain, key, _ in connection.execute(
            "SELECT conversation, chain, key, max(length) FROM text "
            f"WHERE conversation IN ({slots(some)}) GROUP BY conversation, chain",
            some,
        ):
            tips[conversation].append((key, chain))
        for conversation, found in tips.items():
            newest = sorted(found, reverse=True)[:HEADS]
            texts = read(connection, {key for key, _ in newest})
            heads.hold(conversation, [Head(key, chain, texts[key]) for key, chain in newest])


def _write(connection: sqlite3.Connection, heads: Heads, conversation: int, texts: Sequence[memoryview]) -> list[int]:
    """Write texts of one conversation and return their keys.

    The longest goes first, since most of the others then stand on it alone, and are read without those in between.
    """
    held = heads.take(conversation)
    keys = [0] * len(texts)
    rows = []
    for place in sorted(range(len(texts)), key=lambda place: -len(texts[place])):
        text = texts[place]
        delta = shortest_delta(text, held)
        keys[place] = delta.same.key if delta.same else heads.next_key()
        chain = advance(held, keys[place], text, delta)
        if delta.same is None:
            base = delta.base.key if delta.base else None
            rows.append((keys[place], conversation, chain, base, delta.prefix, delta.suffix, len(text), delta.middle))
    connection.executemany("INSERT INTO text VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    heads.hold(conversation, held)
    return keys


def read(connection: sqlite3.Connection, keys: AbstractSet[int]) -> dict[int, bytes]:
    """Those texts; raises `StagingDamaged`."""
    if not keys:
        return {}
    return replay(connection.execute(_WITH_BASES, (msgspec.json.encode(list(keys)).decode(),)).fetchall(), keys)


def whole(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> Iterator[Run]:
    """The runs of rows that begin with the columns `READ`, in order; raises `StagingDamaged`."""
    texts = read(connection, {key for row in rows if row[2] for key in row[_KEYS] if key is not None})
    for row in rows:
        if row[2]:
            apart = {field: texts[key] for field, key in zip(FIELDS, row[_KEYS], strict=True) if key is not None}
            yield unpack_run(row[0], row[1], apart)
        else:
            yield unpack_run(row[0], row[1])


def portions(rows: Iterable[tuple[int, int]]) -> Iterator[Sequence[int]]:
    """Keys of runs, each given with its bytes, in portions that may be held at once."""
    portion, size = array("q"), 0
    for key, length in rows:
        if portion and (size + length > PORTION_BYTES or len(portion) == PORTION_ROWS):
            yield portion
            portion, size = array("q"), 0
        portion.append(key)
        size += length
    if portion:
        yield portion


def follow(connection: sqlite3.Connection, heads: Heads, moved: Sequence[Move]) -> None:
    """Take the texts of traces along that went to another conversation, and drop those of what was erased."""
    for old in {move.old for move in moved}:
        heads.take(old)
        if not connection.execute("SELECT EXISTS (SELECT 1 FROM text WHERE conversation = ?)", (old,)).fetchone()[0]:
            continue
        going = [(move.trace, move.new) for move in moved if move.old == old and move.new is not None]
        erased = any(move.new is None for move in moved if move.old == old)
        staying = connection.execute("SELECT key FROM trace WHERE conversation = ?", (old,)).fetchall()
        homes = {home for _, home in going}
        if not staying and not erased and len(homes) == 1:
            connection.execute("UPDATE text SET conversation = ? WHERE conversation = ?", (*homes, old))
            continue
        last = heads.last_key
        for trace, conversation in going + [(trace, old) for (trace,) in staying]:
            _write_again(connection, heads, trace, conversation)
        connection.execute("DELETE FROM text WHERE conversation = ? AND key <= ?", (old, last))


def _write_again(connection: sqlite3.Connection, heads: Heads, trace: int, conversation: int) -> None:
    """Write the texts of a trace anew, as texts of that conversation."""
    sizes = connection.execute("SELECT key, apart FROM run WHERE trace = ? AND apart > 0", (trace,)).fetchall()
    for portion in portions(sizes):
        rows = connection.execute(
            f"SELECT key, inputs, outputs, extra FROM run WHERE key IN ({slots(portion)})", portion
        ).fetchall()
        before = sorted({key for _, *keys in rows for key in keys if key is not None})
        texts = read(connection, set(before))
        written = _write(connection, heads, conversation, [memoryview(texts[key]) for key in before])
        after = dict(zip(before, written, strict=True))
        connection.executemany(
            "UPDATE run SET inputs = ?, outputs = ?, extra = ? WHERE key = ?",
            [(*map(after.get, keys), run) for run, *keys in rows],
        )


def drop(connection: sqlite3.Connection, heads: Heads, conversations: Sequence[int]) -> None:
    """Delete all texts of conversations whose runs refer to none any more."""
    for some in chunked(conversations):
        connection.execute(f"DELETE FROM text WHERE conversation IN ({slots(some)})", some)
    heads.clear()
