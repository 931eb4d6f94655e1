"""The heads of the conversations that were written to last, held in memory so that staging need not read them back.

What is held here must lie in the file: on a head of a transaction that was undone later texts would stand on nothing.
So each transaction first compares the number of the last text with that in the file (`Heads.begin`), and whoever
deletes texts says so.
"""

import sqlite3

from trajworker.staging.deltas import Head

HEADS_BYTES = 4 * 1024 * 1024
"""Texts held in memory, over all conversations; those of the one unused for longest go first."""
ENTRY_BYTES = 512
"""What a conversation costs besides its texts."""

_LAST = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'text'), 0)"


class Heads:
    """Heads by conversation, those used last first; used in the thread of the connection only."""

    def __init__(self) -> None:
        self._held: dict[int, list[Head]] = {}
        self._bytes = 0
        self._last = 0

    def begin(self, connection: sqlite3.Connection) -> None:
        """Compare with the file at the beginning of a transaction; after one that was undone nothing is believed."""
        last: int = connection.execute(_LAST).fetchone()[0]
        if last != self._last:
            self.clear()
            self._last = last

    @property
    def last_key(self) -> int:
        """Key of the last text that was written."""
        return self._last

    def next_key(self) -> int:
        """The key of a text that is written now."""
        self._last += 1
        return self._last

    def __contains__(self, conversation: int) -> bool:
        return conversation in self._held

    def take(self, conversation: int) -> list[Head]:
        """Take the heads of a conversation out, to alter them and `hold` them again; none where none are held."""
        heads = self._held.pop(conversation, None)
        if heads is None:
            return []
        self._bytes -= _size(heads)
        return heads

    def hold(self, conversation: int, heads: list[Head]) -> None:
        """Hold heads whose texts have been written."""
        self.take(conversation)
        self._held[conversation] = heads
        self._bytes += _size(heads)
        while self._bytes > HEADS_BYTES:
            self.take(next(iter(self._held)))

    def clear(self) -> None:
        """Hold nothing any more: texts were, or may have been, taken from the file."""
        self._held.clear()
        self._bytes = 0


def _size(heads: list[Head]) -> int:
    return ENTRY_BYTES + sum(len(head.text) for head in heads)
