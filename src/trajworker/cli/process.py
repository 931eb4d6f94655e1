"""Prepares the process of a long run: nothing of it lands on disk when it crashes, and its memory does not creep up."""

import sys
from contextlib import suppress
from typing import Final

LARGE_BYTES: Final = 1024 * 1024
"""Buffers from this size on, such as pages, are given back to the system as soon as they are freed."""
STEP_BYTES: Final = 4 * LARGE_BYTES
"""By how much the heap grows, and how much at its end must be free for it to shrink: new memory has to be cleared."""
_M_TRIM_THRESHOLD: Final = -1
_M_TOP_PAD: Final = -2
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8


def leave_no_core() -> None:
    """Forbid core dumps: they would put the key and transcripts on disk, readable for whoever collects them."""
    with suppress(ImportError):  # Windows has none
        import resource  # noqa: PLC0415 - same

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def settle_heap() -> None:
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
