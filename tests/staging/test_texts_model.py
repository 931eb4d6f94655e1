"""Staging against a model: what comes, moves, is undone, dropped, fetched again or erased, and reads back as staged.

Prompts share long histories, so that almost every payload stands on others.
"""

import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio.from_thread
import pytest
from hypothesis import settings as with_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import Raw
from msgspec.structs import replace

from support.looking import runs_of, settle
from support.staged import FOREVER, PROJECT_ID, a_page, a_run, named
from trajworker.errors import StagingFull
from trajworker.model.run import Run
from trajworker.staging import Staging, open_staging
from trajworker.staging.encoding import pack_id, unpack_id

TRACES = ("a", "b", "c", "d")
THREADS = ("t", "t", "u", None)
"""Few names, so that they meet."""
SAID = [f"{number}: ".encode() + b"what was said " * 150 for number in range(8)]
OTHERWISE = b"what else was said " * 150
TOO_LARGE_BYTES = 2_000_000
"""More than all that the other runs can ever have left free in the file."""


@st.composite
def versions(draw: st.DrawFn) -> Run:
    """Some version of one of a few runs: a prompt of some turns, perhaps with another beginning or an edited turn."""
    trace = draw(st.sampled_from(TRACES))
    child = draw(st.integers(0, 2))
    run = a_run(
        f"{trace}{child}" if child else trace,
        trace,
        thread=draw(st.sampled_from(THREADS)),
        at=float(child),
        ended=draw(st.booleans()),
    )
    said = SAID[: draw(st.integers(1, len(SAID)))]
    if draw(st.integers(0, 3)) == 0:
        said[draw(st.integers(0, len(said) - 1))] = OTHERWISE
    secret = f"<{trace}>".encode() * draw(st.integers(0, 2)) * 400
    prompt = b'["' + b'","'.join([*said, secret]) + b'"]'
    fields = draw(st.sets(st.sampled_from(["inputs", "outputs", "extra"]), min_size=1))
    return replace(run, run_type=draw(st.sampled_from(["llm", "chain"])), **dict.fromkeys(fields, Raw(prompt)))


