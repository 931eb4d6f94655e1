"""Where reading a slice goes on: the server's cursor, and enough beside it to go on when the server forgets that."""

from datetime import datetime
from itertools import pairwise

import msgspec
from msgspec import Struct

from trajworker.errors import CursorExpired
from trajworker.model.run import Run
from trajworker.sources.wires.instants import MARGIN


class Position(Struct, frozen=True, array_like=True):
    """A place in a slice. To everybody else it is the opaque `Slice.cursor`.

    `oldest` is the earliest start time seen, and `ordered` whether the server kept its promise to send newest first.
    `before` replaces the end of the slice where reading went on without the server's cursor. `narrowed` tells in which
    of two forms a `SWIFT` or `LEFT_OVER` slice is asked for (see `swiftness`): a cursor belongs to one of them.
    """

    api: str
    server_cursor: str | None = None
    before: datetime | None = None
    oldest: datetime | None = None
    ordered: bool = True
    narrowed: bool = False

    def packed(self) -> str:
        """As a cursor."""
        return msgspec.json.encode(self).decode()

    def seen(self, runs: tuple[Run, ...], server_cursor: str | None) -> "Position":
        """The place after a page with those runs."""
        starts = [run.start_time for run in runs]
        ordered = self.ordered and all(a >= b or a + MARGIN >= b for a, b in pairwise(starts))
        if starts and self.oldest is not None and starts[0] > self.oldest + MARGIN:
            ordered = False
        oldest = min([*starts, self.oldest or starts[0]]) if starts else self.oldest
        return Position(self.api, server_cursor, self.before, oldest, ordered, self.narrowed)

    def without_cursor(self) -> "Position | None":
        """The same place told by time alone; None where that would lose runs or get nowhere."""
        if self.oldest is None or not self.ordered:
            return None
        before = self.oldest + MARGIN
        if self.before is not None and before >= self.before:
            return None
        return Position(self.api, None, before, self.oldest, self.ordered, self.narrowed)


def position_at(cursor: str | None, api: str) -> Position:
    """The place a cursor stands for.

    Raises:
        CursorExpired: it belongs to the other generation of the API, or is none of ours.
    """
    if cursor is None:
        return Position(api)
    try:
        position = msgspec.json.decode(cursor, type=Position)
    except msgspec.MsgspecError:
        raise CursorExpired("The stored cursor is not readable; the slice is read again.") from None
    if position.api != api:
        raise CursorExpired(
            f"The stored cursor belongs to the {position.api} API, spoken is {api}; the slice is read again."
        )
    return position
