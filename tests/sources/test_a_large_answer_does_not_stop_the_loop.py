import threading

import pytest

from support.source_bench import bench
from trajworker.sources.asking.client import THREAD_ABOVE_BYTES, _understood


@pytest.mark.parametrize(("size", "beside"), [(THREAD_ABOVE_BYTES, False), (THREAD_ABOVE_BYTES + 1, True)])
async def test_a_large_answer_is_understood_beside_the_loop(size: int, beside: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    where = await _understood(lambda _content: threading.get_ident(), b"x" * size)
    assert (where != threading.get_ident()) is beside


async def test_a_source_that_was_never_asked_closes() -> None:
    async with bench("http://127.0.0.1:9"):
        pass
