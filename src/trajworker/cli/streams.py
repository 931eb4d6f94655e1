"""What a command writes to: streams that are there when nobody gave any, take every character, and outlast readers.

What nobody reads changes neither the work nor its exit code; results that a disk would not take are told at the end.
"""

import errno
import io
import os
import sys

TYPE_CHECKING = False  # see cli.parser
if TYPE_CHECKING:
    from typing import TextIO

    from _typeshed import ReadableBuffer

STDERR = 2


class Lasting(io.FileIO):
    """A file that never stops who writes to it: after a failure, which it keeps, everything goes nowhere."""

    failure: OSError | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write what can be written; the rest counts as written."""
        if self.failure is None:
            try:
                return super().write(data)
            except OSError as failure:
                self.failure = failure
        return memoryview(data).nbytes


def open_streams() -> None:
    """Make stdout and stderr lasting; what somebody else has put in their place is left alone."""
    _fill_closed()
    if sys.stdout in (None, sys.__stdout__):
        sys.stdout = _lasting(sys.stdout)
    if sys.stderr in (None, sys.__stderr__):
        sys.stderr = _lasting(sys.stderr)


def unwritten() -> OSError | None:
    """Why results did not get to where they were sent; a reader that left wanted no more of them."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    failure = raw.failure if isinstance(raw, Lasting) else None
    if failure is None or failure.errno == errno.EPIPE:
        return None
    return OSError(failure.errno, failure.strerror, "stdout")


def write_json(document: bytes) -> None:
    """A line of JSON on stdout: UTF-8 whatever the locale, or it would be no JSON."""
    sys.stdout.flush()
    sys.stdout.buffer.write(document + b"\n")


def _fill_closed() -> None:
    """Give closed descriptors to the null device: files opened later would get their numbers, and what they get."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        pass
    os.close(number)


def _lasting(stream: "TextIO | None") -> io.TextIOWrapper:
    raw = Lasting(os.devnull, "w") if stream is None else Lasting(stream.fileno(), "w", closefd=False)
    at_once = isinstance(stream, io.TextIOWrapper) and (stream.line_buffering or stream.write_through)
    encoding = stream.encoding if stream else "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors="backslashreplace", line_buffering=at_once)
