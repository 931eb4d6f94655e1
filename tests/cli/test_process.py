"""How the process of a long run treats memory, told by the allocator itself."""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from trajworker.cli.process import LARGE_BYTES

ALLOCATES = f"""
import ctypes
from trajworker.cli.process import settle_heap

class Figures(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]

def apart():
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = Figures
    return libc.mallinfo2().hblkhd

settle_heap()
page = bytes({8 * LARGE_BYTES})
del page
before = apart()
page = bytes({2 * LARGE_BYTES})
print(apart() - before)
"""
HEAPS = """
import ctypes, sys, threading
from trajworker.cli.process import settle_heap

settle_heap()
held = []
worker = threading.Thread(target=lambda: held.extend(bytes(10_000) for _ in range(1_000)))
worker.start()
worker.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
told = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, told)
libc.fclose(told)
"""
needs_glibc = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc 2.33")


@needs_glibc
@pytest.mark.parametrize("prepared", [True, False])
def test_a_page_lies_outside_the_heap_even_after_a_larger_one_was_freed(*, prepared: bool) -> None:
    told = run_in_python(ALLOCATES, prepared=prepared)
    assert (int(told) >= 2 * LARGE_BYTES) is prepared


@needs_glibc
@pytest.mark.parametrize("prepared", [True, False])
def test_threads_share_one_heap(tmp_path: Path, *, prepared: bool) -> None:
    run_in_python(HEAPS, tmp_path / "heaps.xml", prepared=prepared)
    heaps = (tmp_path / "heaps.xml").read_text().count("<heap nr=")
    assert (heaps == 1) is prepared


def run_in_python(program: str, *words: Path, prepared: bool) -> str:
    program = program if prepared else program.replace("\nsettle_heap()\n", "\n")
    return subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True).stdout
