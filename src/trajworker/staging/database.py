"""The one connection to the staging file: transactions that are whole or not at all, whatever is cancelled or breaks.

A transaction is a plain function on a `sqlite3.Connection`. It runs from BEGIN to COMMIT within aiosqlite's thread, and
the caller waits for it under a shield: cancellation can neither leave a transaction open nor hide its outcome
(reliability.md rows 49-51). One owner, one writer, one checkpointer.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import aiosqlite
from anyio import CancelScope

from trajworker.errors import ConfigError, StagingBusy, StagingError, StagingFull
from trajworker.folders import create_private, private_folder, refuse_unusable
from trajworker.staging import copies, ownership
from trajworker.staging.damage import look_for_damage
from trajworker.staging.failures import lacks_room, primary_code, translate
from trajworker.staging.migrations import Migration, migrate, migrations
from trajworker.staging.reserve import SUFFIX as RESERVE_SUFFIX
from trajworker.staging.reserve import Reserve
from trajworker.staging.wal import CHECKPOINT_BYTES, WriteAheadLog

T = TypeVar("T")
Body = Callable[[sqlite3.Connection], T]

MEMORY = ":memory:"
"""Named in place of a file, for a staging that touches no disk and is gone when it is closed."""
BUSY_TIMEOUT_S = 2.0
CACHE_KIB = 8_192
ITER_CHUNK_ROWS = 64

OLDEST_SQLITE = (3, 37)
"""The first release with STRICT tables."""

DISK_CODES = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN)

SETTINGS = (
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA mmap_size = 0",
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",
    # What is deleted or replaced is overwritten, so that a purge finds no older versions left in free pages.
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = MEMORY",
    # Checkpoints are ours, since SQLite ignores a failed sync in its own (sqlite.org/c3ref/wal_autocheckpoint.html).
    "PRAGMA wal_autocheckpoint = 0",
    # A log that grew longer, because a reader held it, is cut down when it begins anew.
    f"PRAGMA journal_size_limit = {CHECKPOINT_BYTES}",
)

# As they are. Without an adapter Python looks for two attributes at each value that is bound, and neither has them.
sqlite3.register_adapter(bytes, bytes.__bytes__)
sqlite3.register_adapter(type(None), lambda nothing: nothing)


@contextmanager
def _shielded() -> Iterator[None]:
    """What is in here ends before a cancellation shows."""
    with CancelScope(shield=True):
        yield


class Channel(aiosqlite.Connection):
    """An aiosqlite connection on whose thread a whole function can run."""

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Call `function` with the connection in the connection's own thread; it is not interrupted."""
        with _shielded():
            result: T = await self._execute(function, self._conn)  # type: ignore[no-untyped-call]  # aiosqlite leaves it bare
        return result


