"""Which files staging makes, which it refuses, and how older ones are brought up to date."""

import os
import re
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from support.staged import a_page, a_run
from trajworker.errors import ConfigError, PathNotAllowed, StagingDamaged, StagingError, StagingTooNew
from trajworker.staging import open_staging, read_figures
from trajworker.staging.database import open_database
from trajworker.staging.migrations import Migration, migrations

NEXT = migrations()[-1].number + 1


async def a_file(path: Path) -> Path:
    async with open_staging(path) as staging:
        await staging.stage(a_page([a_run("a")], 1))
    return path


def altered(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


async def test_only_the_owner_can_read_what_is_staged(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er"
    async with open_staging(folder / "s.db") as staging:
        await staging.stage(a_page([a_run("a")], 1))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == dict.fromkeys(("s.db", "s.db-wal", "s.db-shm", "s.db.lock"), 0o600)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_memory_touches_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_staging(":memory:") as staging:
        await staging.stage(a_page([a_run("a")], 1))
    assert list(tmp_path.iterdir()) == []


async def test_an_sqlite_that_is_too_old_is_refused_with_what_to_do_before_any_file_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await a_file(tmp_path / "there.db")
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.36.0")
    with pytest.raises(ConfigError, match=r"SQLite 3\.36\.0, and staging needs 3\.37 or later: use"):
        await a_file(tmp_path / "new" / "s.db")
    with pytest.raises(ConfigError):
        read_figures(there)
    assert not (tmp_path / "new").exists()


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no database at all" * 100)


def _other_program(path: Path) -> None:
    path.unlink()
    altered(path, "CREATE TABLE t (x)")


def _trigger(path: Path) -> None:
    altered(path, "CREATE TRIGGER evil AFTER INSERT ON run BEGIN DELETE FROM emission; END")


def _view(path: Path) -> None:
    altered(path, "DROP TABLE mark", "CREATE VIEW mark AS SELECT 1 AS project, 'x' AS name, 2 AS at")


def _zeroed_page(path: Path) -> None:
    altered(path, "UPDATE owner SET clean = 0")
    with path.open("r+b") as file:
        file.seek(16384)
        file.write(b"\xff" * 16384 * 3)


@pytest.mark.parametrize("damage", [_garbage, _other_program, _trigger, _view, _zeroed_page])
async def test_a_foreign_or_damaged_file_is_refused_and_left_untouched(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = await a_file(tmp_path / "s.db")
    damage(path)
    before = path.read_bytes()
    with pytest.raises(StagingDamaged, match=re.escape(str(path))):
        async with open_staging(path):
            pass
    assert path.read_bytes() == before


async def test_a_comment_in_the_schema_may_change(tmp_path: Path) -> None:
    path = await a_file(tmp_path / "s.db")
    (first,) = migrations()[:1]
    reworded = Migration(first.number, first.sql.replace("--", "-- as ever:"))
    async with open_database(path, [reworded, *migrations()[1:]]):
        pass


async def test_a_file_of_a_newer_release_is_refused_and_left_untouched(tmp_path: Path) -> None:
    path = await a_file(tmp_path / "s.db")
    altered(path, "PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(StagingTooNew, match="schema 99"):
        async with open_staging(path):
            pass
    assert path.read_bytes() == before


async def test_an_older_file_is_copied_and_brought_up_to_date(tmp_path: Path) -> None:
    path = await a_file(tmp_path / "s.db")
    newer = [*migrations(), Migration(NEXT, "ALTER TABLE run ADD COLUMN colour TEXT;")]
    async with open_database(path, newer) as database:
        colours = await database.read(lambda connection: connection.execute("SELECT colour FROM run").fetchall())
    assert colours == [(None,)]
    copy = tmp_path / f"s.db.before-{NEXT:04}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert read_figures(copy).projects[0].runs == 1
    with pytest.raises(StagingTooNew):
        async with open_staging(path):
            pass


async def test_a_migration_that_breaks_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = await a_file(tmp_path / "s.db")
    change = "ALTER TABLE run ADD COLUMN colour TEXT; INSERT INTO nowhere VALUES (1);"
    broken = [*migrations(), Migration(NEXT, change)]
    with pytest.raises(StagingError):
        async with open_database(path, broken):
            pass
    async with open_staging(path) as staging:
        assert (await staging.stage(a_page([a_run("a")], 2))).changed == 0


async def test_links_are_not_followed(tmp_path: Path) -> None:
    victim = await a_file(tmp_path / "victim.db")
    for name in ("s.db", "s.db-wal", "s.db.lock", "s.db.reserve"):
        folder = tmp_path / name.replace(".", "_")
        folder.mkdir()
        (folder / name).symlink_to(victim)
        with pytest.raises(PathNotAllowed, match="link"):
            async with open_staging(folder / "s.db"):
                pass


async def test_a_folder_open_to_everybody_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(PathNotAllowed, match="writable by everybody"):
        async with open_staging(tmp_path / "s.db"):
            pass
    tmp_path.chmod(0o1777)
    await a_file(tmp_path / "s.db")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of others")
async def test_what_belongs_to_others_is_refused(tmp_path: Path) -> None:
    path = await a_file(tmp_path / "s.db")
    os.chown(path, 12345, 12345)
    with pytest.raises(PathNotAllowed, match="uid 12345"):
        async with open_staging(path):
            pass


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", Path("/proc/x")):
        with pytest.raises(PathNotAllowed, match=f"{folder}.* name a") as refused:
            async with open_staging(folder / "s.db"):
                pass
        assert refused.value.exit_code == 78  # no rights are lacking


async def test_a_copy_taken_after_a_crash_opens_and_goes_on(tmp_path: Path) -> None:
    async with open_staging(tmp_path / "s.db") as staging:
        await staging.stage(a_page([a_run("a")], 1))
        crashed = tmp_path / "crashed"
        crashed.mkdir()
        for name in ("s.db", "s.db-wal"):
            shutil.copy(tmp_path / name, crashed / name)
    async with open_staging(crashed / "s.db") as staging:
        outcome = await staging.stage(a_page([a_run("a"), a_run("b")], 1))
        assert (outcome.changed, staging.epoch) == (1, 2)
