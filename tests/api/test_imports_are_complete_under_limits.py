"""Large threads and many conversations come whole although the server allows little and refuses often."""

from pathlib import Path

import pytest

from support.library import PROJECT, client, conversation, run_id, served, turn
from trajworker.simulator import Fault, Mode, SimulatorSettings
from trajworker.simulator.faults import Answer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

REFUSED = Fault(path="*/runs/query", effect=Answer(status=429, body="{}"), probability=0.1)


@pytest.fixture(autouse=True)
def scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library keeps the documented limits, scaled as the server's are."""
    monkeypatch.setenv("TRAJWORKER_SOURCE_RATE_SCALE", "50")


@pytest.mark.parametrize("mode", [Mode.V1, Mode.V2])
def test_a_thread_of_ten_thousand_runs_loses_no_turn(mode: Mode, tmp_path: Path) -> None:
    with served(SimulatorSettings(mode=mode, rate_scale=50.0, faults=(REFUSED,))) as (simulator, url):
        for number in range(500):
            history = [{"role": "user", "content": f"turn {number}"}, {"role": "assistant", "content": "yes"}]
            simulator.add_runs(PROJECT, turn("long", number, history, fillers=18))
        one = client(url, tmp_path)
        (found,) = one.import_conversations(["long"])
        (summary,) = one.list_conversations()
    assert (summary.num_turns, found.task.num_turns) == (500, 500)
    assert found.task.total_tokens == 500 * 15
    assert len(found.origin.trace_ids) == 500
    assert found.metrics is not None
    assert found.metrics.num_tool_results == 500 * 18 or len(found.messages) >= 1000


@pytest.mark.parametrize("wanted", [True, False])
def test_two_hundred_conversations_lose_no_turn(wanted: bool, tmp_path: Path) -> None:  # noqa: FBT001 - by id or all
    with served(SimulatorSettings(mode=Mode.V1, rate_scale=50.0, faults=(REFUSED,))) as (simulator, url):
        for number in range(200):
            simulator.add_runs(PROJECT, conversation(f"t-{number}", turns=3, fillers=2))
        one = client(url, tmp_path)
        summaries = one.list_conversations(limit=None)
        found = one.import_conversations(summaries if wanted else None)
        asked = sum(request.path.endswith("/runs/query") for request in simulator.requests)
        refused = sum(request.status == 429 for request in simulator.requests)
    assert len(found) == len(summaries) == 200
    assert {one.task.num_turns for one in found} == {3}
    assert {one.task.total_tokens for one in found} == {45}
    assert refused > 0
    assert asked - refused < 100, "far fewer than one a conversation"
    assert run_id("t-0", 0) in {trace for one in found for trace in one.origin.trace_ids}
