"""Opens a staging file for looking only: also while a worker owns it, and where nothing may be written."""

import sqlite3
from contextlib import closing
from pathlib import Path

from trajworker.errors import ConfigError, StagingDamaged, StagingError, StagingTooNew
from trajworker.folders import refuse_unreadable
from trajworker.staging.database import BUSY_TIMEOUT_S, check_release
from trajworker.staging.failures import primary_code, translate
from trajworker.staging.migrations import APPLICATION_ID, migrations, refuse_newer

UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
"""Codes of a file in WAL mode that lies where its shared index cannot be made."""


def connect_to_read(path: Path) -> closing[sqlite3.Connection]:
    """A connection that writes nothing.

    Raises:
        ConfigError: the file is empty, or this Python's SQLite is too old.
        PathNotAllowed: its rights forbid it, or it is a folder.
        StagingError: it cannot be read, is none of ours, or one of a newer release.
    """
    check_release()
    refuse_unreadable(path)
    log = path.with_name(f"{path.name}-wal")
    logged = log.exists() and log.stat().st_size > 0
    if not logged and path.stat().st_size == 0:
        raise ConfigError(f"the staging file {path} is empty: no worker has used it yet; name another with --staging")
    try:
        connection = _opened(f"{path.resolve().as_uri()}?mode=ro")
    except sqlite3.Error as error:
        if primary_code(error) not in UNWRITABLE:
            raise translate(error, str(path)) from error
        if logged:
            raise StagingError(
                f"the staging file {path} cannot be read where nothing may be written, for its log {log.name} is not "
                "written back: copy both into a folder of yours, and look there"
            ) from error
        connection = _unchanging(path)
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        connection.close()
        raise StagingDamaged(f"{path} is no staging file of trajworker; name one with --staging")
    try:
        refuse_newer(connection, migrations()[-1].number, path)
    except StagingTooNew:
        connection.close()
        raise
    return closing(connection)


def _unchanging(path: Path) -> sqlite3.Connection:
    """As a file that nobody changes: with its index, which is read where it lies, whoever is at work on it is gone."""
    try:
        return _opened(f"{path.resolve().as_uri()}?mode=ro&immutable=1")
    except sqlite3.Error as error:
        raise translate(error, str(path)) from error


def _opened(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # opens the file, which connecting does not
    except sqlite3.Error:
        connection.close()
        raise
    return connection
