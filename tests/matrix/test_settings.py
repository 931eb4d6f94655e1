"""Row 74: settings that changed between runs are refused until they are adopted, and never split what is published."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from matrix.workspace import Workspace, settings_for, turn, work
from support.published import lines_in
from support.scripted_server import Received, Reply, json_reply, scripted
from trajworker.config.settings import RewardSettings, Settings
from trajworker.errors import ConfigError
from trajworker.ports import Aggregation
from trajworker.sinks import verify
from trajworker.staging import open_staging

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def into(settings: Settings, out: Path, *, adopt: bool) -> Settings:
    """The same settings with another folder."""
    return replace(settings, sink=replace(settings.sink, out=out), staging=replace(settings.staging, adopt=adopt))


async def test_settings_that_changed_are_refused_until_adopted(tmp_path: Path) -> None:
    workspace = Workspace([turn(1, NOW, "t1")], NOW + timedelta(hours=1))
    async with scripted(workspace) as server:
        settings = settings_for(server.url, tmp_path)
        assert (await work(settings))[0] == 0
        moved = tmp_path / "moved"
        with pytest.raises(ConfigError, match=r"sink.out was .*out' and is .*moved'.*--adopt"):
            await work(into(settings, moved, adopt=False))
        with pytest.raises(ConfigError, match=r"lie in .*out .*move all of them to .*moved"):
            await work(into(settings, moved, adopt=True))
        assert (await work(settings))[0] == 0, "nothing was changed by what was refused"
        shutil.move(tmp_path / "out", moved)
        workspace.fake.rows.append(turn(2, NOW, "t2"))
        assert (await work(into(settings, moved, adopt=True)))[0] == 0
        assert (await work(into(settings, moved, adopt=False)))[0] == 0
    told = [(line["task"]["conversation_id"], line.get("revision", 1)) for line in lines_in(moved)]
    assert sorted(told) == [("t1", 1), ("t2", 1)]
    assert verify(moved).problems == ()


async def test_staging_that_was_begun_with_another_spelling_of_its_server_goes_on(tmp_path: Path) -> None:
    workspace = Workspace([turn(1, NOW, "t1")], NOW + timedelta(hours=1))
    async with scripted(workspace) as server:
        settings = settings_for(server.url, tmp_path)
        assert (await work(settings))[0] == 0
        async with open_staging(settings.staging.file) as staging:
            await staging.pin_settings({"source.endpoint": f"{server.url}/api/v1"})
        assert (await work(settings))[0] == 0
        async with open_staging(settings.staging.file) as staging:
            assert await staging.altered({"source.endpoint": server.url}) == {}


def scored(request: Received) -> Reply | None:
    """Two pieces of feedback on whatever run is asked about."""
    if "/feedback" not in request.path:
        return None
    asked = [value for name, value in request.params if name == "run"]
    return json_reply(
        [{"id": f"{key}-{run}", "key": key, "run_id": run, "score": score} for run in asked for key, score in SCORES]
    )


SCORES = (("good", 1.0), ("fast", 0.0))
HAS_FEEDBACK = {"feedback_stats": {key: {"n": 1, "avg": score} for key, score in SCORES}}


async def test_adopted_rewards_hold_from_the_next_revision_on_and_leave_what_was_told(tmp_path: Path) -> None:
    workspace = Workspace([turn(1, NOW, "t1", **HAS_FEEDBACK)], NOW + timedelta(hours=1))
    workspace.fake.spoil = scored
    async with scripted(workspace) as server:
        settings = settings_for(server.url, tmp_path)
        await work(settings)
        asked = replace(settings, reward=RewardSettings(aggregation=Aggregation.MAX))
        with pytest.raises(ConfigError, match="--adopt, which leaves the lines told so far as they are"):
            await work(asked)
        asked = replace(asked, staging=replace(asked.staging, adopt=True))
        assert (await work(asked))[0] == 0
        assert [line["reward"]["aggregated_value"] for line in lines_in(tmp_path / "out")] == [0.5]
        workspace.fake.rows.insert(0, turn(0, NOW, "t1", **HAS_FEEDBACK))
        await work(asked)
    told = [(line["revision"], line["reward"]["aggregated_value"]) for line in lines_in(tmp_path / "out")]
    assert told == [(1, 0.5), (2, 1.0)]
