import sys
import threading

import anyio
import pytest

from support.source_bench import bench
from trajworker.sources.client import THREAD_ABOVE_BYTES, _understood
from trajworker.sources.transport import READ_BYTES


@pytest.mark.parametrize(("size", "beside"), [(THREAD_ABOVE_BYTES, False), (THREAD_ABOVE_BYTES + 1, True)])
async def test_it_is_understood_beside_the_loop(size: int, beside: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    where = await _understood(lambda _content: threading.get_ident(), b"x" * size)
    assert (where != threading.get_ident()) is beside


async def test_a_source_that_was_never_asked_closes() -> None:
    async with bench("http://127.0.0.1:9"):
        pass


async def test_it_is_taken_in_larger_pieces_than_httpcore_would() -> None:
    """By the name that httpcore itself reads, which a later release may change."""
    tell = "; print(httpcore.AsyncHTTP11Connection.READ_NUM_BYTES)"
    usual = await anyio.run_process([sys.executable, "-c", f"import httpcore{tell}"])
    ours = await anyio.run_process([sys.executable, "-c", f"import httpcore, trajworker.sources.transport{tell}"])
    assert 0 < int(usual.stdout) < int(ours.stdout) == READ_BYTES
