"""How a long run treats its own process, and the library that of its host, told by allocator and libraries."""

import ctypes
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from support.library import PROJECT, conversation, served
from trajworker.cli.process import LARGE_BYTES
from trajworker.sources.asking.transport import READ_BYTES

ALLOCATES = f"""
import ctypes
from trajworker.cli.process import tune_heap

class Figures(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]

def apart():
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = Figures
    return libc.mallinfo2().hblkhd

tune_heap()
page = bytes({8 * LARGE_BYTES})
del page
before = apart()
page = bytes({2 * LARGE_BYTES})
print(apart() - before)
"""
HEAPS = """
import ctypes, sys, threading
from trajworker.cli.process import tune_heap

tune_heap()
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
STATE = """
import logging, sys

def told():
    return [logging.getLogger(name).level for name in ("httpx", "httpcore", "aiosqlite", "uvicorn", "asyncio")]
"""
OURS = f"""{STATE}
import httpcore
from trajworker.cli.process import prepare

usual = httpcore.AsyncHTTP11Connection.READ_NUM_BYTES
prepare()
print(min(told()), usual, httpcore.AsyncHTTP11Connection.READ_NUM_BYTES)
"""
A_HOST = f"""{STATE}
import httpcore

logging.getLogger("httpx").setLevel(logging.INFO)
before = told(), httpcore.AsyncHTTP11Connection.READ_NUM_BYTES
import trajworker as tj

_, url, folder, project = sys.argv
tj.init(api_key="any", project_id=project, endpoint=url, storage_dir=folder, debug=True)
assert len(tj.import_conversations()) == 1
assert (told(), httpcore.AsyncHTTP11Connection.READ_NUM_BYTES) == before, told()
print("as it was")
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


def test_libraries_are_quiet_and_answers_come_in_larger_pieces_than_usual() -> None:
    """By the name that httpcore itself reads, which a later release may change."""
    level, usual, ours = map(int, run_in_python(OURS, prepared=True).split())
    assert level >= logging.WARNING
    assert 0 < usual < ours == READ_BYTES


def test_the_library_leaves_loggers_and_clients_of_its_host_as_they_are(tmp_path: Path) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a"))
        assert run_in_python(A_HOST, url, tmp_path, PROJECT, prepared=True) == "as it was\n"


def run_in_python(program: str, *words: str | Path, prepared: bool) -> str:
    program = program if prepared else program.replace("\ntune_heap()\n", "\n")
    return subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True).stdout
