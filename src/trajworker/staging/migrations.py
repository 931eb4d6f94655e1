"""How the schema of a staging file is made, brought up to date, and told from a foreign one.

Each numbered file in `schema/` is one migration and runs in one transaction, together with its number
(`PRAGMA user_version`). A file with data in it is copied beside itself before it is migrated.
"""

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from msgspec import Struct

from trajworker.errors import StagingDamaged, StagingTooNew
from trajworker.staging import copies

APPLICATION_ID = 0x74726A77  # "trjw"
PAGE_SIZE_BYTES = 16_384
COMMENT = re.compile(r"--[^\n]*")


class Migration(Struct, frozen=True):
    """One numbered step of the schema."""

    number: int
    sql: str


def migrations() -> list[Migration]:
    """The steps that come with this release, in order."""
    schema = files("trajworker.staging").joinpath("schema").iterdir()
    steps = [(re.match(r"(\d+)_.*\.sql$", file.name), file) for file in schema]
    return sorted((Migration(int(found[1]), file.read_text("utf-8")) for found, file in steps if found), key=_number)


def _number(step: Migration) -> int:
    return step.number


def migrate(connection: sqlite3.Connection, steps: Sequence[Migration], path: Path | None) -> None:
    """Bring an open staging file to the newest schema; `path` is None in memory.

    Raises `StagingDamaged` for a database that is not ours and `StagingTooNew` for one of a newer release; both are
    left untouched.
    """
    version = _pragma(connection, "user_version")
    if _is_blank(connection):
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE_BYTES}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    else:
        _refuse_foreign(connection, steps, path)
    todo = [step for step in steps if step.number > version]
    if todo and version and path is not None:
        copies.keep(connection, path, todo[-1].number)
    connection.execute("PRAGMA journal_mode = WAL")
    for step in todo:
        _apply(connection, step)


def _is_blank(connection: sqlite3.Connection) -> bool:
    return _pragma(connection, "application_id") == 0 and not _shape(connection)


def refuse_newer(connection: sqlite3.Connection, newest: int, path: Path | None) -> int:
    """The schema of a staging file; raises `StagingTooNew` where a newer release made it."""
    version = _pragma(connection, "user_version")
    if version > newest:
        raise StagingTooNew(
            f"the staging file {path} has schema {version}, this release knows {newest}; use the release that wrote it"
        )
    return version


def _refuse_foreign(connection: sqlite3.Connection, steps: Sequence[Migration], path: Path | None) -> None:
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise StagingDamaged(f"{path} is a database of another program; choose another path")
    version = refuse_newer(connection, steps[-1].number, path)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as reference:
        for step in steps:
            if step.number <= version:
                _apply(reference, step)
        foreign = _shape(connection) ^ _shape(reference)
    if foreign:
        names = ", ".join(sorted({name for _, name, _ in foreign}))
        raise StagingDamaged(
            f"the schema of the staging file {path} was altered ({names}); choose another path or restore the file"
        )


def _shape(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """Every table, index, trigger and view, without comments and spacing, except what SQLite keeps for itself."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    return {(kind, name, " ".join(COMMENT.sub(" ", sql or "").split())) for kind, name, sql in rows}


def _apply(connection: sqlite3.Connection, step: Migration) -> None:
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{step.sql}\n"
            f"PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {step.number};\nCOMMIT;"
        )
    finally:
        if connection.in_transaction:
            connection.rollback()


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value
