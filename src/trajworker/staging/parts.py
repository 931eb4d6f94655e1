"""The rows of the sink's files.

All functions run in the thread of the connection, those that write within a transaction.
"""

import sqlite3
from itertools import accumulate

from trajworker.errors import StagingError
from trajworker.ports import Part, PartState, Span, Stream

MAX_SEQ = 2**63 - 1

BEFORE = {
    PartState.OPEN: (None,),
    PartState.SEALED: (PartState.OPEN,),
    PartState.PUBLISHED: (PartState.SEALED, PartState.PUBLISHED),
    PartState.VOID: (PartState.VOID,),
}
"""States from which a part may come into a state; None: it has no row yet."""
UNPUBLISHED = "('open', 'sealed')"
"""States of parts whose lines nobody was told of: only they may lose some."""


def parts(first: int, last: int | None, connection: sqlite3.Connection) -> list[Part]:
    """The parts from one number to another (inclusive), in order."""
    rows = connection.execute(
        "SELECT seq, stream, state, length, lines, name, size_bytes, sha256, manifest, "
        "(SELECT min(key) FROM emission WHERE part = seq), (SELECT max(key) FROM emission WHERE part = seq) "
        "FROM part WHERE seq BETWEEN ? AND ? ORDER BY seq",
        (first, MAX_SEQ if last is None else last),
    )
    return [
        Part(
            seq=seq,
            stream=Stream(stream),
            state=PartState(state),
            length=length,
            lines=lines,
            name=name,
            size_bytes=size_bytes,
            sha256=sha256,
            manifest=manifest,
            first=first_row,
            last=last_row,
        )
        for seq, stream, state, length, lines, name, size_bytes, sha256, manifest, first_row, last_row in rows
    ]


def put(part: Part, connection: sqlite3.Connection) -> None:
    """Insert or replace the row of a part; raises `StagingError` where its state does not lead to the new one."""
    row = connection.execute("SELECT state, length, lines FROM part WHERE seq = ?", (part.seq,)).fetchone()
    before, length, lines = (PartState(row[0]), row[1], row[2]) if row else (None, 0, 0)
    if before not in BEFORE[part.state] or (length, lines) != (part.length, part.lines):
        raise StagingError(
            f"part {part.seq} is {before or 'unknown'} with {length} bytes: it cannot become {part.state}"
        )
    connection.execute(
        "INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            part.seq,
            str(part.stream),
            str(part.state),
            part.length,
            part.lines,
            part.name,
            part.size_bytes,
            part.sha256,
            part.manifest,
        ),
    )


def drop(seq: int, connection: sqlite3.Connection) -> None:
    """Forget the newest part; raises `StagingError` where it is not the newest, or something is committed on it."""
    gone = connection.execute(
        "DELETE FROM part WHERE seq = ? AND seq = (SELECT max(seq) FROM part) AND state = 'open' AND length = 0", (seq,)
    )
    if gone.rowcount != 1:
        raise StagingError(f"part {seq} holds lines or is not the newest: it cannot be forgotten")


def make_void(seq: int, connection: sqlite3.Connection) -> int:
    """Make a part void: its newest revisions are due again; returns how many cannot be made again.

    Of what was published the rows stay: only equal content may have the same number.
    """
    part = {"part": seq}
    connection.execute("UPDATE part SET state = 'void' WHERE seq = :part", part)
    again = (
        "SELECT e.key FROM emission e JOIN conversation c ON c.key = e.conversation "
        "WHERE e.part = :part AND c.revision = e.revision AND c.reduced = 0 AND c.purged = 0"
    )
    gone: int = connection.execute(
        f"SELECT count(*) FROM emission WHERE part = :part AND key NOT IN ({again})", part
    ).fetchone()[0]
    connection.execute(f"UPDATE emission SET lost = 1 WHERE part = :part AND key NOT IN ({again})", part)
    connection.execute(
        "UPDATE conversation SET changed = 1, failure = NULL, revision = revision - 1, content_hash = NULL "
        f"WHERE key IN (SELECT conversation FROM emission WHERE part = :part AND lost = 0 AND key IN ({again}))",
        part,
    )
    connection.execute(
        "DELETE FROM emission WHERE part = :part AND lost = 0 "
        "AND (SELECT manifest FROM part WHERE seq = :part) IS NULL",
        part,
    )
    connection.execute("UPDATE emission SET lost = 1 WHERE part = :part", part)
    return gone


def purged_lines(seq: int, connection: sqlite3.Connection) -> list[Span]:
    """Where on a part that was not published lie lines of conversations that were purged since, in order."""
    rows = connection.execute(
        "SELECT e.offset, e.length FROM emission e JOIN conversation c ON c.key = e.conversation "
        "JOIN part p ON p.seq = e.part "
        f"WHERE e.part = ? AND c.purged = 1 AND p.state IN {UNPUBLISHED} ORDER BY e.offset",
        (seq,),
    )
    return [Span(offset, length) for offset, length in rows]


def strike(seq: int, connection: sqlite3.Connection) -> None:
    """Forget those lines: what comes after each moves up, and the part is open again."""
    connection.execute(
        "DELETE FROM emission WHERE part = ? AND conversation IN (SELECT key FROM conversation WHERE purged = 1)",
        (seq,),
    )
    rows = connection.execute("SELECT key, length FROM emission WHERE part = ? ORDER BY offset", (seq,)).fetchall()
    lengths = [length for _, length in rows]
    offsets = accumulate(lengths, initial=0)
    connection.executemany(
        "UPDATE emission SET offset = ? WHERE key = ?",
        [(offset, key) for offset, (key, _) in zip(offsets, rows, strict=False)],
    )
    struck = connection.execute(
        "UPDATE part SET state = 'open', length = ?, lines = ?, name = NULL, size_bytes = NULL, sha256 = NULL "
        f"WHERE seq = ? AND state IN {UNPUBLISHED}",
        (sum(lengths), len(lengths), seq),
    )
    if struck.rowcount != 1:
        raise StagingError(f"part {seq} is published: no line can be taken out of it")
