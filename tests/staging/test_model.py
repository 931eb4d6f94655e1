"""T6: staging and sink against a model, with crashes at any moment (reliability.md section 4, promises P1-P5).

A crash is a connection that is dropped without closing: what was not committed is gone, what was is not.
"""

import json
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import anyio.from_thread
import pytest
from hypothesis import settings as with_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import structs

from support.looking import runs_of, seen
from support.published import lines_in
from support.staged import FOREVER, PROJECT_ID, a_page, a_run, a_slice, an_emission
from trajworker.model.run import Project, Run
from trajworker.ports import Compression, Emission, Stream
from trajworker.sinks import JsonlSettings, JsonlSink, Limits, open_sink, verify
from trajworker.staging import Staging, open_staging
from trajworker.staging.encoding import TEXT_BYTES, unpack_id

TRACES = ("a", "b", "c")
THREADS = (None, "t", "u")
"""Few names, so that they meet."""


@st.composite
def versions(draw: st.DrawFn) -> Run:
    """Some version of one of a few runs; which trace a child is of may change."""
    trace = draw(st.sampled_from(TRACES))
    child = draw(st.integers(0, 2))
    return a_run(
        f"{draw(st.sampled_from(TRACES))}{child}" if child else trace,
        trace,
        thread=draw(st.sampled_from(THREADS)),
        at=float(child),
        ended=draw(st.booleans()),
        outputs=draw(st.sampled_from([b"1", b"2", b"3" * TEXT_BYTES])),
    )