class Database:
    """Reads and write transactions on an open staging file; made by `open_database`."""

    def __init__(self, channel: Channel, path: Path | None, epoch: int, reserve: Reserve) -> None:
        self._channel = channel
        self._path = path
        self._reserve = reserve
        self.epoch = epoch
        self._identity = _identity(path) if path else None
        self._log = WriteAheadLog(path) if path else None
        self._broken: str | None = None

    async def read(self, body: Body[T]) -> T:
        """Run a reading function."""
        return await self._run(body)

    async def write(self, body: Body[T]) -> T:
        """Run a function in one transaction; when this returns, what it wrote survives a power cut.

        Where the disk is full this spends the reserve. Raises `StagingFull` or `StagingBusy` where the transaction was
        undone and may be tried again; after any other `StagingError` its outcome is unknown and no more is written.
        """
        return await self._run(partial(self._on_reserve, partial(self._transaction, body)))

    async def grow(self, body: Body[T]) -> T:
        """Like `write`, for what takes data in: it leaves the reserve alone, and waits until that is whole again."""
        return await self._run(partial(self._growth, body))

    async def keep_reserve(self) -> None:
        """Set room aside for when the disk is full, where it has that much."""
        await self._channel.run(lambda _: self._reserve.hold())

    async def erase(self, body: Body[T]) -> T:
        """Like `write`, but what is deleted leaves the log too; raises `StagingBusy` where a reader holds it."""
        return await self._run(partial(self._erasure, body))

    async def erase_copies(self) -> tuple[str, ...]:
        """Erase the copies from before migrations; their paths."""
        path = self._path
        return () if path is None else await self._channel.run(lambda _: copies.erase(path))

    async def end(self) -> None:
        """Note the orderly close and empty the log."""
        await self._channel.run(partial(self._on_reserve, partial(_end, self.epoch)))

    async def _run(self, body: Body[T]) -> T:
        try:
            return await self._channel.run(body)
        except sqlite3.Error as error:
            raise translate(error, str(self._path or MEMORY)) from error

    def _growth(self, body: Body[T], connection: sqlite3.Connection) -> T:
        if self._reserve.spent and not self._reserve.hold():
            raise StagingFull(f"no space left for the staging file {self._path} and its reserve; free some and go on")
        return self._transaction(body, connection)

    def _on_reserve(self, step: Body[T], connection: sqlite3.Connection) -> T:
        """Do it, and where the disk is full once more in the room of the reserve: what found none was undone."""
        try:
            return step(connection)
        except sqlite3.Error as error:
            if primary_code(error) != sqlite3.SQLITE_FULL or not self._reserve.spend():
                raise
        return step(connection)

    def _transaction(self, body: Body[T], connection: sqlite3.Connection) -> T:
        if self._broken:
            raise StagingError(f"nothing more is written to {self._path}, its outcome unknown: {self._broken}")
        try:
            connection.execute("BEGIN IMMEDIATE")
            ownership.refuse_stale(connection, self.epoch)
            result = body(connection)
            self._refuse_replaced()
            self._commit(connection)
        except sqlite3.Error as error:
            if primary_code(error) in DISK_CODES:
                self._broken = str(error)
            raise
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        self._checkpoint(connection)
        return result

    def _commit(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if primary_code(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL):
                self._broken = str(error)
            raise

    def _refuse_replaced(self) -> None:
        """A commit into a file that was unlinked or replaced under us would succeed and be lost."""
        if self._path and _identity(self._path) != self._identity:
            self._broken = "the file was removed or replaced"
            raise StagingError(f"{self._path} was removed or replaced while in use; nothing was written since")

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        if self._log is None or not (self._reserve.spent or self._log.is_due()):
            return
        try:
            self._on_reserve(WriteAheadLog.empty if self._reserve.spent else self._log.move, connection)
        except sqlite3.Error as error:
            # Without room the log stays, and with it the transaction, which must not be told as undone.
            if primary_code(error) != sqlite3.SQLITE_FULL:
                self._broken = f"checkpoint: {error}"
                raise

    def _erasure(self, body: Body[T], connection: sqlite3.Connection) -> T:
        if self._path:  # on a full disk the room of the log is needed, above all of one that an undone try left long
            self._on_reserve(WriteAheadLog.empty, connection)
        result = self._on_reserve(partial(self._transaction, body), connection)
        if self._path and not self._on_reserve(WriteAheadLog.empty, connection):
            raise StagingBusy(f"erased, but a reader of {self._path} keeps the log; end it and purge again")
        return result


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


@asynccontextmanager
async def open_database(target: str | Path, steps: list[Migration] | None = None) -> AsyncIterator[Database]:
    """Open (or make) a staging file and own it; `":memory:"` touches no disk.

    Raises `StagingBusy`, `StagingDamaged`, `StagingTooNew`, `StagingError`, `PathNotAllowed`, `ConfigError`. The
    connection is closed on every way out, since its thread would keep the process alive for ever.
    """
    check_release()
    with ExitStack() as stack:
        path = _prepare(Path(target), stack) if str(target) != MEMORY else None
        where = str(path or MEMORY)
        channel = Channel(partial(_connect, where), ITER_CHUNK_ROWS)
        try:
            with _shielded():
                await channel
            reserve = Reserve(path)
            begin = partial(_begin, steps or migrations(), path)
            try:
                epoch = await channel.run(begin)
            except sqlite3.Error as error:
                if not lacks_room(error) or not reserve.spend():
                    raise
                epoch = await channel.run(begin)
            database = Database(channel, path, epoch, reserve)
            yield database
            await database.end()
        except sqlite3.Error as error:
            raise translate(error, where) from error
        finally:
            with _shielded():
                await channel.close()


def check_release() -> None:
    """Raise `ConfigError` for an SQLite that does not know our tables, before it tells of a syntax error in them."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        raise ConfigError(
            f"this Python comes with SQLite {sqlite3.sqlite_version}, and staging needs {needed} or later: "
            "use a Python with a newer one (uv installs such, and the container image has one)"
        )


def _prepare(target: Path, stack: ExitStack) -> Path:
    path = private_folder(target.parent) / target.name
    for suffix in ("", "-wal", "-shm", "-journal", RESERVE_SUFFIX):
        refuse_unusable(path.with_name(path.name + suffix))
    stack.enter_context(ownership.locked(path))
    create_private(path)
    return path


def _connect(where: str) -> sqlite3.Connection:
    return sqlite3.connect(where, isolation_level=None, timeout=BUSY_TIMEOUT_S, check_same_thread=False)


def _begin(steps: list[Migration], path: Path | None, connection: sqlite3.Connection) -> int:
    for setting in SETTINGS:
        connection.execute(setting)
    migrate(connection, steps, path)
    # Only now, since SQLite counts the cache in pages of the size they had when it was set.
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    if path is not None and not ownership.closed_in_order(connection):
        look_for_damage(connection, path)
    return _in_transaction(ownership.take_over, connection)


def _end(epoch: int, connection: sqlite3.Connection) -> None:
    _in_transaction(partial(ownership.leave, epoch), connection)
    WriteAheadLog.empty(connection)


def _in_transaction(body: Body[T], connection: sqlite3.Connection) -> T:
    """For what opens and closes the file, which is not fenced by an epoch."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        result = body(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return result
