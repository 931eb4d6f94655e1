"""Clocks that are wrong, times that cannot be, and threads that outlive months (rows 38, 40, 42)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from matrix.workspace import Workspace, of_kind, said, settings_for, turn, waiting, work
from support.published import lines_in
from support.scripted_server import scripted
from trajworker.events import ConversationHeld

IDLE = timedelta(minutes=30)
SETTLE = timedelta(minutes=10)


@pytest.mark.parametrize(
    "server_ahead", [timedelta(minutes=10), -timedelta(minutes=10), timedelta(hours=1), -timedelta(hours=1)]
)
async def test_a_host_clock_that_is_wrong_delivers_nothing_early_and_nothing_late(
    tmp_path: Path, server_ahead: timedelta
) -> None:
    now = datetime.now(UTC) + server_ahead
    quiet, busy = now - IDLE - SETTLE - timedelta(minutes=1), now - IDLE + timedelta(minutes=5)
    workspace = Workspace([turn(1, quiet, "quiet"), turn(2, busy, "busy")], now)
    async with scripted(workspace) as server:
        code, told = await work(waiting(settings_for(server.url, tmp_path), idle=IDLE, settle=SETTLE))
    assert code == 0
    assert said(tmp_path) == [("quiet", 1)]
    assert [event.conversation_id for event in of_kind(told, ConversationHeld)] == ["busy"]


@pytest.mark.parametrize("server_ahead", [timedelta(days=1), -timedelta(days=1)])
async def test_an_age_counts_back_from_the_time_of_the_server(tmp_path: Path, server_ahead: timedelta) -> None:
    now = datetime.now(UTC) + server_ahead
    workspace = Workspace([turn(1, now - timedelta(hours=3), "old"), turn(2, now - timedelta(hours=1), "new")], now)
    async with scripted(workspace) as server:
        settings = settings_for(server.url, tmp_path)
        asked = structs.replace(settings, source=structs.replace(settings.source, since=timedelta(hours=2)))
        assert (await work(asked))[0] == 0
    assert said(tmp_path) == [("new", 1)]


async def test_a_server_clock_that_goes_back_an_hour_loses_and_repeats_nothing(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    workspace = Workspace([turn(1, now - timedelta(hours=3), "a"), turn(2, now - timedelta(minutes=50), "b")], now)
    async with scripted(workspace) as server:
        settings = settings_for(server.url, tmp_path)
        assert (await work(settings))[0] == 0
        workspace.now = now - timedelta(hours=1)
        assert (await work(settings))[0] == 0
        workspace.now = now + timedelta(minutes=1)
        workspace.fake.rows.insert(0, turn(3, now, "c"))
        assert (await work(settings))[0] == 0
    assert sorted(said(tmp_path)) == [("a", 1), ("b", 1), ("c", 1)]


ODD_TIMES: list[dict[str, Any]] = [
    {"end_time": "2020-01-01T00:00:00Z"},
    {"end_time": "2016-12-31T23:59:60Z"},
    {"first_token_time": "0001-01-01T00:00:00Z"},
]


async def test_runs_with_times_that_cannot_be_are_delivered_with_the_others(tmp_path: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [turn(number, at, f"odd {number}", **odd) for number, odd in enumerate(ODD_TIMES)]
    workspace = Workspace([*rows, turn(9, at, "plain")], at + timedelta(days=1))
    async with scripted(workspace) as server:
        code, _ = await work(settings_for(server.url, tmp_path))
    assert sorted(said(tmp_path)) == [(f"odd {number}", 1) for number in range(3)] + [("plain", 1)], code


async def test_a_run_that_claims_to_end_in_the_far_future_is_delivered_too(tmp_path: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    async with scripted(Workspace([turn(1, at, end_time="9999-12-31T23:59:59Z")], at + timedelta(days=1))) as server:
        assert (await work(settings_for(server.url, tmp_path)))[0] == 0
    assert said(tmp_path) == [("t", 1)]


async def test_a_thread_over_six_months_is_revised_each_time(tmp_path: Path) -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    workspace = Workspace([], begun)
    async with scripted(workspace) as server:
        settings = settings_for(server.url, tmp_path)
        for month in range(6):
            at = begun + timedelta(days=31 * month)
            workspace.now = at + timedelta(hours=1)
            workspace.fake.rows.insert(0, turn(month + 1, at, "long"))
            assert (await work(settings))[0] == 0
    lines = list(lines_in(tmp_path / "out"))
    assert said(tmp_path) == [("long", number) for number in range(1, 7)]
    assert [len(line["messages"]) for line in lines] == [2, 4, 6, 8, 10, 12]
