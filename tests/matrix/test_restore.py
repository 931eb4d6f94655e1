"""T11: a copy of staging, taken while a worker was at work and restored elsewhere, goes on without a repetition."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from msgspec.structs import replace

from matrix.workspace import Workspace, said, settings_for, turn, work
from support.scripted_server import Received, Reply, scripted
from trajworker.config.settings import Settings
from trajworker.errors import SinkError
from trajworker.events import ConversationEmitted, Event
from trajworker.sinks import repair, verify
from trajworker.staging import open_staging
from trajworker.wiring import run_worker

NOW = datetime(2026, 11, 1, tzinfo=UTC)
CONVERSATIONS = 60
A_CYCLE = 5
SEAL_LINES = 12


class Growing(Workspace):
    """A project to which a few conversations are added each time it is read."""

    def __init__(self) -> None:
        super().__init__([], NOW)
        self.added = 0

    def __call__(self, request: Received) -> Reply:
        if request.path.endswith("/runs/query") and "cursor" not in request.asked:
            for _ in range(A_CYCLE if self.added < CONVERSATIONS else 0):
                self.fake.rows.insert(0, turn(self.added, NOW + timedelta(seconds=self.added), f"t{self.added}"))
                self.added += 1
            self.now = NOW + timedelta(seconds=self.added + 1)
        return super().__call__(request)


def following(url: str, folder: Path) -> Settings:
    """Cycle after cycle without a pause; small files."""
    settings = settings_for(url, folder)
    return replace(
        settings,
        worker=replace(settings.worker, once=False),
        intake=replace(settings.intake, poll=timedelta(milliseconds=10), lookback=timedelta(days=1)),
        sink=replace(settings.sink, seal_lines=SEAL_LINES),
    )


def back_up(staging: Path, copy: Path) -> None:
    """What an operator's script does: SQLite's online backup, page by page, from a connection that only reads."""
    copy.parent.mkdir(mode=0o700, parents=True)
    with (
        closing(sqlite3.connect(f"{staging.as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target, pages=8)
    copy.chmod(0o600)


def published_then(copy: Path) -> list[str]:
    """Names of the files that were published when the copy was taken."""
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [name for (name,) in connection.execute("SELECT name FROM part WHERE state = 'published'")]


async def work_until_lost(settings: Settings, copy: Path, backup_after: int) -> None:
    """Follow, take a copy on the way, and lose the machine some time afterwards."""
    emitted: list[Event] = []

    def observer(event: Event) -> None:
        if isinstance(event, ConversationEmitted):
            emitted.append(event)
            if len(emitted) == backup_after:
                back_up(settings.staging.file, copy)
            if len(emitted) == backup_after + SEAL_LINES:
                machine.cancel()

    with anyio.CancelScope() as machine:
        await run_worker(settings, observer)
    assert copy.exists()


@pytest.mark.parametrize("backup_after", [1, 14, 25, 41])
async def test_what_a_restored_copy_publishes_is_everything_once(tmp_path: Path, backup_after: int) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    async with scripted(Growing()) as server:
        await work_until_lost(following(server.url, old), new / "staging" / "s.db", backup_after)
        (new / "out").mkdir(mode=0o700)
        for name in published_then(new / "staging" / "s.db"):
            for suffix in ("", ".manifest.json"):
                shutil.copy(old / "out" / f"{name}{suffix}", new / "out" / f"{name}{suffix}")
        async with open_staging(new / "staging" / "s.db") as staging:
            repaired = await repair(new / "out", staging)
        settings = settings_for(server.url, new)
        moved = replace(settings, staging=replace(settings.staging, adopt=True))
        while len(said(new)) < CONVERSATIONS:
            before = said(new)
            code, _ = await work(moved)
            assert code == 0
            assert len(said(new)) > len(before)
    assert repaired.gone_for_good == 0
    assert sorted(said(new)) == sorted((f"t{number}", 1) for number in range(CONVERSATIONS))
    assert verify(new / "out").problems == ()


async def test_a_restored_copy_is_refused_beside_files_that_it_does_not_know(tmp_path: Path) -> None:
    """Files published after the copy was taken are never overwritten nor repeated in silence."""
    folder, copy = tmp_path / "here", tmp_path / "copy" / "s.db"
    async with scripted(Growing()) as server:
        await work_until_lost(following(server.url, folder), copy, 14)
        before: dict[str, Any] = {path.name: path.read_bytes() for path in (folder / "out").glob("[!.]*")}
        for path in (folder / "staging").iterdir():
            path.unlink()
        shutil.copy(copy, folder / "staging" / "s.db")
        with pytest.raises(SinkError, match="not written from this staging file"):
            await work(settings_for(server.url, folder))
    assert {path.name: path.read_bytes() for path in (folder / "out").glob("[!.]*")} == before
