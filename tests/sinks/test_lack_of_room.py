"""A disk that is full while parts are published: each step is taken again, in the order of the chain."""

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from support.emitting import append, emit
from support.lacking import PLACING, PUBLISHING, TELLING, VOIDING, Fault, Step, cases
from support.published import files_in, lines_in
from support.staged import a_page, a_run
from trajworker.errors import SinkError, SinkFull, StagingFull
from trajworker.events import Event, PartPublished
from trajworker.ports import Compression, Stream
from trajworker.sinks import JsonlSettings, JsonlSink, Limits, open_sink, verify
from trajworker.sinks.folder import Folder
from trajworker.staging import Staging, open_staging

ALL = [[name, 1] for name in "abcdef"]
NO_ROOM = (SinkFull, StagingFull)
every_step = pytest.mark.parametrize(("step", "compression"), cases(PUBLISHING))
every_void_step = pytest.mark.parametrize(("step", "compression"), cases(VOIDING | TELLING))


def settings(out: Path, compression: Compression = Compression.NONE, lines: int = 1) -> JsonlSettings:
    """Each line is a part of its own."""
    return JsonlSettings(out=out, limits=Limits(seal_lines=lines), compress=compression)


def names(told: list[Event]) -> list[str]:
    return [event.name for event in told if isinstance(event, PartPublished)]


def is_whole(out: Path, told: int) -> bool:
    """Whether that many lines are published, each once, and the chain has no gap."""
    assert verify(out).problems == ()
    return list(lines_in(out)) == ALL[:told]


@every_step
async def test_a_part_that_found_no_room_is_published_with_the_next_commit(
    staging: Staging, out: Path, step: Step, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Event] = []
    fault = Fault(step)
    async with open_sink(staging, settings(out, compression), told.append) as sink:
        await emit(staging, sink, most=1)
        fault.plant(monkeypatch)
        assert await emit(staging, sink, most=1) == 1, "the emission stands"
        assert fault.failed
        assert len(files_in(out)) == 1 + step.shown
        await emit(staging, sink, most=1)
        assert is_whole(out, 3)
        await emit(staging, sink)
        assert is_whole(out, 6)
    assert names(told) == [path.name for path in files_in(out)], "each file is told once, in the order of the chain"


