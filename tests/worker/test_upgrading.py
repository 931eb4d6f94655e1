"""What the next release finds: conversations that only the one before could not assemble."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from matrix.workspace import Workspace, said, settings_for, turn, work
from support.scripted_server import scripted
from trajworker import wiring
from trajworker.assembly.conversation import Conversation

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def a_bug(*_: object) -> None:
    """Every conversation is too much for this release."""
    raise RecursionError


async def test_what_failed_by_a_fault_of_a_release_is_assembled_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace([turn(1, NOW)], NOW + timedelta(hours=1))
    async with scripted(workspace) as server:
        settings = settings_for(server.url, tmp_path)
        with monkeypatch.context() as release:
            release.setattr(Conversation, "fold", a_bug)
            assert (await work(settings))[0] == 65
        assert (await work(settings))[0] == 65, "by the same release nothing else is to be expected"
        assert said(tmp_path) == []
        monkeypatch.setattr(wiring, "__version__", "next")
        assert (await work(settings))[0] == 0
    assert said(tmp_path) == [("t", 1)]
