"""Bugs planted on purpose, by replacing one named function each: tests that do not catch them are no tests (T10)."""

import contextlib
from collections.abc import Callable
from typing import Any

from trajworker.ports import Coverage
from trajworker.sinks import jsonl, publishing, recovery
from trajworker.sinks.folder import Folder
from trajworker.sinks.manifest import hash_of, manifest_of
from trajworker.sinks.naming import manifest_name
from trajworker.sinks.part_file import PartFile
from trajworker.staging import database, heads, intake, news, outlet, ownership, precedence, slices, traces
from trajworker.staging.arrivals import Confirmations

Set = Callable[[Any, str, Any], None]
"""`setattr`, or that of a monkeypatch, which takes it back."""


def no_full_sync(set_: Set) -> None:
    """A commit is not durable when it returns."""
    weak = tuple(one.replace("synchronous = FULL", "synchronous = NORMAL") for one in database.SETTINGS)
    set_(database, "SETTINGS", weak)


def no_sync_of_the_part(set_: Set) -> None:
    """The ledger knows of bytes that a power cut takes."""
    set_(PartFile, "sync", lambda _: None)


def no_sync_of_the_folder(set_: Set) -> None:
    """A name is used before it is durable."""
    set_(Folder, "sync", lambda _: None)


def no_cut_at_start(set_: Set) -> None:
    """What a crash left behind the committed bytes stays."""
    set_(PartFile, "recover", lambda _: None)


def rename_before_the_sealed_row(set_: Set) -> None:
    """The file has its final name and the ledger still thinks that it grows."""
    honest = publishing.Publisher.seal

    async def seal(self: publishing.Publisher, part: Any) -> Any:
        put = self._ledger.put
        waiting: list[Any] = []

        async def keep(part: Any) -> None:
            waiting.append(part)

        self._ledger.put = keep  # type: ignore[method-assign]
        try:
            sealed = await honest(self, part)
        finally:
            self._ledger.put = put  # type: ignore[method-assign]
        publishing.place(self._folder, sealed)
        await put(waiting[0])
        return sealed

    set_(publishing.Publisher, "seal", seal)


def manifest_before_the_published_row(set_: Set) -> None:
    """A consumer acts on what the ledger may still undo."""
    honest = publishing.place

    def place(folder: Folder, part: Any) -> None:
        honest(folder, part)
        folder.put(manifest_name(part.name), manifest_of(part, part.name, PREVIOUS.get(folder.path)))
        PREVIOUS[folder.path] = hash_of(manifest_of(part, part.name, PREVIOUS.get(folder.path)))

    set_(publishing, "place", place)


PREVIOUS: dict[Any, bytes] = {}


def ledger_before_the_sync(set_: Set) -> None:
    """The emission is committed, then its bytes are synced."""
    honest = jsonl.JsonlSink._record

    async def record(self: jsonl.JsonlSink, emissions: Any) -> None:
        await honest(self, emissions)
        for growing in self._growing.values():
            SYNC(growing.file)

    set_(jsonl.JsonlSink, "_record", record)
    set_(PartFile, "sync", lambda _: None)


SYNC = PartFile.sync


def cursor_outside_the_transaction(set_: Set) -> None:
    """The slice has gone on before its page is in."""
    honest = database.Database._transaction

    def transaction(self: database.Database, body: Any, connection: Any) -> Any:
        if getattr(body, "func", None) is intake.stage:
            staged = body.args[1]
            if staged.slice is not None and not staged.done:
                honest(self, lambda c: slices.update_slice(c, staged.slice.id, staged.slice), connection)
        return honest(self, body, connection)

    set_(database.Database, "_transaction", transaction)


def changed_cleared_without_looking(set_: Set) -> None:
    """What arrived while a conversation was assembled is forgotten."""
    set_(outlet, "_outdated", lambda *_: False)


def late_answers_win(set_: Set) -> None:
    """Whatever arrives last stands, however old it is."""
    honest = precedence.judge

    def judge(staged: Any, arriving: Any) -> Any:
        verdict = honest(staged, arriving)
        return precedence.Verdict.REPLACE if arriving.hash != staged.hash else verdict

    set_(news, "judge", judge)


