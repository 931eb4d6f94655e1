import datetime as dt
from typing import Any

import httpx

from trajworker.simulator import ManualClock, Reveal, Simulator, SimulatorSettings, serve

NOW_S = 1_790_000_000.0


def stamp(offset_s: float) -> str:
    return dt.datetime.fromtimestamp(NOW_S + offset_s, dt.UTC).replace(tzinfo=None).isoformat()


def run(number: int, **fields: Any) -> dict[str, Any]:
    run_id = f"00000000-0000-0000-0000-{number:012d}"
    return {
        "id": run_id,
        "trace_id": run_id,
        "name": f"run {number}",
        "run_type": "chain",
        "status": "success",
        "start_time": stamp(number),
        "end_time": stamp(number + 5),
        "outputs": {"n": number},
        **fields,
    }


async def seen(simulator: Simulator) -> dict[str, str]:
    project = simulator.state.store.find_project("p")
    assert project is not None
    async with serve(simulator) as url, httpx.AsyncClient(base_url=url) as client:
        body = {"session": [project.id], "order": "asc", "select": ["outputs", "end_time"]}
        rows = (await client.post("/runs/query", json=body)).json()["runs"]
    return {row["name"]: row["status"] if row["outputs"] is None else "done" for row in rows}


async def test_runs_are_absent_then_pending_then_complete_then_gone() -> None:
    clock = ManualClock(NOW_S)
    rule = Reveal(filter='eq(name, "run 1")', pending_s=10, final_s=20, gone_s=30)
    simulator = Simulator(SimulatorSettings(reveal=(rule,)), now_s=clock)
    simulator.add_runs("p", [run(1), run(2)])
    history = []
    for _ in range(4):
        history.append(await seen(simulator))
        clock.advance(10)
    assert history == [
        {"run 2": "done"},
        {"run 1": "pending", "run 2": "done"},
        {"run 1": "done", "run 2": "done"},
        {"run 2": "done"},
    ]


async def test_a_late_row_lands_in_a_slice_that_was_read() -> None:
    clock = ManualClock(NOW_S)
    simulator = Simulator(now_s=clock)
    simulator.add_runs("p", [run(number) for number in range(4)])
    simulator.reveal(Reveal(filter='eq(name, "run 1")', final_s=60))
    assert list(await seen(simulator)) == ["run 0", "run 2", "run 3"]
    clock.advance(60)
    assert list(await seen(simulator)) == ["run 0", "run 1", "run 2", "run 3"]


async def test_runs_can_follow_their_own_times() -> None:
    clock = ManualClock(NOW_S)
    simulator = Simulator(
        SimulatorSettings(reveal=(Reveal(pending_s=1, final_s=2, after_own_times=True),)), now_s=clock
    )
    simulator.add_runs("p", [run(1), run(4)])
    assert await seen(simulator) == {}
    clock.advance(5)
    assert await seen(simulator) == {"run 1": "pending", "run 4": "pending"}
    clock.advance(3)
    assert await seen(simulator) == {"run 1": "done", "run 4": "pending"}
    clock.advance(3)
    assert await seen(simulator) == {"run 1": "done", "run 4": "done"}


async def test_what_is_ingested_shows_after_the_lag_and_its_patch_later() -> None:
    clock = ManualClock(NOW_S)
    simulator = Simulator(SimulatorSettings(visibility_lag_s=5, patch_lag_s=30), now_s=clock)
    begun = run(1, end_time=None, outputs=None) | {"session_name": "p"}
    simulator.intake.post(begun)
    simulator.intake.patch({"id": begun["id"], "end_time": stamp(3), "outputs": {"a": 1}})
    assert await seen(simulator) == {}
    clock.advance(5)
    assert await seen(simulator) == {"run 1": "pending"}
    clock.advance(25)
    assert await seen(simulator) == {"run 1": "done"}


async def test_a_share_of_the_runs_is_the_same_share_every_time() -> None:
    def hidden() -> list[str]:
        simulator = Simulator(SimulatorSettings(reveal=(Reveal(share=0.3, final_s=60),)), now_s=ManualClock(NOW_S))
        simulator.add_runs("p", [run(number) for number in range(100)])
        return [entry for entry in simulator.state.store.entries if simulator.state.visible(entry) is None]

    assert hidden() == hidden()
    assert 15 < len(hidden()) < 45


async def test_a_forgotten_trace_leaves_nothing_behind() -> None:
    simulator = Simulator(now_s=ManualClock(NOW_S))
    simulator.add_runs("p", [run(1), run(2)])
    simulator.forget_trace(run(1)["id"])
    assert await seen(simulator) == {"run 2": "done"}
