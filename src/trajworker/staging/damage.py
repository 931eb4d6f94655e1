"""Whether a staging file is whole after a crash."""

import sqlite3
from pathlib import Path

FULL_CHECK_BYTES = 64 * 1024 * 1024
"""After a crash a file up to this size is checked whole (about 0.1 s), a larger one only where the ledger lies."""
LEDGER_TABLES = ("owner", "project", "slice", "span", "part")


def look_for_damage(connection: sqlite3.Connection, path: Path) -> None:
    """Look for damage after a crash; raises `sqlite3.DatabaseError` as SQLite itself would on meeting it."""
    whole = path.stat().st_size <= FULL_CHECK_BYTES
    checks = ["PRAGMA quick_check(1)"] if whole else [f"PRAGMA quick_check({table})" for table in LEDGER_TABLES]
    for check in checks:
        found = connection.execute(check).fetchone()[0]
        if found != "ok":
            error = sqlite3.DatabaseError(found)
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            error.sqlite_errorname = "SQLITE_CORRUPT"
            raise error
