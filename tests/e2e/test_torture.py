"""A source that moves and fails, a worker that is killed, stopped and frozen all the time (reliability.md T4, row 48).

`TRAJWORKER_TORTURE=1000` makes the long form: so many kills instead of `KILLS`.
"""

import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import PIPE, Popen

import anyio
import pytest
from anyio.to_thread import run_sync

from e2e.running import Workplace, each_revision_once
from support.recorded import FOLDER
from trajworker.simulator import Simulator, SimulatorSettings, serve
from trajworker.sinks import verify

KILLS = int(os.environ.get("TRAJWORKER_TORTURE", "100"))
STOPS = int(os.environ.get("TRAJWORKER_STOPS", "20"))
SEED = int(os.environ.get("TRAJWORKER_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
SECONDS_A_KILL = 0.4
START_S = 0.3
"""A process that is killed sooner has hardly read anything; one in ten is."""
PRODUCERS = ("lg_multi", "lc_modern", "wrap_more")
PROJECTS = ("corpus-*",)
GRACE_S = 10.0
"""What a stop may take (P10)."""
RESTLESS = {
    "TRAJWORKER_INTAKE_POLL": "50ms",
    "TRAJWORKER_INTAKE_LOOKBACK": "3650d",
    "TRAJWORKER_CONVERSATION_HORIZON": "3650d",
    "TRAJWORKER_SOURCE_PAGE_SIZE": "20",
    "TRAJWORKER_SOURCE_ATTEMPTS": "6",
    "TRAJWORKER_SINK_SEAL_LINES": "5",
    "TRAJWORKER_SINK_SEAL_AGE": "500ms",
}
"""Follows hastily, in small pages and small files, so that there is much to interrupt."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + 3 * KILLS)]


@pytest.fixture
def chance() -> random.Random:
    print(f"TRAJWORKER_SEED={SEED}")  # noqa: T201 - what it takes to see a failure again
    return random.Random(SEED)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """The recordings that the source will show."""
    folder = tmp_path / "recorded"
    folder.mkdir()
    for producer in PRODUCERS:
        (folder / producer).symlink_to(FOLDER / producer)
    return folder


@pytest.fixture
async def moving(recorded: Path, chance: random.Random) -> AsyncIterator[str]:
    arguments = [str(recorded), str(chance.randrange(1000)), str(KILLS * SECONDS_A_KILL)]
    command = [sys.executable, str(Path(__file__).with_name("moving_source.py")), *arguments]
    with Popen(command, stdout=PIPE, text=True) as source:  # noqa: ASYNC220 - at once
        try:
            assert source.stdout is not None
            yield (await run_sync(source.stdout.readline)).strip()
        finally:
            source.terminate()


async def test_whatever_is_done_to_the_worker_it_ends_where_a_calm_one_does(
    moving: str, recorded: Path, chance: random.Random, tmp_path: Path
) -> None:
    place = Workplace(moving, tmp_path / "tortured", PROJECTS, RESTLESS)
    published: dict[str, bytes] = {}
    killed = 0
    while killed < KILLS:
        with place.started() as process:
            await _torture(process, chance)
            killed += 1
        now = place.published() if place.out.exists() else {}
        assert {name: now.get(name) for name in published} == published, "a published file was changed"
        published = now
    await anyio.sleep(KILLS * SECONDS_A_KILL / 10)
    for _ in range(5):
        ended = await place.run("--once", "--flush")
        if ended.code == 0:
            break
    assert ended.code == 0, ended.err[-2000:]
    after = place.published()
    assert {name: after[name] for name in published} == published
    assert each_revision_once(place.revisions())
    assert verify(place.out).problems == ()
    assert place.newest() == await _calm(recorded, tmp_path)


async def _torture(process: "Popen[bytes]", chance: random.Random) -> None:
    """Let it live for a while, then freeze, stop or kill it."""
    await anyio.sleep(min(START_S + chance.expovariate(1 / SECONDS_A_KILL), 2.0) if chance.random() < 0.9 else 0.05)
    how = chance.choice(("kill", "kill", "stop", "stop twice", "freeze"))
    if how == "freeze":
        process.send_signal(signal.SIGSTOP)
        await anyio.sleep(chance.uniform(0.0, 0.3))
        process.send_signal(signal.SIGCONT)
        await anyio.sleep(chance.uniform(0.0, 0.2))
    if how.startswith("stop"):
        process.send_signal(signal.SIGTERM)
        await anyio.sleep(chance.uniform(0.0, 0.3))
    if how == "stop twice":
        process.send_signal(signal.SIGTERM)
        await anyio.sleep(chance.uniform(0.0, 0.1))
    process.kill()
    await run_sync(process.wait)


async def _calm(recorded: Path, tmp_path: Path) -> object:
    """What a worker says that nobody disturbs, of the same runs at the end."""
    simulator = Simulator(SimulatorSettings())
    simulator.load(recorded)
    async with serve(simulator) as url:
        place = Workplace(url, tmp_path / "calm", PROJECTS)
        await place.once("--flush")
        return place.newest()


@pytest.mark.parametrize("requests", [1, 2])
async def test_a_stop_is_met_in_time_whenever_it_comes(
    moving: str, chance: random.Random, tmp_path: Path, requests: int
) -> None:
    place = Workplace(moving, tmp_path / "stopped", PROJECTS, RESTLESS)
    took: list[float] = []
    for _ in range(STOPS):
        with place.started() as process:
            await anyio.sleep(chance.uniform(0.4, 1.0))
            began = time.monotonic()
            for _ in range(requests):
                process.send_signal(signal.SIGTERM)
                await anyio.sleep(0.01)
            assert process.stderr is not None
            await run_sync(process.stderr.read)  # who waits with a full pipe unread waits for ever
            code = await run_sync(process.wait)
            took.append(time.monotonic() - began)
            assert code in (75, -signal.SIGTERM), code
    print(f"stops: median {sorted(took)[len(took) // 2]:.2f} s, longest {max(took):.2f} s")  # noqa: T201 - a figure to look at
    assert max(took) < (GRACE_S if requests == 1 else 2.0)
    assert each_revision_once(place.revisions())
