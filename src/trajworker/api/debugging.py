"""The log of a client that was asked to debug: for people, on whatever stderr is at the moment."""

import io
import sys
from typing import BinaryIO, cast

from trajworker.observing.colours import takes_colours
from trajworker.observing.logs import Logs


def debug_log() -> Logs:
    """An observer that writes every event, coloured on a terminal."""
    return Logs(cast("BinaryIO", _Stderr()), pretty=True, colours=takes_colours(sys.stderr), level="debug")


class _Stderr(io.RawIOBase):
    """The text stream that `sys.stderr` is at the moment, for bytes: a notebook's has no buffer beneath it."""

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        content = bytes(data)  # type: ignore[call-overload]  # whatever buffer comes
        sys.stderr.write(content.decode("utf-8", "replace"))
        return len(content)

    def flush(self) -> None:
        try:
            sys.stderr.flush()
        except AttributeError:  # the interpreter ends: Python 3.13 collects this when its modules are gone
            return
