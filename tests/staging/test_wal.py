"""The write-ahead log: moved into the file when it is long, written over then, and never longer for good."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from trajworker.staging.wal import WriteAheadLog

PAGE_BYTES = 4096
TEN_PAGES = 10 * PAGE_BYTES
DUE_BYTES = 100 * PAGE_BYTES


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in (f"page_size = {PAGE_BYTES}", "journal_mode = WAL", "wal_autocheckpoint = 0"):
            connection.execute(f"PRAGMA {setting}")
        connection.execute("CREATE TABLE t (body BLOB)")
        yield connection


def commits_until_due(connection: sqlite3.Connection, log: WriteAheadLog) -> int:
    for number in range(1000):
        if log.is_due():
            return number
        connection.execute("INSERT INTO t VALUES (zeroblob(?))", (TEN_PAGES,))
    raise AssertionError("the log is never due")


def size_of(path: Path) -> int:
    return path.with_name(f"{path.name}-wal").stat().st_size


def test_a_log_that_was_moved_is_written_over_and_due_again_after_as_much(
    path: Path, connection: sqlite3.Connection
) -> None:
    log = WriteAheadLog(path, DUE_BYTES)
    first = commits_until_due(connection, log)
    assert size_of(path) >= DUE_BYTES
    for _ in range(3):
        log.move(connection)
        longest = size_of(path)
        assert not log.is_due()
        assert abs(commits_until_due(connection, log) - first) <= 1
        assert size_of(path) <= longest + 2 * TEN_PAGES


def test_a_log_that_a_reader_holds_is_moved_again_only_after_as_much_growth(
    path: Path, connection: sqlite3.Connection
) -> None:
    log = WriteAheadLog(path, DUE_BYTES)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM t").fetchone()
        first = commits_until_due(connection, log)
        log.move(connection)
        held = size_of(path)
        assert abs(commits_until_due(connection, log) - first) <= 1
        assert size_of(path) >= held + DUE_BYTES


def test_a_log_that_is_not_there_or_has_no_header_yet_is_not_due(tmp_path: Path) -> None:
    assert not WriteAheadLog(tmp_path / "s.db", 1).is_due()
    (tmp_path / "s.db-wal").write_bytes(b"\x37\x7f\x06\x82")
    assert not WriteAheadLog(tmp_path / "s.db", 1).is_due()


def test_nothing_is_lost_between_the_log_and_the_file(path: Path, connection: sqlite3.Connection) -> None:
    log = WriteAheadLog(path, DUE_BYTES)
    for _ in range(3):
        commits_until_due(connection, log)
        log.move(connection)
    connection.execute("INSERT INTO t VALUES ('last')")
    with closing(sqlite3.connect(path)) as other:
        (rows,) = other.execute("SELECT count(*) FROM t").fetchone()
        assert rows == connection.execute("SELECT count(*) FROM t").fetchone()[0]
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
