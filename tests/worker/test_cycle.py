"""What a cycle reads again, and what it leaves for the next one."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from support.staged import PROJECT_ID, START, a_run
from trajworker.errors import CursorExpired, SourceUnavailable
from trajworker.events import ProjectStarted, RunQuarantined, RunsRecovered
from trajworker.model.times import EARLIEST
from trajworker.ports import Page, Slice, SlicePurpose
from worker.workshop import Workshop, day, workshop

DAY = timedelta(days=1)


def purposes(asked: Sequence[Slice]) -> Counter[str]:
    return Counter(str(slice_.purpose) for slice_ in asked)


def refuse(when: Callable[[Slice], bool], error: Exception) -> Callable[[Slice], Awaitable[None]]:
    async def hold(slice_: Slice) -> None:
        if when(slice_):
            raise error

    return hold


async def read_at(shop: Workshop, days: float) -> Counter[str]:
    """A cycle on that day; how many pages it asked for, by purpose."""
    shop.source.at, before = day(days), len(shop.source.asked)
    await shop.read()
    return purposes(shop.source.asked[before:])


async def test_a_slice_whose_cursors_are_refused_again_and_again_is_begun_afresh_by_the_next_cycle(
    tmp_path: Path,
) -> None:
    async with workshop(tmp_path) as shop:
        shop.source.page_size = 1
        shop.source.runs = [a_run(f"r{number}", thread=f"t{number}", at=number) for number in range(4)]
        shop.source.hold = refuse(lambda slice_: slice_.cursor is not None, CursorExpired("the server forgot"))
        assert await shop.read() == {}
        (left,) = await shop.staging.unread(PROJECT_ID)
        assert (left.cursor, left.restarts) == (None, 0)
        assert (await shop.staging.coverage(PROJECT_ID)).watermark is None
        shop.source.hold = refuse(lambda _: False, CursorExpired(""))
        await shop.work()
        assert (await shop.staging.coverage(PROJECT_ID)).watermark == shop.source.at
        assert (await shop.staging.figures()).quarantined == 0
        assert len(await shop.revisions()) == 4
    assert [type(event) for event in shop.events if isinstance(event, RunQuarantined | RunsRecovered)] == [
        RunQuarantined,
        RunsRecovered,
    ]


async def test_an_outage_leaves_one_slice_however_long_it_lasts(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run("r", thread="t")]
        await read_at(shop, 1)
        for begin in (2, 4):
            shop.source.hold = refuse(lambda _: True, SourceUnavailable("away"))
            for cycle in range(5):
                assert await read_at(shop, begin + cycle / 10) == {SlicePurpose.CATCH_UP: 1}
            assert (await shop.staging.coverage(PROJECT_ID)).watermark == day(begin - 1)
            shop.source.runs.append(a_run(f"r{begin}", thread=f"t{begin}", at=begin * 24 * 60))
            shop.source.hold = refuse(lambda _: False, SourceUnavailable(""))
            assert (await read_at(shop, begin + 0.9))[SlicePurpose.CATCH_UP] == 1
            assert await shop.staging.unread(PROJECT_ID) == []
            await read_at(shop, begin + 1)
            assert (await shop.staging.coverage(PROJECT_ID)).watermark == day(begin + 1)
            await shop.deliver()
        assert len(await shop.revisions()) == 3


async def test_an_outage_within_a_first_backfill_leaves_one_slice_after_it(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        shop.source.page_size = 1
        shop.source.runs = [a_run(f"r{number}", thread=f"t{number}", at=number) for number in range(4)]
        shop.source.hold = refuse(lambda slice_: slice_.cursor == "2", SourceUnavailable("away"))
        await read_at(shop, 1)
        shop.source.hold = refuse(lambda _: True, SourceUnavailable("away"))
        for cycle in range(5):
            await read_at(shop, 2 + cycle / 10)
        assert [(slice_.start, slice_.end) for slice_ in await shop.staging.unread(PROJECT_ID)] == [
            (day(1), day(2.4)),
            (day(0), day(1)),
        ]
        assert (await shop.staging.coverage(PROJECT_ID)).watermark is None
        shop.source.hold = refuse(lambda _: False, SourceUnavailable(""))
        await read_at(shop, 3)
        assert (await shop.staging.coverage(PROJECT_ID)).watermark == day(3)
        await shop.deliver()
        assert len(await shop.revisions()) == 4


async def test_the_beginning_of_a_project_is_told_only_where_it_was_asked_for(tmp_path: Path) -> None:
    for since in (START, EARLIEST):
        async with workshop(tmp_path, since=since) as shop:
            await shop.read()
            (started,) = shop.of_kind(ProjectStarted)
            assert started.start == (START if since == START else None)


async def test_a_look_that_failed_is_taken_by_the_next_cycle(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        pending = a_run("r", thread="t", ended=False)
        shop.source.runs = [pending]
        down = True
        by_id = shop.source.runs_by_id

        async def runs_by_id(project_id: str, ids: Sequence[str]) -> Page:
            if down:
                raise SourceUnavailable("away")
            return await by_id(project_id, ids)

        shop.source.runs_by_id = runs_by_id  # type: ignore[method-assign]  # a source that is away for a while
        assert list(await shop.read()) == [PROJECT_ID]
        down = False
        assert await shop.read() == {}
        assert await shop.read() == {}
        assert shop.source.by_id == [[pending.id]], "and then not before its time"


async def test_no_deep_scan_follows_a_catch_up_that_read_everything(tmp_path: Path) -> None:
    async with workshop(tmp_path, deep_scan=DAY, lookback=300 * DAY) as shop:
        shop.source.runs = [a_run(f"r{number}", thread=f"t{number}", at=number * 10) for number in range(30)]
        await read_at(shop, 1)
        assert await read_at(shop, 3) == {SlicePurpose.CATCH_UP: 3}


async def test_a_deep_scan_that_was_interrupted_is_finished_and_not_begun_anew(tmp_path: Path) -> None:
    async with workshop(tmp_path, deep_scan=DAY, lookback=timedelta(0)) as shop:
        shop.source.page_size = 5
        shop.source.runs = [a_run(f"r{number}", thread=f"t{number}", at=number * 10) for number in range(200)]
        await read_at(shop, 2)
        late = "30"
        shop.source.hold = refuse(
            lambda slice_: slice_.purpose is SlicePurpose.DEEP_SCAN and slice_.cursor == late, SourceUnavailable("gone")
        )
        interrupted = (await read_at(shop, 4))[SlicePurpose.DEEP_SCAN]
        shop.source.hold = refuse(lambda _: False, SourceUnavailable(""))
        resumed = (await read_at(shop, 4.01))[SlicePurpose.DEEP_SCAN]
        assert (interrupted, resumed) == (7, 34)
        assert (await read_at(shop, 4.5))[SlicePurpose.DEEP_SCAN] == 0, "not before its time"
        assert (await read_at(shop, 5.1))[SlicePurpose.DEEP_SCAN] == 40
