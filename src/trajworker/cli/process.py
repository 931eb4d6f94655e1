"""Prepares the process of a long run: nothing of it lands on disk when it crashes, and its memory does not creep up."""

import sys
from contextlib import suppress
from typing import Final

LARGE_BYTES: Final = 1024 * 1024
"""Buffers from this size on, such as pages, are given back to the system as soon as they are freed."""
SPARE_BYTES: Final = 2 * LARGE_BYTES
"""Free memory at the end of the heap that is kept for what comes next."""
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3


def leave_no_core() -> None:
    """Forbid core dumps: they would put the key and transcripts on disk, readable for whoever collects them."""
    with suppress(ImportError):  # Windows has none
        import resource  # noqa: PLC0415 - same

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def return_large_buffers() -> None:
    """Let glibc keep large buffers out of its heap; other allocators are left as they are.

    glibc raises its threshold to the largest buffer it sees freed. From then on pages come to lie in the heap, between
    small things that live longer, and after a million runs a fifth more is resident (mallopt(3), M_MMAP_THRESHOLD).
    """
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 - costs a start of `trajworker --help` nothing this way

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, SPARE_BYTES)
