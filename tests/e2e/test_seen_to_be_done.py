"""What the project is to be judged by, each line a test: the real command, real sockets, the recorded corpus."""

import math
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from subprocess import Popen
from typing import Any

import anyio
import httpx
import langsmith
import pytest
from anyio.to_thread import run_sync
from langsmith.run_helpers import traceable, tracing_context

from e2e.running import Workplace, each_revision_once, everything_in
from support import corpus
from support.library import PROJECT, conversation
from support.sdk import MAY_BE_DEPRECATED
from support.truth import differences
from trajworker.model.run import NEEDED_RUN_TYPES
from trajworker.simulator import Mode, Simulator, SimulatorSettings, serve

pytestmark = pytest.mark.slow

PAGE = {"v1": 100, "v2": 1000}
MODES = {"v1": Mode.V1, "v2": Mode.V2}
PRODUCER = "lg_graph"


def needed(rows: list[dict[str, Any]]) -> int:
    return sum(row["parent_run_id"] is None or row["run_type"] in NEEDED_RUN_TYPES for row in rows)


@pytest.fixture(params=["v1", "v2"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def simulator(api: str) -> Simulator:
    return Simulator(SimulatorSettings(mode=MODES[api]))


@pytest.fixture
async def url(simulator: Simulator) -> AsyncIterator[str]:
    async with serve(simulator) as url:
        yield url


async def test_every_recorded_dialogue_arrives_as_it_was_said_for_hardly_more_requests_than_pages(
    api: str, simulator: Simulator, url: str, tmp_path: Path
) -> None:
    corpus.require()
    producers = corpus.producers()
    for producer in producers:
        simulator.add_runs(producer, corpus.runs(producer))
    place = Workplace(url, tmp_path, producers)
    await place.once()
    ideal = sum(math.ceil(needed(corpus.runs(producer)) / PAGE[api]) for producer in producers)
    assert len(simulator.requests) <= 1.05 * ideal + 5 * len(producers), simulator.requests.counts()

    written = everything_in(place.out)
    simulator.requests.clear()
    await place.once()
    assert len(simulator.requests) <= 3 * len(producers), simulator.requests.counts()
    assert everything_in(place.out) == written

    threads = [thread for producer in producers for thread in corpus.expected(producer)["threads"]]
    held = {said.partition(":")[0] for thread in threads for said in differences(place.trajectories(), thread)}
    unfinished = [thread for thread in threads if "pending" in thread["turn_status"]]
    assert len(held) == len(unfinished)
    await place.once("--flush")
    assert [wrong for thread in threads for wrong in differences(place.trajectories(), thread)] == []
    assert each_revision_once(place.revisions())


@pytest.mark.parametrize("api", ["v2"], indirect=True)
@pytest.mark.parametrize(("said", "largest"), [("hello", (1000, 1000)), ("hello " * 20_000, (2, 99))])
async def test_a_second_process_asks_for_its_first_page_by_what_runs_weighed_before(
    said: str, largest: tuple[int, int], simulator: Simulator, url: str, tmp_path: Path
) -> None:
    def asked() -> list[int]:
        pages = [request for request in simulator.requests if request.path == "/v2/runs/query"]
        return [request.json()["page_size"] for request in pages]

    for number in range(20):
        simulator.add_runs(PROJECT, conversation(f"t{number}", said=said))
    place = Workplace(url, tmp_path, [PROJECT])
    await place.once()
    assert asked()[0] == 100
    simulator.requests.clear()
    await place.once()
    assert largest[0] <= asked()[0] <= largest[1]
    assert len(simulator.requests) <= 3, simulator.requests.counts()


async def test_new_turns_make_new_revisions_of_their_conversations_and_of_no_others(
    simulator: Simulator, url: str, tmp_path: Path
) -> None:
    """The new runs lie in the past, among the old ones, as recordings do."""
    rows = corpus.runs(PRODUCER)
    threads = [thread for thread in corpus.expected(PRODUCER)["threads"] if thread["traces"] > 1]
    later = {thread["trace_ids"][-1][-1] for thread in threads[:1]}
    simulator.add_runs(PRODUCER, [row for row in rows if row["trace_id"] not in later])
    place = Workplace(url, tmp_path, [PRODUCER])
    await place.once()
    before = place.published()
    simulator.add_runs(PRODUCER, [row for row in rows if row["trace_id"] in later])
    await place.once()
    after = place.published()
    assert {name: after[name] for name in before} == before
    assert [(name, revision) for name, revision in place.revisions() if revision > 1] == [
        (threads[0]["conversation_id"], 2)
    ]
    newest = {one.task.conversation_id: one for one in place.trajectories()}
    assert differences([newest[threads[0]["conversation_id"]]], threads[0]) == []
    simulator.requests.clear()
    await place.once()
    assert len(simulator.requests) <= 3, simulator.requests.counts()
    assert place.published() == after


@pytest.mark.parametrize("api", ["v2"], indirect=True)
async def test_after_kills_at_any_moment_each_revision_is_published_exactly_once(
    simulator: Simulator, url: str, tmp_path: Path
) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")  # noqa: T201 - what it takes to see a failure again
    chance = random.Random(seed)
    corpus.require()
    producers = corpus.producers()
    for producer in producers:
        simulator.add_runs(producer, corpus.runs(producer))
    calm = Workplace(url, tmp_path / "calm", producers)
    await calm.once()
    place = Workplace(url, tmp_path / "killed", producers, {"TRAJWORKER_SINK_SEAL_LINES": "3"})
    published: dict[str, bytes] = {}
    for _ in range(8):
        with place.started("--once") as process:
            await anyio.sleep(chance.uniform(0.3, 1.3))
            process.kill()
            await run_sync(process.wait)
        now = place.published() if place.out.exists() else {}
        assert {name: now.get(name) for name in published} == published
        published = now
    await place.once()
    assert {name: place.published()[name] for name in published} == published
    assert each_revision_once(place.revisions())
    assert place.newest() == calm.newest()


@MAY_BE_DEPRECATED
async def test_what_the_real_sdk_traces_is_delivered(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "trajworker", "simulate", "--port", "0"]
    with Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as simulator:  # noqa: ASYNC220 - at once
        try:
            assert simulator.stdout is not None
            url = (await run_sync(simulator.stdout.readline)).strip()
            await run_sync(_talk, url)
            place = Workplace(url, tmp_path, ["traced"])
            await place.once()
        finally:
            simulator.terminate()
    (one,) = place.trajectories()
    assert one.task.conversation_id == "thread-1"
    assert one.task.num_turns == 2
    spoken = [(message.role.value, message.content) for message in one.messages]
    assert spoken == [("user", "one?"), ("assistant", "ONE?"), ("user", "two?"), ("assistant", "TWO?")]


def _talk(url: str) -> None:
    client = langsmith.Client(api_url=url, api_key="any")

    @traceable(run_type="llm", name="model")
    def model(messages: list[dict[str, str]]) -> dict[str, str]:
        return {"role": "assistant", "content": messages[-1]["content"].upper()}

    @traceable(name="agent", metadata={"session_id": "thread-1"})
    def agent(messages: list[dict[str, str]]) -> dict[str, str]:
        return model(messages)

    history: list[dict[str, str]] = []
    with tracing_context(enabled=True, client=client, project_name="traced"):
        for question in ("one?", "two?"):
            history.append({"role": "user", "content": question})
            history.append(agent(list(history)))
    client.flush()
    client.cleanup()
    _await_clock(url, datetime.now(UTC))


def _await_clock(url: str, moment: datetime) -> None:
    """Until the server's clock, which tells whole seconds, has passed a moment: a range ends where it stands."""
    while parsedate_to_datetime(httpx.get(f"{url}/info").headers["date"]) <= moment:
        pass