class Texts(RuleBasedStateMachine):
    """Pages of such runs, and all that happens to a staging file over its life."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trajworker-texts-"))
        self.runs: dict[str, tuple[tuple[bool, int], Run]] = {}
        """What was staged last of each run that is kept, with its rank."""
        self.purged: set[str] = set()
        """Traces of which nothing is staged any more."""
        self.fetched = 0
        self._open()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self._close()
            shutil.rmtree(self.folder)

    def _open(self) -> None:
        self.portal_manager = anyio.from_thread.start_blocking_portal()
        self.portal = self.portal_manager.__enter__()
        self.opened = self.portal.wrap_async_context_manager(open_staging(self.folder / "s.db"))
        self.staging: Staging = self.opened.__enter__()

    def _close(self) -> None:
        self.opened.__exit__(None, None, None)
        self.portal_manager.__exit__(None, None, None)

    def _call(self, function: Callable[..., Awaitable[Any]], *values: Any) -> Any:
        return self.portal.call(function, *values)

    @rule(runs=st.lists(versions(), min_size=1, max_size=5))
    def a_page_comes(self, runs: list[Run]) -> None:
        self.fetched += 1
        self._call(self.staging.stage, a_page(runs, self.fetched))
        for run in runs:
            rank = (run.ended, self.fetched)
            known = self.runs.get(run.id)
            if known is None or rank > known[0]:
                self.runs[run.id] = (rank, run)
        if self.purged:  # what belongs to an erased conversation is not staged again
            staged = self._call(self._staged, "TRUE")
            self.runs = {name: known for name, known in self.runs.items() if name in staged}

    async def _staged(self, condition: str) -> set[str]:
        return await self.staging._database.read(
            lambda c: {unpack_id(name) for (name,) in c.execute(f"SELECT id FROM run WHERE {condition}")}
        )

    @rule(runs=st.lists(versions(), min_size=1, max_size=5))
    def a_page_is_undone(self, runs: list[Run]) -> None:
        self.fetched += 1
        large = replace(a_run("large", thread="v", outputs=b"9" * TOO_LARGE_BYTES), run_type="llm")
        self._pages("page_count")
        with pytest.raises(StagingFull):
            self._call(self.staging.stage, a_page([*runs, large], self.fetched))
        self._pages("4294967294")

    def _pages(self, limit: str) -> None:
        def body(connection: Any) -> None:
            most = connection.execute("PRAGMA page_count").fetchone()[0] + 12 if limit == "page_count" else int(limit)
            connection.execute(f"PRAGMA max_page_count = {most}").fetchall()

        self._call(self.staging._database.read, body)

    @rule()
    def it_is_opened_again(self) -> None:
        self._close()
        self._open()

    @rule()
    def what_was_delivered_is_compacted(self) -> None:
        self._call(settle, self.staging)
        self._call(self.staging._database.write, lambda c: c.execute("UPDATE conversation SET revision = 1").rowcount)
        self._call(self.staging.compact, FOREVER)

    @rule()
    def what_was_dropped_is_fetched_again(self) -> None:
        self.fetched += 1
        self._call(self.staging.stage, a_page([run for _, run in self.runs.values()], self.fetched))

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def a_conversation_is_purged(self, data: st.DataObject) -> None:
        trace = self.runs[data.draw(st.sampled_from(sorted(self.runs)))][1].trace_id
        thread = self._call(self.staging.staged_traces, PROJECT_ID, [trace])[trace].conversation_id
        traces = self._call(self._traces_of, thread)
        self._call(self.staging.purge_conversation, PROJECT_ID, thread)
        self.purged |= traces
        self.runs = {name: staged for name, staged in self.runs.items() if staged[1].trace_id not in traces}
        left = b"".join(path.read_bytes() for path in self.folder.iterdir())
        assert not [name for name in TRACES if named(name) in traces and f"<{name}><{name}>".encode() in left]

    async def _traces_of(self, thread: str) -> set[str]:
        rows = await self.staging._database.read(
            lambda c: c.execute(
                "SELECT t.id FROM trace t JOIN conversation c ON c.key = t.conversation WHERE c.id = ?",
                (pack_id(thread),),
            ).fetchall()
        )
        return {unpack_id(name) for (name,) in rows}

    @invariant()
    def what_is_kept_reads_back_as_it_was_staged(self) -> None:
        if hasattr(self, "staging"):
            self._call(self._compare)

    async def _compare(self) -> None:
        keys = await self.staging._database.read(lambda c: c.execute("SELECT key FROM conversation").fetchall())
        dropped = await self._staged("body IS NULL")
        found: dict[str, Run] = {}
        for (key,) in keys:
            runs = {run.id: run for run in await runs_of(self.staging, key)}
            (whole,) = await self.staging.materials([key])
            assert whole.changed is not None
            assert {run.id: run for members in whole.changed.runs.values() for run in members} == runs
            found |= runs
        assert found == {name: run for name, (_, run) in self.runs.items() if name not in dropped}
        await self.staging._database.read(_stand_within_their_conversation)


def _stand_within_their_conversation(connection: Any) -> None:
    strays = connection.execute(
        "SELECT r.key FROM run r JOIN trace t ON t.key = r.trace "
        "JOIN text x ON x.key IN (r.inputs, r.outputs, r.extra) WHERE x.conversation != t.conversation "
        "UNION ALL SELECT x.key FROM text x LEFT JOIN text b ON b.key = x.base "
        "WHERE x.base IS NOT NULL AND x.conversation IS NOT b.conversation"
    ).fetchall()
    assert strays == []


TestTexts = Texts.TestCase
TestTexts.settings = with_settings(max_examples=60, stateful_step_count=20, deadline=None)
TestTexts = pytest.mark.slow(TestTexts)
