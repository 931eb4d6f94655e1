"""Row 74: settings that changed between runs are refused until they are adopted, and never split what is published."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from matrix.workspace import Workspace, settings_for, turn, work
from support.published import lines_in
from support.scripted_server import scripted
from trajworker.config.settings import Settings
from trajworker.errors import ConfigError
from trajworker.sinks import verify

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
