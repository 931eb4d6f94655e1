"""Who runs, who stops first, and what a daemon outlives."""

import errno
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import anyio
import pytest

from support.published import files_in
from support.staged import PROJECT_ID, a_run, a_slice, named
from trajworker.errors import EXIT_IO, EXIT_NOT_ALLOWED, NotAllowed, SinkFull, SourceUnavailable
from trajworker.events import (
    ConversationEmitted,
    Corridor,
    CorridorFailed,
    CorridorRecovered,
    Event,
    ProjectFailed,
    SliceRead,
)
from trajworker.model.run import Project
from trajworker.ports import Late, Slice
from trajworker.sinks import part_file
from trajworker.wiring import exit_code
from trajworker.worker import supervisor as supervising
from trajworker.worker.supervisor import Rhythm
from worker.workshop import Workshop, deliver_and_compact, workshop

ONCE = Rhythm()
HASTY = Rhythm(poll=timedelta(milliseconds=10))
OTHER = named("another project")


@pytest.fixture(autouse=True)
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "TICK_S", 0.01)


def stop_when(shop: Workshop, enough: Callable[[Sequence[Event]], bool]) -> None:
    """Ask the worker to stop once it has told enough."""

    def tell(event: Event) -> None:
        shop.events.append(event)
        if enough(shop.events) and not shop.stop.requested:
            shop.stop.request()

    shop.cycle._observer = shop.outlet._observer = tell


def hang_once_emitted(shop: Workshop) -> anyio.Event:
    """Let pages hang from the first line that is emitted; the event tells that one does."""
    hanging = anyio.Event()

    async def hold(_part: Slice) -> None:
        if shop.of_kind(ConversationEmitted):
            hanging.set()
            await anyio.sleep_forever()

    shop.source.hold = hold
    return hanging


def emitted(events: Sequence[Event]) -> set[str]:
    return {event.conversation_id for event in events if isinstance(event, ConversationEmitted)}


async def test_once_ends_when_all_is_delivered(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run(f"r{number}", thread=f"t{number % 7}", at=number) for number in range(50)]
        with anyio.fail_after(10):
            done = await shop.supervise(ONCE)
        assert done.outcome.failed == {}
        assert len(await shop.revisions()) == 7


async def test_a_project_that_hangs_does_not_keep_another_from_being_delivered(tmp_path: Path) -> None:
    async def hold(slice_: Slice) -> None:
        if slice_.project_id == OTHER:
            await anyio.sleep_forever()

    async with workshop(tmp_path) as shop:
        shop.source.projects["other"] = Project(OTHER, "other")
        shop.source.runs = [a_run("one", thread="t")]
        shop.source.hold = hold
        stop_when(shop, lambda events: emitted(events) == {"t"})
        with anyio.fail_after(10):
            await shop.supervise(ONCE, ["p", "other"])
        assert await shop.revisions() == [("t", 1)]


async def test_once_says_a_conversation_once_though_its_older_half_is_read_first(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run("one", thread="t", at=10), a_run("two", thread="t", at=20)]
        older, newer = a_slice(0, 15), a_slice(15, 24 * 60)
        await shop.staging.plan(shop.source.projects["p"], [older, newer])

        read, looked = anyio.Event(), anyio.Event()

        def tell(event: Event) -> None:
            shop.events.append(event)
            if isinstance(event, SliceRead):
                read.set()

        deliver = shop.outlet.deliver

        async def look(*args: Any) -> None:
            began_after = read.is_set()
            await deliver(*args)
            if began_after:
                looked.set()

        async def hold(slice_: Slice) -> None:
            if slice_.start == newer.start:
                await looked.wait()

        shop.cycle._observer = tell
        shop.outlet.deliver = look  # type: ignore[method-assign] # the real one, and a word when it is done
        shop.source.hold = hold
        with anyio.fail_after(10):
            await shop.supervise(ONCE)
        assert await shop.revisions() == [("t", 1)]


async def test_a_file_grows_old_and_is_published_although_nothing_comes(tmp_path: Path) -> None:
    now = 0.0
    async with workshop(tmp_path, clock=lambda: now) as shop:
        shop.source.runs = [a_run("one", thread="t")]
        hanging = hang_once_emitted(shop)
        async with anyio.create_task_group() as group:
            group.start_soon(shop.supervise, HASTY)
            with anyio.fail_after(10):
                await hanging.wait()
                assert files_in(shop.out) == []
                now = 4000.0
                while not files_in(shop.out):  # noqa: ASYNC110 - the file system gives no signal
                    await anyio.sleep(0.01)
            shop.stop.request()


async def test_a_stop_ends_a_page_that_hangs_and_publishes_what_is_committed(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run("one", thread="t")]
        hanging = hang_once_emitted(shop)
        async with anyio.create_task_group() as group:
            group.start_soon(shop.supervise, HASTY)
            with anyio.fail_after(10):
                await hanging.wait()
            began = anyio.current_time()
            shop.stop.request()
        assert anyio.current_time() - began < 1
        assert len(files_in(shop.out)) == 1


async def test_a_second_stop_does_not_wait_for_what_hangs(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run("one", thread="t")]
        hanging = anyio.Event()

        async def hang(*_args: Any) -> None:
            hanging.set()
            await anyio.sleep_forever()

        shop.outlet.deliver = hang  # type: ignore[method-assign] # an outlet that never comes back
        async with anyio.create_task_group() as group:
            group.start_soon(shop.supervise, HASTY)
            with anyio.fail_after(10):
                await hanging.wait()
            began = anyio.current_time()
            shop.stop.request()
            shop.stop.request()
        assert anyio.current_time() - began < 1


