"""A transaction is whole or not at all, whatever is cancelled, replaced or full."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from support.looking import activities
from support.staged import a_page, a_run
from trajworker.errors import StagingBusy, StagingError, StagingFull
from trajworker.staging import open_staging, read_figures
from trajworker.staging.database import Database, open_database
from trajworker.staging.wal import CHECKPOINT_BYTES


def rows(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("SELECT count(*) FROM setting").fetchone()[0]
    return found


def write(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO setting SELECT hex(randomblob(8)), 'x'")


async def test_a_cancelled_writer_learns_the_outcome_and_leaves_nothing_open() -> None:
    async with open_database(":memory:") as database:
        done = False

        async def work() -> None:
            nonlocal done
            await database.write(slow_write)
            done = True

        with anyio.move_on_after(0.02):
            await work()
        assert done
        await database.write(write)
        assert await database.read(rows) == 2


def slow_write(connection: sqlite3.Connection) -> None:
    write(connection)
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) FROM n"
    )


async def test_a_body_that_raises_is_undone() -> None:
    def fail(connection: sqlite3.Connection) -> None:
        write(connection)
        raise ValueError

    async with open_database(":memory:") as database:
        with pytest.raises(ValueError):  # noqa: PT011 - any of ours would do
            await database.write(fail)
        assert await database.read(rows) == 0
        await database.write(write)
        assert await database.read(rows) == 1


async def test_many_tasks_may_write_at_once() -> None:
    async with open_database(":memory:") as database, anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(database.write, write)
    async with open_database(":memory:") as database:
        assert await database.read(rows) == 0


async def test_an_owner_that_was_taken_over_from_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    async with open_database(path) as database:
        other = sqlite3.connect(path)
        other.execute("UPDATE owner SET epoch = epoch + 1")
        other.commit()
        other.close()
        with pytest.raises(StagingBusy, match="took over"):
            await database.write(write)
        assert await database.read(rows) == 0


async def test_a_second_worker_is_refused_at_once(tmp_path: Path) -> None:
    async with open_staging(tmp_path / "s.db") as first:
        with pytest.raises(StagingBusy, match="another worker owns"):
            async with open_staging(tmp_path / "s.db"):
                pass
        assert (await first.stage(a_page([a_run("a")], 1))).changed == 1


async def test_each_opening_has_a_higher_epoch(tmp_path: Path) -> None:
    found = []
    for _ in range(3):
        async with open_staging(tmp_path / "s.db") as staging:
            found.append(staging.epoch)
    assert found == [1, 2, 3]


async def test_a_file_that_was_replaced_under_us_takes_no_commit(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    async with open_database(path) as database:
        await database.write(write)
        path.unlink()
        with pytest.raises(StagingError, match="removed or replaced"):
            await database.write(write)
        with pytest.raises(StagingError, match="nothing more is written"):
            await database.write(write)


async def test_after_a_failure_of_the_disk_nothing_more_is_written() -> None:
    def fail(_: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_IOERR_FSYNC, "SQLITE_IOERR_FSYNC"
        raise error

    async with open_database(":memory:") as database:
        with pytest.raises(StagingError):
            await database.write(fail)
        with pytest.raises(StagingError, match="nothing more is written"):
            await database.write(write)


async def test_a_full_disk_undoes_the_page_and_the_next_one_goes_on(tmp_path: Path) -> None:
    async with open_staging(tmp_path / "s.db") as staging:
        await staging.stage(a_page([a_run("a")], 1))
        limit = await staging._database.read(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
        await staging._database.read(lambda c: c.execute(f"PRAGMA max_page_count = {limit}").fetchall())
        big = a_run("b", outputs=b'"' + b"x" * 500_000 + b'"')
        with pytest.raises(StagingFull):
            await staging.stage(a_page([big], 2))
        assert len(await activities(staging)) == 1
        await staging._database.read(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchall())
        assert (await staging.stage(a_page([big], 2))).changed == 1
        assert len(await activities(staging)) == 2


async def test_the_log_stays_short_however_much_is_written(tmp_path: Path) -> None:
    body = b'"' + b"x" * 1_000_000 + b'"'
    async with open_staging(tmp_path / "s.db") as staging:
        longest = 0
        for number in range(80):
            await staging.stage(a_page([a_run(f"r{number}", outputs=body)], number))
            longest = max(longest, (tmp_path / "s.db-wal").stat().st_size)
    assert longest < CHECKPOINT_BYTES + 4_000_000


SETTINGS = {"synchronous": 2, "foreign_keys": 1, "trusted_schema": 0, "cell_size_check": 1, "mmap_size": 0}


async def test_the_file_is_opened_safely(tmp_path: Path) -> None:
    async with open_database(tmp_path / "s.db") as database:
        found = {name: await pragma(database, name) for name in (*SETTINGS, "journal_mode", "page_size", "auto_vacuum")}
    assert found == SETTINGS | {"journal_mode": "wal", "page_size": 16384, "auto_vacuum": 2}


async def pragma(database: Database, name: str) -> object:
    return await database.read(lambda connection: connection.execute(f"PRAGMA {name}").fetchone()[0])


LEAVING = """
import anyio, sys
from trajworker.staging import open_staging
async def main():
    async with open_staging(sys.argv[1]) as staging:
        {how}
anyio.run(main)
"""


@pytest.mark.parametrize("how", ["raise RuntimeError", "sys.exit(3)", "raise KeyboardInterrupt", "pass"])
def test_the_process_ends_whichever_way_the_file_is_left(tmp_path: Path, how: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LEAVING.format(how=how), tmp_path / "s.db"], timeout=20, capture_output=True, check=False
    )
    assert b"RuntimeError" in ended.stderr or ended.returncode in (0, 3, 1, -2, 130)


async def test_staging_can_be_looked_at_while_a_worker_is_at_work(tmp_path: Path) -> None:
    path = tmp_path / "looked.db"
    async with open_staging(path) as working:
        await working.stage(a_page([a_run("a")], 1))
        assert read_figures(path).projects[0].runs == 1
        await working.stage(a_page([a_run("b")], 2))
        assert read_figures(path).projects[0].runs == 2
    assert read_figures(path).clean
