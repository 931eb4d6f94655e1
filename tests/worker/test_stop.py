"""A stop is met in time, even by a process whose threads hang."""

import subprocess
import sys
import time

import anyio
import pytest

from trajworker.errors import EXIT_RETRY
from trajworker.worker.stop import Stop

HANGS = """
import time, anyio
from trajworker.worker import stop
stop.CLOSING_S = 0.2
async def main():
    asked = stop.Stop({grace})
    with asked.watchdog():
        for _ in range({requests}):
            asked.request()
        time.sleep({blocked})
    time.sleep({after})
anyio.run(main)
"""


def ended(**how: float) -> tuple[int, float]:
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", HANGS.format(**how)], check=False, timeout=30)
    return done.returncode, time.monotonic() - began


@pytest.mark.slow
@pytest.mark.parametrize(("grace", "requests"), [(0.1, 1), (60, 2)])
def test_a_process_that_hangs_ends_all_the_same(grace: float, requests: int) -> None:
    code, took_s = ended(grace=grace, requests=requests, blocked=25, after=0)
    assert code == EXIT_RETRY
    assert took_s < 20


@pytest.mark.slow
def test_whoever_closes_in_time_is_left_alone() -> None:
    code, _ = ended(grace=0.1, requests=1, blocked=0, after=1)
    assert code == 0


async def test_the_first_request_ends_intake_and_gives_work_its_grace() -> None:
    stop = Stop(0.05)
    ended_as: list[str] = []

    async def work() -> None:
        with stop.work():
            await anyio.sleep_forever()
        ended_as.append("work")

    async def intake() -> None:
        with stop.intake():
            await anyio.sleep_forever()
        ended_as.append("intake")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(work)
            group.start_soon(intake)
            await anyio.wait_all_tasks_blocked()
            assert not stop.requested
            stop.request()
    assert ended_as == ["intake", "work"]


async def test_waiting_for_a_stop_ends_with_it_or_with_its_time() -> None:
    stop = Stop(1.0)
    await stop.wait(0.01)
    assert not stop.requested
    stop.request()
    with anyio.fail_after(1):
        await stop.wait()