async def test_a_daemon_outlives_a_source_that_finds_no_project_for_a_while(tmp_path: Path) -> None:
    failures = [SourceUnavailable("away"), NotAllowed("locked out")]

    def find() -> None:
        if failures:
            raise failures.pop()

    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run("one", thread="t")]
        shop.source.find = find
        stop_when(shop, lambda events: emitted(events) == {"t"})
        with anyio.fail_after(10):
            await shop.supervise(HASTY)
        failed, goes_on = shop.of_kind(CorridorFailed), shop.of_kind(CorridorRecovered)
        assert [(event.corridor, event.exit_code) for event in failed] == [(Corridor.INTAKE, 77), (Corridor.INTAKE, 69)]
        assert [event.corridor for event in goes_on] == [Corridor.INTAKE]
        assert shop.of_kind(ProjectFailed) == []


async def test_a_new_project_that_fits_the_pattern_is_picked_up(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run("one", thread="t")]

        def find() -> None:
            if emitted(shop.events) == {"t"} and "other" not in shop.source.projects:
                shop.source.projects["other"] = Project(OTHER, "other")
                run = a_run("two", thread="u")
                shop.source.runs.append(
                    type(run)(**{f: getattr(run, f) for f in run.__struct_fields__} | {"project_id": OTHER})
                )

        shop.source.find = find
        stop_when(shop, lambda events: emitted(events) == {"t", "u"})
        with anyio.fail_after(10):
            await shop.supervise(HASTY, ["*"])
        assert await shop.revisions() == [("t", 1), ("u", 1)]


async def test_with_once_a_project_that_fails_is_told_and_the_others_are_delivered(tmp_path: Path) -> None:
    async def hold(slice_: Slice) -> None:
        if slice_.project_id == OTHER:
            raise SourceUnavailable("away")

    async with workshop(tmp_path) as shop:
        shop.source.projects["other"] = Project(OTHER, "other")
        shop.source.runs = [a_run("one", thread="t")]
        shop.source.hold = hold
        done = await shop.supervise(ONCE, ["p", "other", "missing"])
        assert done.outcome.projects == 3
        assert set(done.outcome.failed) == {OTHER, "missing"}
        assert await shop.revisions() == [("t", 1)]
        assert {event.project for event in shop.of_kind(ProjectFailed)} == {"other", "missing"}
        assert PROJECT_ID not in done.outcome.failed


async def test_a_key_that_is_revoked_ends_as_such_though_a_conversation_waits_for_its_payloads(tmp_path: Path) -> None:
    """What is due and was compacted is fetched again: refused too, it is one more question and no other project."""

    async def refuse(*_asked: Any) -> NoReturn:
        raise NotAllowed("no")

    async with workshop(tmp_path, late=Late.REVISE) as shop:
        await deliver_and_compact(shop)
        shop.source.off_pages = {"one"}
        shop.source.runs.append(a_run("late", thread="t", at=5))
        await shop.read()
        shop.source.hold = refuse
        shop.source.runs_by_id = refuse  # type: ignore[method-assign] # the point
        outcome = (await shop.supervise(ONCE)).outcome
    assert isinstance(outcome.unassembled, NotAllowed)
    assert set(outcome.failed) == {PROJECT_ID}
    assert exit_code(outcome, stopped=False, quarantined=0) == EXIT_NOT_ALLOWED


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Writes to parts fail for lack of room as long as this holds a number."""
    room = [1, 1, 1]
    write = part_file.write_all

    def write_all(*args: Any) -> None:
        if room:
            room.pop()
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*args)

    monkeypatch.setattr(part_file, "write_all", write_all)
    return room


async def test_a_full_disk_pauses_a_daemon_which_then_says_everything_once(tmp_path: Path, full: list[int]) -> None:
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run(f"r{number}", thread=f"t{number}", at=number) for number in range(30)]
        stop_when(shop, lambda events: len(emitted(events)) == 30)
        with anyio.fail_after(20):
            outcome = (await shop.supervise(HASTY)).outcome
        assert not full
        assert outcome.faults == ()
        assert {(event.corridor, event.exit_code) for event in shop.of_kind(CorridorFailed)} == {(Corridor.OUTLET, 74)}
        assert sorted(await shop.revisions()) == sorted((f"t{number}", 1) for number in range(30))


async def test_a_daemon_that_is_stopped_while_a_disk_is_full_ends_as_such_though_it_reads_on(
    tmp_path: Path, full: list[int]
) -> None:
    full.extend([1] * 1000)
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run("one", thread="t")]

        def tell(event: Event) -> None:
            shop.events.append(event)
            if shop.of_kind(CorridorFailed) and isinstance(event, SliceRead):
                shop.stop.request()

        shop.cycle._observer = tell
        with anyio.fail_after(20):
            outcome = (await shop.supervise(HASTY)).outcome
    assert shop.of_kind(CorridorRecovered) == []
    assert [type(fault) for fault in outcome.faults] == [SinkFull]
    assert exit_code(outcome, stopped=True, quarantined=0) == EXIT_IO


@pytest.mark.usefixtures("full")
async def test_a_full_disk_ends_a_single_run_and_the_next_one_says_everything_once(tmp_path: Path) -> None:
    runs = [a_run(f"r{number}", thread=f"t{number}", at=number) for number in range(30)]
    for expected in (SinkFull, SinkFull, SinkFull, None):
        async with workshop(tmp_path) as shop:
            shop.source.runs = runs
            if expected is None:
                await shop.supervise(ONCE)
                continue
            with pytest.RaisesGroup(pytest.RaisesExc(expected), flatten_subgroups=True):
                await shop.supervise(ONCE)
    async with workshop(tmp_path) as shop:
        assert len(await shop.revisions()) == 30
