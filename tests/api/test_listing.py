"""Conversations are listed newest first and whole, however large the project is."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import trajworker as tj
from support.library import PROJECT, START, client, conversation, later, served
from trajworker.simulator import Mode, SimulatorSettings


def moved(thread: str, days: int, turns: int = 2) -> list[dict[str, Any]]:
    """A conversation that took place so many days later."""
    return later(conversation(thread, turns), timedelta(days=days))


@pytest.mark.parametrize("mode", list(Mode))
def test_the_newest_come_first_and_each_has_all_its_turns(mode: Mode, tmp_path: Path) -> None:
    with served(SimulatorSettings(mode=mode)) as (simulator, url):
        for number in range(60):
            simulator.add_runs(PROJECT, moved(f"t-{number}", number, turns=3))
        one = client(url, tmp_path)
        found = one.list_conversations()
        assert [each.conversation_id for each in found] == [f"t-{number}" for number in range(59, 9, -1)]
        assert {each.num_turns for each in found} == {3}
        assert len(one.list_conversations(limit=None)) == 60
        assert one.list_conversations(limit=0) == []
    assert found[0].root_run_names == ("chain",)
    assert found[0].last_seen == "2026-03-01T00:20:00+00:00"
    assert list(tmp_path.iterdir()) == [], "listing stages nothing"


def test_an_old_turn_of_a_conversation_seen_lately_is_counted_though_it_is_far_below(tmp_path: Path) -> None:
    with served(SimulatorSettings(mode=Mode.V1)) as (simulator, url):
        simulator.add_runs(PROJECT, conversation("long", turns=1))
        for number in range(150):
            simulator.add_runs(PROJECT, moved(f"t-{number}", 1))
        late = moved("long", 30, turns=2)
        simulator.add_runs(PROJECT, [row for row in late if row["trace_id"] != conversation("long", 1)[0]["id"]])
        (found,) = client(url, tmp_path).list_conversations(limit=1)
    assert (found.conversation_id, found.num_turns, found.first_seen) == ("long", 2, START.isoformat())


def test_since_and_until_bound_the_turns_that_count(tmp_path: Path) -> None:
    with served() as (simulator, url):
        for number in range(5):
            simulator.add_runs(PROJECT, moved(f"t-{number}", number))
        one = client(url, tmp_path)
        since, until = "2026-01-02", datetime(2026, 1, 4, tzinfo=UTC)
        assert [each.conversation_id for each in one.list_conversations(since=since, until=until)] == ["t-2", "t-1"]
        cut = START + timedelta(days=4, minutes=5)
        assert [each.num_turns for each in one.list_conversations(since=cut)] == [1]
        assert one.list_conversations(since=timedelta(minutes=1)) == []
        with pytest.raises(tj.ConfigError, match="since: write a time"):
            one.list_conversations(since="yesterday")
        with pytest.raises(tj.ConfigError, match="limit is a number"):
            one.list_conversations(limit=-1)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_thread_that_only_inner_runs_name_is_listed_by_trace_and_imported_as_that_thread(
    mode: Mode, tmp_path: Path
) -> None:
    rows = conversation("a", turns=1)
    rows[0] |= {"extra": {"metadata": {}}, "thread_id": None}
    with served(SimulatorSettings(mode=mode)) as (simulator, url):
        simulator.add_runs(PROJECT, rows)
        (listed,) = client(url, tmp_path).list_conversations()
        (imported,) = client(url, tmp_path).import_conversations(listed)
    assert (listed.conversation_id, imported.task.conversation_id) == (rows[0]["id"], "a")


@pytest.mark.parametrize("mode", list(Mode))
def test_bounds_at_the_ends_of_the_calendar_bound_nothing(mode: Mode, tmp_path: Path) -> None:
    first, last = datetime.min, datetime.max  # noqa: DTZ901 - without an offset, as users write them
    with served(SimulatorSettings(mode=mode)) as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a") + moved("old", -20_000))
        one = client(url, tmp_path)
        for since in (None, first, first.replace(tzinfo=timezone(timedelta(hours=14)))):
            for until in (None, last, last.replace(tzinfo=timezone(timedelta(hours=-12)))):
                found = one.list_conversations(since=since, until=until)
                assert [each.conversation_id for each in found] == ["a", "old"]
        assert one.list_conversations(since=last) == []
        assert one.list_conversations(until=first) == []
        with pytest.raises(tj.ConfigError, match="since is a time that no calendar has"):
            one.list_conversations(since=timedelta(days=999_999))


def test_what_was_configured_wrongly_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANGSMITH_API_KEY", raising=False)
    monkeypatch.delenv("LANGCHAIN_API_KEY", raising=False)
    with pytest.raises(tj.ConfigError, match="pass api_key, set LANGSMITH_API_KEY or LANGCHAIN_API_KEY"):
        tj.init(project_id="p")
    with pytest.raises(tj.ConfigError, match="unknown provider 'phoenix': there is 'langsmith'"):
        tj.init("phoenix", "k", "p")
    with pytest.raises(tj.ConfigError, match="no project"):
        tj.init(api_key="k")
    with pytest.raises(tj.ConfigError, match="endpoint"):
        tj.init(api_key="k", project_id="p", endpoint="ftp://x")
    monkeypatch.setenv("LANGCHAIN_API_KEY", "from-the-environment")
    assert isinstance(tj.init(project_id="p"), tj.Client)
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a"))
        with pytest.raises(tj.ProjectNotFound, match="Did you mean 'support-bot'"):
            client(url, tmp_path, "suport-bot").list_conversations()


def test_before_init_it_is_told_what_to_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trajworker.aio._clients", [])
    for call in (tj.list_conversations, tj.import_conversations, tj.iter_conversations):
        with pytest.raises(tj.NotInitialised, match="init"):
            call()


def test_a_key_stands_in_no_repr_and_no_error(tmp_path: Path) -> None:
    with served(SimulatorSettings(api_keys=("another",))) as (_, url):
        one = client(url, tmp_path)
        with pytest.raises(tj.NotAllowed) as told:
            one.list_conversations()
    assert "canary-key" not in str(told.value) + repr(one) + repr(vars(one))