class Model:
    """What the source has said: the newest version of each run, by the rules of precedence."""

    def __init__(self) -> None:
        self.runs: dict[str, tuple[tuple[bool, int], Run]] = {}

    def take(self, run: Run, fetch_seq: int) -> None:
        known = self.runs.get(run.id)
        rank = (run.ended, fetch_seq)
        if known is None or rank > known[0]:
            self.runs[run.id] = (rank, run)

    def conversations(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for trace in TRACES:
            members = sorted((run for _, run in self.runs.values() if run.trace_id == a_run(trace).id), key=order)
            if members:
                roots = [run.thread_id for run in members if run.is_root and run.thread_id]
                heirs = [run.thread_id for run in members if not run.is_root and run.thread_id]
                name = [*roots, *heirs, members[0].trace_id][0]
                found.setdefault(name, []).extend(told(run) for run in members)
        return {name: sorted(members) for name, members in found.items()}


def order(run: Run) -> str:
    return run.dotted_order


def told(run: Run) -> str:
    return f"{run.name}:{run.ended}:{bytes(run.outputs).decode()}:{run.thread_id}"


class Process:
    """One life of the worker: staging and sink, driven from another thread."""

    def __init__(self, folder: Path, compression: Compression) -> None:
        self._portal_manager = anyio.from_thread.start_blocking_portal()
        self._portal = self._portal_manager.__enter__()
        settings = JsonlSettings(out=folder / "out", limits=Limits(seal_lines=3), compress=compression)
        self._opened: list[Any] = []
        self.staging: Staging = self._enter(open_staging(folder / "s.db"))
        self.sink: JsonlSink = self._enter(open_sink(self.staging, settings))

    def call(self, work: Coroutine[Any, Any, Any]) -> Any:
        async def run() -> Any:
            return await work

        return self._portal.call(run)

    def close(self) -> None:
        for manager in reversed(self._opened):
            manager.__exit__(None, None, None)
        self._portal_manager.__exit__(None, None, None)

    def _enter(self, manager: Any) -> Any:
        wrapped = self._portal.wrap_async_context_manager(manager)
        entered = wrapped.__enter__()
        self._opened.append(wrapped)
        return entered


class Delivery(RuleBasedStateMachine):
    """Pages come, are repeated, reordered, patched; parts rotate; the process dies; nothing is lost or said twice."""

    @initialize(compression=st.sampled_from(Compression))
    def begin(self, compression: Compression) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trajworker-model-"))
        self.compression = compression
        self.model = Model()
        self.fetched = 0
        self.published: dict[str, bytes] = {}
        self.past: list[tuple[list[Run], int]] = []
        self.process = Process(self.folder, compression)
        self.process.call(self.process.staging.plan(Project(PROJECT_ID, "p"), [a_slice(0, 10)]))

    def teardown(self) -> None:
        if hasattr(self, "process"):
            self.process.call(emit(self.process.staging, self.process.sink, Stream.TRAJECTORIES))
            self.process.call(self.process.sink.publish_all())
            last = {name: content for name, _, content in lines_of(self.folder / "out")}
            assert {name: content for name, content in last.items() if content} == self.model.conversations()
            self.each_revision_is_published_once_and_in_order()
            self.process.close()
            shutil.rmtree(self.folder)

    @rule(runs=st.lists(versions(), max_size=4))
    def a_page_comes(self, runs: list[Run]) -> None:
        self.fetched += 1
        self._stage(runs, self.fetched)
        self.past.append((runs, self.fetched))

    @rule(data=st.data())
    def a_page_comes_again_or_late(self, data: st.DataObject) -> None:
        if self.past:
            runs, fetched = data.draw(st.sampled_from(self.past[-4:]))
            self._stage(list(reversed(runs)), fetched)

    def _stage(self, runs: list[Run], fetched: int) -> None:
        slices = self.process.call(self.process.staging.unread(PROJECT_ID))
        part = structs.replace(slices[0], cursor=f"c{fetched}", pages=slices[0].pages + 1)
        self.process.call(self.process.staging.stage(a_page(runs, fetched, part)))
        for run in runs:
            self.model.take(run, fetched)
        assert self.process.call(self.process.staging.unread(PROJECT_ID)) == [part]

    @rule(stream=st.sampled_from(Stream))
    def changed_conversations_are_emitted(self, stream: Stream) -> None:
        self.process.call(emit(self.process.staging, self.process.sink, stream))

    @rule(stream=st.sampled_from(Stream), reached=st.sampled_from(["nothing", "append", "commit"]))
    def the_process_dies(self, stream: Stream, reached: str) -> None:
        """Before or after an append or a commit; the files are taken as they lie."""
        emissions = []
        if reached != "nothing":
            emissions = self.process.call(append(self.process.staging, self.process.sink, stream))
        if reached == "commit":
            self.process.call(self.process.sink.commit(emissions))
        crashed = Path(tempfile.mkdtemp(prefix="trajworker-model-"))
        shutil.copytree(self.folder, crashed, dirs_exist_ok=True)
        self.process.close()
        shutil.rmtree(self.folder)
        self.folder = crashed
        self.past.clear()  # requests die with their process
        self.process = Process(self.folder, self.compression)

    @rule()
    def parts_are_published(self) -> None:
        self.process.call(self.process.sink.publish_all())

    @invariant()
    def published_files_never_change(self) -> None:
        if not hasattr(self, "process"):
            return
        now = {path.name: path.read_bytes() for path in (self.folder / "out").glob("[!.]*")}
        assert {name: now.get(name) for name in self.published} == self.published
        self.published = now

    @invariant()
    def each_revision_is_published_once_and_in_order(self) -> None:
        if not hasattr(self, "process"):
            return
        if any((self.folder / "out").glob("[!.]*")):
            assert verify(self.folder / "out").problems == ()
        revisions: dict[str, list[int]] = {}
        for name, revision, _ in lines_of(self.folder / "out"):
            revisions.setdefault(name, []).append(revision)
        assert all(found == list(range(1, len(found) + 1)) for found in revisions.values())

    @invariant()
    def staging_holds_the_newest_of_everything(self) -> None:
        if not hasattr(self, "process"):
            return
        assert self.process.call(held(self.process.staging)) == self.model.conversations()


async def held(staging: Staging) -> dict[str, list[str]]:
    """Every conversation in staging that holds runs."""
    rows = await staging._database.read(lambda c: c.execute("SELECT key, id FROM conversation").fetchall())
    found = {unpack_id(name): sorted(told(run) for run in await runs_of(staging, key)) for key, name in rows}
    return {name: runs for name, runs in found.items() if runs}


async def append(staging: Staging, sink: JsonlSink, stream: Stream) -> list[Emission]:
    """Append the changed conversations to the part."""
    emissions = []
    async for activity in staging.changed(FOREVER):
        versions_seen = await seen(staging, activity.conversation)
        runs = sorted(told(run) for run in await runs_of(staging, activity.conversation))
        content = json.dumps(runs).encode()
        line = None
        if an_emission(activity, versions_seen, None, content).content_hash != activity.content_hash:
            head = json.dumps([activity.conversation_id, activity.revision + 1]).encode()
            (line,) = await sink.append([([b"[", head, b",", content, b"]"], stream)])
        emissions.append(an_emission(activity, versions_seen, line, content))
    return emissions


async def emit(staging: Staging, sink: JsonlSink, stream: Stream) -> None:
    """Append and commit."""
    await sink.commit(await append(staging, sink, stream))


def lines_of(out: Path) -> list[tuple[str, int, list[str]]]:
    """Every published line in the order of the chain: conversation, revision, what it held."""
    return [(head[0], head[1], content) for head, content in lines_in(out)]


TestDelivery = Delivery.TestCase
TestDelivery.settings = with_settings(max_examples=25, stateful_step_count=12, deadline=None)
TestDelivery = pytest.mark.slow(TestDelivery)
