"""A source that takes runs away, moves them, and refuses one project of two (rows 2, 3, 32, 39, 43)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from matrix.workspace import PROJECT, Workspace, contents, of_kind, said, settings_for, turn, work
from support.published import lines_in
from support.scripted_server import Received, Reply, json_reply, scripted
from trajworker.config.settings import Settings
from trajworker.errors import EXIT_NOT_ALLOWED, EXIT_RETRY
from trajworker.events import ConversationHeld, ProjectFailed

NOW = datetime(2026, 11, 1, tzinfo=UTC)
OTHER = "5c2f068c-7d6b-4935-9723-e0824319f617"


def looking_back(url: str, folder: Path) -> Settings:
    """Every cycle reads the last month again."""
    settings = settings_for(url, folder)
    return replace(settings, intake=replace(settings.intake, lookback=timedelta(days=30)))


async def test_a_project_that_is_refused_does_not_stop_the_others(tmp_path: Path) -> None:
    workspace = Workspace([turn(number, NOW, f"t{number}") for number in range(5)], NOW + timedelta(hours=1))

    def answer(request: Received) -> Reply:
        if "/sessions" in request.path:
            return json_reply([{"id": OTHER, "name": "locked"}, {"id": PROJECT, "name": "p"}])
        if OTHER.encode() in request.body:
            return json_reply({"detail": "Forbidden"}, 403)
        return workspace(request)

    async with scripted(answer) as server:
        settings = settings_for(server.url, tmp_path)
        both = replace(settings, source=replace(settings.source, projects=("locked", "p")))
        code, told = await work(both)
    assert code == EXIT_RETRY
    assert [failed.exit_code for failed in of_kind(told, ProjectFailed)] == [EXIT_NOT_ALLOWED]
    assert len(said(tmp_path)) == 5


async def test_a_listed_run_that_is_gone_when_asked_for_again_stops_nothing(tmp_path: Path) -> None:
    """Pending when listed, unknown by id afterwards, as where the generations of the API disagree (row 3)."""
    never_ended = turn(1, NOW, "gone", status="PENDING", end_time=None)
    workspace = Workspace([never_ended, turn(2, NOW, "here")], NOW + timedelta(hours=2))
    async with scripted(workspace) as server:
        settings = looking_back(server.url, tmp_path)
        code, told = await work(settings)
        assert (code, said(tmp_path)) == (0, [("here", 1)])
        workspace.fake.rows = [row for row in workspace.fake.rows if row["thread_id"] == "here"]
        workspace.now += timedelta(days=2)
        for _ in range(2):
            code, told = await work(settings)
            assert code == 0
    assert said(tmp_path) == [("here", 1)]
    assert [held.conversation_id for held in of_kind(told, ConversationHeld)] == ["gone"]


async def test_what_is_deleted_at_the_source_stays_delivered(tmp_path: Path) -> None:
    workspace = Workspace([turn(1, NOW, "a"), turn(2, NOW, "b")], NOW + timedelta(hours=1))
    async with scripted(workspace) as server:
        settings = looking_back(server.url, tmp_path)
        await work(settings)
        workspace.fake.rows = []
        assert (await work(settings))[0] == 0
    assert sorted(said(tmp_path)) == [("a", 1), ("b", 1)]


async def test_a_pending_run_that_ended_between_two_cycles_is_delivered_once(tmp_path: Path) -> None:
    workspace = Workspace([turn(1, NOW, "a", status="PENDING", end_time=None)], NOW + timedelta(hours=1))
    async with scripted(workspace) as server:
        settings = looking_back(server.url, tmp_path)
        await work(settings)
        assert said(tmp_path) == []
        workspace.fake.rows = [turn(1, NOW, "a")]
        for _ in range(3):
            await work(settings)
    assert said(tmp_path) == [("a", 1)]


@pytest.mark.parametrize("kept", ["a", "b"])
async def test_a_run_that_bridges_two_threads_makes_a_revision_of_one_and_a_tombstone_of_the_other(
    tmp_path: Path, kept: str
) -> None:
    workspace = Workspace([turn(2, NOW, "a"), turn(1, NOW, "b")], NOW + timedelta(hours=1))
    async with scripted(workspace) as server:
        settings = looking_back(server.url, tmp_path)
        await work(settings)
        workspace.fake.rows = [turn(1, NOW, kept), turn(2, NOW, kept)]
        workspace.now += timedelta(hours=1)
        for _ in range(2):
            assert (await work(settings))[0] == 0
    emptied = "b" if kept == "a" else "a"
    assert sorted(said(tmp_path)) == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    last = {line["task"]["conversation_id"]: line for line in lines_in(tmp_path / "out") if line.get("revision") == 2}
    assert contents(last[kept]) == ["question 1", "answer 1", "question 2", "answer 2"]
    assert last[emptied].get("messages", []) == []
