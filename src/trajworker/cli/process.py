"""Prepares the process of a long run, as only a command may: a library leaves the process of its host as it is.

Nothing lands on disk when it crashes, libraries keep quiet, answers are read in large pieces, memory does not creep up.
"""

import logging
import sys
from contextlib import suppress
from typing import Final

LARGE_BYTES: Final = 1024 * 1024
"""Buffers from this size on, such as pages, are given back to the system as soon as they are freed."""
STEP_BYTES: Final = 4 * LARGE_BYTES
"""By how much the heap grows, and how much at its end must be free for it to shrink: new memory has to be cleared."""
CHATTY: Final = ("httpx", "httpcore", "aiosqlite", "uvicorn", "asyncio")
_M_TRIM_THRESHOLD: Final = -1
_M_TOP_PAD: Final = -2
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8


def prepare() -> None:
    """All of it."""
    from trajworker.sources.asking.transport import read_larger_pieces  # noqa: PLC0415 - an HTTP client

    leave_no_core()
    tune_heap()
    quiet_libraries()
    read_larger_pieces()


def quiet_libraries() -> None:
    """Keep libraries from logging what events do not tell: httpx would log whole URLs at INFO."""
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def leave_no_core() -> None:
    """Forbid core dumps: they would put the key and transcripts on disk, readable for whoever collects them."""
    with suppress(ImportError):  # Windows has none
        import resource  # noqa: PLC0415 - same

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def tune_heap() -> None:
    """Let glibc keep one heap for all threads, and large buffers out of it; other allocators are left as they are.

    It would give each thread a heap of its own, though only one of them runs at a time. And it raises the size of what
    counts as large to the largest buffer it sees freed: from then on pages come to lie in the heap, between small
    things that live longer, and after a million runs a fifth more is resident (mallopt(3)).
    """
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 - costs a start of `trajworker --help` nothing this way

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(_M_TOP_PAD, STEP_BYTES)
        mallopt(_M_TRIM_THRESHOLD, STEP_BYTES)