@every_step
async def test_a_part_that_found_no_room_is_published_by_the_clock(
    staging: Staging, out: Path, step: Step, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault(step, times=2)
    async with open_sink(staging, settings(out, compression)) as sink:
        await emit(staging, sink, most=1)
        fault.plant(monkeypatch)
        await emit(staging, sink, most=1)
        with pytest.raises(NO_ROOM):
            await sink.publish_due()
        await sink.publish_due()
        assert is_whole(out, 2)


@every_step
async def test_a_part_that_found_no_room_is_published_at_the_end_where_the_lack_of_it_is_raised(
    staging: Staging, out: Path, step: Step, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault(step, times=2)
    async with open_sink(staging, settings(out, compression)) as sink:
        await emit(staging, sink, most=1)
        fault.plant(monkeypatch)
        await emit(staging, sink, most=1)
        with pytest.raises(NO_ROOM):
            await sink.publish_all()
        await sink.publish_all()
        assert is_whole(out, 2)
    assert list(out.glob(".*")) == []


@every_step
async def test_while_there_is_no_room_nothing_overtakes_it(
    staging: Staging, out: Path, step: Step, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault(step, times=3)
    async with open_sink(staging, settings(out, compression)) as sink:
        await emit(staging, sink, most=1)
        fault.plant(monkeypatch)
        for _ in range(3):
            assert await emit(staging, sink, most=1) == 1
            assert len(files_in(out)) == 1 + step.shown
        await emit(staging, sink)
        await sink.publish_due()
        assert is_whole(out, 6)


@every_step
async def test_a_part_that_found_no_room_is_published_with_the_next_start(
    staging: Staging, out: Path, step: Step, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Event] = []
    fault = Fault(step, times=2)
    async with open_sink(staging, settings(out, compression), told.append) as sink:
        await emit(staging, sink, most=1)
        fault.plant(monkeypatch)
        for _ in range(2):
            await emit(staging, sink, most=1)
    assert fault.failed == 2
    async with open_sink(staging, settings(out), told.append) as sink:
        await emit(staging, sink)
        await sink.publish_all()
    assert is_whole(out, 6)
    assert len(names(told)) == len(set(names(told)))


@every_step
async def test_a_start_that_finds_no_room_is_a_start_once_there_is_some(
    staging: Staging, out: Path, step: Step, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault(step, times=2)
    async with open_sink(staging, settings(out, compression)) as sink:
        fault.plant(monkeypatch)
        await emit(staging, sink, most=1)
    with contextlib.suppress(*NO_ROOM):  # a part that is not sealed yet is so later
        async with open_sink(staging, settings(out, compression)):
            pass
    async with open_sink(staging, settings(out, compression)) as sink:
        await emit(staging, sink)
        with contextlib.suppress(*NO_ROOM):
            await sink.publish_all()
        await sink.publish_all()
    assert is_whole(out, 6)


@every_step
async def test_a_part_that_must_not_grow_is_published_or_nothing_is_appended(
    staging: Staging, out: Path, step: Step, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault(step)
    async with open_sink(staging, settings(out, compression, lines=99)) as sink:
        await emit(staging, sink, most=1)
        await emit(staging, sink, Stream.LATE, most=1)
        fault.plant(monkeypatch)
        with pytest.raises(NO_ROOM):
            await append(staging, sink, most=1)
        await sink.discard()
        await emit(staging, sink)
        await sink.publish_all()
    assert is_whole(out, 6)
    assert [path.name.partition("-")[0] for path in files_in(out)] == ["trajectories", "late", "trajectories"]


async def a_number_stays_empty(staging: Staging, sink: JsonlSink) -> None:
    """The part of the late stream has number 1 and no line, that of the other has number 2 and some."""
    await append(staging, sink, Stream.LATE, most=1)
    await sink.discard()
    await emit(staging, sink, most=1)


@every_void_step
async def test_a_void_number_that_found_no_room_comes_before_what_follows(
    staging: Staging, out: Path, step: Step, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault(step)
    async with open_sink(staging, settings(out, compression)) as sink:
        fault.plant(monkeypatch)
        await a_number_stays_empty(staging, sink)
        assert fault.failed
        assert files_in(out) == []
        await emit(staging, sink, Stream.LATE, most=1)
        await emit(staging, sink)
        await sink.publish_all()
        assert is_whole(out, 6)
    assert verify(out).void == (1,)
    assert list(out.glob(".*")) == []


@every_void_step
async def test_a_void_number_that_found_no_room_is_void_with_the_next_start(
    staging: Staging, out: Path, step: Step, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault(step)
    async with open_sink(staging, settings(out, compression)) as sink:
        fault.plant(monkeypatch)
        await a_number_stays_empty(staging, sink)
        await append(staging, sink, Stream.LATE, most=1)
    async with open_sink(staging, settings(out, compression)) as sink:
        await emit(staging, sink, Stream.LATE, most=1)
        await emit(staging, sink)
        await sink.publish_all()
    assert is_whole(out, 6)


async def test_an_empty_part_that_could_not_be_forgotten_is_forgotten_with_the_next_try(
    staging: Staging, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault(Step(Staging, "drop", lambda *_: True))
    async with open_sink(staging, settings(out)) as sink:
        await append(staging, sink)
        fault.plant(monkeypatch)
        with pytest.raises(StagingFull):
            await sink.publish_all()
        await sink.publish_all()
        assert list(out.iterdir()) == []
        assert await staging.parts() == []
        await emit(staging, sink)
        assert is_whole(out, 6)


@pytest.mark.parametrize(("step", "compression"), cases(PLACING | TELLING))
async def test_what_waits_to_be_published_is_not_removed_by_another_worker(
    staging: Staging, out: Path, step: Step, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_sink(staging, settings(out, compression)) as sink:
        Fault(step).plant(monkeypatch)
        await emit(staging, sink, most=1)
        before = {path.name for path in out.iterdir()}
        async with open_staging(out.parent / "other.db") as other:
            with pytest.raises(SinkError):
                async with open_sink(other, settings(out)):
                    pass
        assert {path.name for path in out.iterdir()} == before
        await sink.publish_due()
        assert is_whole(out, 1)


@pytest.mark.slow
@pytest.mark.parametrize("ends", [False, True])
async def test_whichever_call_finds_no_room_nothing_is_lost_and_nothing_said_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, ends: bool
) -> None:
    """Each call that needs room fails once, for all of them, in a run with void numbers and side files."""
    for number in range(1, 200):
        folder = tmp_path / str(number)
        async with open_staging(folder / "s.db") as staging:
            await staging.stage(a_page([a_run(name, thread=name) for name in "abcdef"], 1))
            with monkeypatch.context() as patch:
                has_come = plant_nth(patch, number)
                await run(staging, folder / "out", has_come if ends else never)
            async with open_sink(staging, settings(folder / "out")) as sink:
                await emit(staging, sink)
                await sink.publish_all()
            assert is_whole(folder / "out", 6), number
            assert list((folder / "out").glob(".*")) == []
        if not has_come():
            break
    assert number > 50


def plant_nth(patch: pytest.MonkeyPatch, number: int) -> Callable[[], bool]:
    """Let the n-th of all calls that need room fail; returns whether it came so far."""
    calls = 0

    def is_meant(*_: object, **__: object) -> bool:
        nonlocal calls
        calls += 1
        return calls == number

    for owner, names in ((Folder, ("create", "rename", "unlink")), (Staging, ("put", "record", "make_void", "drop"))):
        for name in names:
            Fault(Step(owner, name, is_meant)).plant(patch)
    return lambda: calls >= number


async def run(staging: Staging, out: Path, ends: Callable[[], bool]) -> None:
    """As a worker does that outlives a full disk: what was undone is said again; until the process ends."""

    async def publish_all(_: Staging, sink: JsonlSink) -> None:
        await sink.publish_all()

    steps: list[Callable[[Staging, JsonlSink], Awaitable[object]]] = [
        a_number_stays_empty,
        partial(emit, stream=Stream.LATE, most=1),
        partial(emit, most=1),
        partial(emit, stream=Stream.LATE, most=2),
        emit,
        append_in_vain,
        publish_all,
    ]
    async with open_sink(staging, settings(out, Compression.GZ, lines=2)) as sink:
        for step in steps:
            try:
                await step(staging, sink)
            except NO_ROOM:
                if ends():
                    return
                await sink.discard()
                await step(staging, sink)
            if ends():
                return


def never() -> bool:
    return False


async def append_in_vain(_: Staging, sink: JsonlSink) -> None:
    await sink.append([([b"never"], Stream.LATE), ([b"never"], Stream.TRAJECTORIES)])
