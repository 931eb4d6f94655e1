"""A whole project, imported again and again: what came or ended meanwhile is in it, however long ago it began."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.library import PROJECT, START, client, conversation, later, served
from trajworker.simulator import ManualClock


def one_turn(name: str, began: timedelta, ended: timedelta) -> list[dict[str, Any]]:
    """The runs of a conversation that began and ended so long ago."""
    now = datetime.now(UTC)
    start, end = ((now - ago).replace(tzinfo=None) for ago in (began, ended))
    rows = conversation(name, turns=1)
    return [
        row | {"start_time": start.isoformat(), "end_time": end.isoformat(), "dotted_order": _order(row, start)}
        for row in rows
    ]


def _order(row: dict[str, Any], start: datetime) -> str:
    segment = f"{start:%Y%m%dT%H%M%S%fZ}"
    root = f"{segment}{row['trace_id']}"
    return root if row["id"] == row["trace_id"] else f"{root}.{segment}{row['id']}"


def test_a_run_that_ended_before_an_import_and_shows_after_it_is_in_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAJWORKER_SOURCE_PAGE_SIZE", "4")
    minute = timedelta(minutes=1)
    with served() as (simulator, url):
        for number in range(20):
            ago = (number * 60 + 1) * minute
            simulator.add_runs(PROJECT, one_turn(f"t{number}", ago, ago))
        one = client(url, tmp_path)
        before = one.import_conversations()
        simulator.add_runs(PROJECT, one_turn("late", 600 * minute, 2 * minute))
        after = one.import_conversations()
    assert len(before) == 20
    assert {each.task.conversation_id for each in after} - {each.task.conversation_id for each in before} == {"late"}


@pytest.mark.parametrize(("lookback", "found"), [("24h", {"late"}), (None, set())], ids=["24h", "default"])
def test_a_repeated_import_reads_again_as_far_back_as_intake_lookback_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lookback: str | None, found: set[str]
) -> None:
    monkeypatch.setenv("TRAJWORKER_SOURCE_PAGE_SIZE", "4")
    if lookback is not None:
        monkeypatch.setenv("TRAJWORKER_INTAKE_LOOKBACK", lookback)
    hour = timedelta(hours=1)
    with served() as (simulator, url):
        for number in range(20):
            ago = (number + 1) * hour / 2
            simulator.add_runs(PROJECT, one_turn(f"t{number}", ago, ago))
        one = client(url, tmp_path)
        before = {each.task.conversation_id for each in one.import_conversations()}
        simulator.add_runs(PROJECT, one_turn("late", 8 * hour, 8 * hour))
        after = {each.task.conversation_id for each in one.import_conversations()}
    assert after - before == found


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=1)], ids=["this second", "a producer's clock"])
@pytest.mark.parametrize("stage", [True, False])
def test_a_project_is_imported_with_all_that_is_in_it_at_that_moment(
    tmp_path: Path, ahead: timedelta, *, stage: bool
) -> None:
    """The server tells its clock in whole seconds, so that it seems up to a second behind what it has."""
    began = START + timedelta(seconds=0.9)
    clock = ManualClock(began.timestamp())
    with served(now_s=clock) as (simulator, url):
        one = client(url, tmp_path)
        simulator.add_runs(PROJECT, later(conversation("first", turns=1), timedelta(seconds=0.5)))
        assert [each.task.num_turns for each in one.import_conversations(stage=stage)] == [1]
        simulator.add_runs(PROJECT, later(conversation("second", turns=1), began - START + ahead))
        assert {each.task.conversation_id for each in one.import_conversations(stage=stage)} == {"first", "second"}
        clock.advance(2)
        assert len(one.import_conversations(stage=stage)) == 2
