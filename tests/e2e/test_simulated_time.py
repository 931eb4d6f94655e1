"""Months, storms and lags in simulated time (reliability.md T12, rows 11 and 12)."""

import random
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from e2e.running import each_revision_once
from e2e.simulated_time import BEGIN, DELIVERY, PROJECT, READING, clock_at, following, newest, simulated, talk, turn
from support.published import lines_in
from trajworker import wiring
from trajworker.config.settings import IntakeSettings, Settings, SourceSettings, WorkerSettings
from trajworker.events import ConversationEmitted, Event, LateFound, RunQuarantined, RunsRecovered
from trajworker.ports import SlicePurpose
from trajworker.simulator import Fault, Reveal, Simulator, SimulatorSettings
from trajworker.simulator.faults import Answer
from trajworker.sources.asking.settings import Retries

DAYS = 30
HOUR_S = 3600.0
SMALL_PAGE = 5
"""Far less than there is, so that what came late is not on the page that is read anyway."""
UNSTEADY = (
    Reveal(share=0.03, final_s=30 * HOUR_S, after_own_times=True),
    Reveal(share=0.06, final_s=3 * HOUR_S, after_own_times=True),
    Reveal(share=0.15, pending_s=60.0, final_s=900.0, after_own_times=True),
    Reveal(final_s=30.0, after_own_times=True),
)
"""Of a hundred runs three show after more than a day, three after hours; some show pending first."""
AT_ONCE = replace(DELIVERY, finish=replace(DELIVERY.finish, idle=timedelta(0)))


@pytest.mark.slow
async def test_a_month_of_following_says_what_one_backfill_at_the_end_says(tmp_path: Path) -> None:
    chance = random.Random(20260101)
    clock = clock_at(BEGIN)
    simulator = Simulator(SimulatorSettings(reveal=UNSTEADY), now_s=clock)
    end = BEGIN + timedelta(days=DAYS + 3)
    runs = list(talk(DAYS, 6, chance))
    async with simulated(simulator, runs) as url:
        async with following(url, clock, tmp_path / "daily", READING, page_size=SMALL_PAGE) as daily:
            await daily.follow(end, timedelta(hours=1))
            await daily.step()
        requests = len(simulator.requests)
        async with following(url, clock, tmp_path / "at once", READING) as backfill:
            await backfill.step()
    incremental, whole = newest(daily.out), newest(backfill.out)
    assert sorted(incremental) == sorted(whole), "missing"
    assert incremental == whole, "stale"
    said = [(line["task"]["conversation_id"], line.get("revision", 1)) for line in lines_in(daily.out)]
    assert each_revision_once(said)
    late = [event for event in daily.events if isinstance(event, LateFound) and event.purpose == SlicePurpose.DEEP_SCAN]
    assert late, "the deep scan tells how late the late ones were"
    assert 24 * HOUR_S < max(event.late_s for event in late) < 60 * HOUR_S
    cycles, scans = (DAYS + 3) * 24, (DAYS + 3) * len(runs) / SMALL_PAGE
    assert requests <= 3 * cycles + scans


async def test_jobs_that_are_started_each_hour_find_within_a_day_what_came_late_deep_in_the_past(
    tmp_path: Path,
) -> None:
    job = wiring.reading(
        Settings(source=SourceSettings(since=BEGIN), worker=WorkerSettings(once=True), intake=IntakeSettings()), BEGIN
    )
    clock = clock_at(BEGIN + timedelta(days=20))
    simulator = Simulator(now_s=clock)
    runs = list(talk(20, 6, random.Random(4)))
    late = turn(5_000, BEGIN + timedelta(days=3), "late")
    found = []
    async with simulated(simulator, runs) as url:
        for hour in range(26):
            async with following(url, clock, tmp_path, job, page_size=SMALL_PAGE) as worker:
                asked = len(simulator.requests)
                await worker.step()
            found.append((len(simulator.requests) - asked, "late" in newest(worker.out)))
            if hour == 0:
                simulator.add_runs(PROJECT, [late])
            clock.advance(HOUR_S)
    first = [there for _, there in found].index(True)
    assert first == 23
    asked_of_info = 1
    assert all(requests <= 3 + asked_of_info for hour, (requests, _) in enumerate(found) if hour not in {0, first})


def emitted(events: list[Event]) -> set[str]:
    return {event.conversation_id for event in events if isinstance(event, ConversationEmitted)}


async def test_a_run_that_a_bad_hour_held_back_is_told_once_the_hour_is_over(tmp_path: Path) -> None:
    clock = clock_at(BEGIN + timedelta(days=1))
    simulator = Simulator(now_s=clock)
    runs = [turn(number, BEGIN + timedelta(minutes=number), f"t{number}") for number in range(10)]
    failing = Answer(status=500, body="{}")
    simulator.script(
        Fault(path="*/runs/query", body_contains=runs[3]["id"], effect=failing),
        Fault(path="*/runs/query", body_contains="INPUTS", effect=failing, times=Retries().page_attempts),
    )
    async with (
        simulated(simulator, runs) as url,
        following(url, clock, tmp_path, replace(READING, settle=timedelta(0)), AT_ONCE) as worker,
    ):
        assert not await worker.step()
        assert runs[3]["thread_id"] not in emitted(worker.events)
        assert len(emitted(worker.events)) == len(runs) - 1
        simulator.script()
        clock.advance(HOUR_S)
        assert not await worker.step()
        assert len(emitted(worker.events)) == len(runs)
    observed = [type(event) for event in worker.events if isinstance(event, RunQuarantined | RunsRecovered)]
    assert observed == [RunQuarantined, RunsRecovered]


async def test_a_day_of_lag_delays_and_loses_nothing(tmp_path: Path) -> None:
    clock = clock_at(BEGIN)
    lag = Reveal(final_s=24 * HOUR_S, after_own_times=True)
    simulator = Simulator(SimulatorSettings(reveal=(lag,)), now_s=clock)
    runs = list(talk(2, 20, random.Random(2)))
    async with (
        simulated(simulator, runs) as url,
        following(url, clock, tmp_path, READING, page_size=100) as worker,
    ):
        await worker.follow(BEGIN + timedelta(days=5), timedelta(hours=4))
    messages = sum(len(line["messages"]) for line in newest(worker.out).values())
    assert messages == 2 * len(runs)


async def test_a_storm_of_429_and_every_second_answer_a_500_cost_at_most_two_and_a_half_times_the_requests(
    tmp_path: Path,
) -> None:
    clock = clock_at(BEGIN + timedelta(days=1))
    simulator = Simulator(SimulatorSettings(seed=7), now_s=clock)
    runs = [turn(number, BEGIN + timedelta(seconds=number), f"t{number // 4}") for number in range(2000)]
    storm = Fault(path="*/runs/query", effect=Answer(status=429, body="{}"))
    flaky = Fault(path="*/runs/query", effect=Answer(status=500, body="{}"), probability=0.5)
    simulator.script(storm)
    over = clock() + 1800
    weather = [flaky]

    def change() -> None:
        if weather and clock() >= over:
            simulator.script(weather.pop())

    reading = replace(READING, settle=timedelta(0))
    page = 5
    async with (
        simulated(simulator, runs) as url,
        following(url, clock, tmp_path, reading, AT_ONCE, page_size=page, on_wait=change) as worker,
    ):
        while await worker.step():  # a daemon goes on where it stood
            clock.advance(60)
    assert not weather
    ideal = len(runs) / page
    assert len(simulator.requests) <= 2.5 * ideal
    assert sum(len(line["messages"]) for line in newest(worker.out).values()) == 2 * len(runs)
