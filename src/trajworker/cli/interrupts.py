"""Whoever ends a command by SIGTERM gets what Ctrl-C gets: what it holds is closed, and an exit code that tells of it.

A worker that has begun listens to both itself (`worker.stop`).
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

TYPE_CHECKING = False  # see cli.parser
if TYPE_CHECKING:
    from types import FrameType


class Terminated(BaseException):
    """SIGTERM came where no event loop runs.

    No KeyboardInterrupt: Python remembers one that passed code made of a string (a named tuple, say), and under `-m`
    ends as if SIGINT had killed it, whatever was made of it meanwhile.
    """


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within the block SIGTERM interrupts, where nobody else has asked for it.

    Raises:
        Terminated: it came.
        KeyboardInterrupt: an event loop made that of it.
    """
    ours = threading.current_thread() is threading.main_thread() and _is_free()
    if ours:
        signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _is_free() -> bool:
    """Whether Ctrl-C is Python's own still, as event loops expect it, and SIGTERM the system's."""
    interrupts = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return interrupts and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def _interrupt(_number: int, frame: "FrameType | None") -> None:
    """What SIGINT does where an event loop has put its own handler there; the like elsewhere."""
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        raise Terminated
    if callable(interrupt):
        interrupt(signal.SIGINT, frame)