def confirmations_forgotten(set_: Set) -> None:
    """A later answer that brought nothing new does not count."""
    set_(Confirmations, "note", lambda *_: None)


def one_slot_cursor_memory(set_: Set) -> None:
    """Only the cursor just before is remembered."""
    last: dict[int, str] = {}

    def remember(_: Any, key: int, cursor: str) -> bool:
        seen = last.get(key) == cursor
        last[key] = cursor
        return not seen

    set_(slices, "remember_cursor", remember)


def watermark_is_the_newest_end(set_: Set) -> None:
    """Holes behind the newest slice are not seen."""
    set_(slices, "watermark_of", lambda spans, _: max((end for _, end in spans), default=None))


def split_slices_count_as_read(set_: Set) -> None:
    """What was split off a slice is covered before it was read."""
    honest = slices.finish
    set_(slices, "finish", lambda connection, project, part, _: honest(connection, project, part, ()))


def trace_moves_unseen(set_: Set) -> None:
    """The conversation that a trace left does not change."""
    set_(traces, "_leave", lambda *_: None)


def first_arrival_names_the_thread(set_: Set) -> None:
    """Which descendant names the thread depends on who came first."""

    def absorb(self: Any, arrival: Any) -> None:
        HONEST_ABSORB(self, arrival)
        self.heir_in_doubt = False
        self.heir_thread = FIRST_HEIR.setdefault(self.name, self.heir_thread) if self.heir_thread else None

    FIRST_HEIR.clear()
    set_(traces._Trace, "absorb", absorb)


HONEST_ABSORB = traces._Trace.absorb
FIRST_HEIR: dict[str, Any] = {}


def heads_outlive_an_undone_page(set_: Set) -> None:
    """What the next texts stand on was never committed."""
    set_(heads.Heads, "clear", lambda _: None)


def epoch_is_not_checked(set_: Set) -> None:
    """A worker that was taken over from goes on writing."""
    set_(ownership, "refuse_stale", lambda *_: None)


def replaced_file_is_not_noticed(set_: Set) -> None:
    """Commits go into a file that has no name any more."""
    set_(database.Database, "_refuse_replaced", lambda _: None)


def transaction_left_open_on_error(set_: Set) -> None:
    """A body that raises is not undone."""

    def transaction(_: Any, body: Any, connection: Any) -> Any:
        connection.execute("BEGIN IMMEDIATE")
        result = body(connection)
        connection.execute("COMMIT")
        return result

    set_(database.Database, "_transaction", transaction)


def failed_sync_is_passed_over(set_: Set) -> None:
    """An error of fsync is taken for a success."""
    honest = PartFile.sync

    def sync(self: PartFile) -> None:
        with contextlib.suppress(Exception):
            honest(self)

    set_(PartFile, "sync", sync)


def strange_files_are_removed(set_: Set) -> None:
    """Recovery tidies up what it does not know, published or not."""

    def clear(folder: Folder, rows: Any) -> None:
        known = {name for row in rows.values() if row.name for name in (row.name, manifest_name(row.name))}
        for name in folder.names() - known:
            if not (name.startswith(".") and name.endswith(".part")):
                folder.unlink(name)

    set_(recovery, "clear", clear)


def lines_are_not_counted(set_: Set) -> None:
    """A batch may be committed without all its lines."""
    set_(jsonl, "_place", lambda _: (0, 0))
    set_(jsonl, "sorted", lambda *_args, **_more: [])


def nothing_is_covered(set_: Set) -> None:
    """Staging forgets what it has read."""
    set_(slices, "coverage", lambda *_: Coverage())


BUGS: dict[str, Callable[[Set], None]] = {
    name: value
    for name, value in list(globals().items())
    if callable(value) and getattr(value, "__module__", None) == __name__ and value.__doc__
}


def plant(name: str, set_: Set = setattr) -> None:
    """Plant the bug of that name in this process."""
    BUGS[name](set_)
