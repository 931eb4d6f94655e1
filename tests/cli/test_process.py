"""How the process of a long run treats memory, told by the allocator itself."""

import ctypes
import subprocess
import sys

import pytest

from trajworker.cli.process import LARGE_BYTES

ALLOCATES = f"""
import ctypes
from trajworker.cli.process import return_large_buffers

class Figures(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]

def apart():
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = Figures
    return libc.mallinfo2().hblkhd

return_large_buffers()
page = bytes({8 * LARGE_BYTES})
del page
before = apart()
page = bytes({2 * LARGE_BYTES})
print(apart() - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc 2.33")
@pytest.mark.parametrize("prepared", [True, False])
def test_a_page_lies_outside_the_heap_even_after_a_larger_one_was_freed(*, prepared: bool) -> None:
    program = ALLOCATES if prepared else ALLOCATES.replace("\nreturn_large_buffers()\n", "\n")
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert (int(told) >= 2 * LARGE_BYTES) is prepared
