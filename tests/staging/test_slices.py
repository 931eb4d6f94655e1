"""Slices: what is still to be read, what was read whole, cursors that come twice, and the watermark."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from support.staged import PROJECT_ID, a_page, a_run, a_slice, minute
from trajworker.model.intervals import subtract, union
from trajworker.model.run import Project
from trajworker.ports import Coverage, Slice, SlicePurpose
from trajworker.staging import Staging
from trajworker.staging.slices import watermark_of

PROJECT = Project(PROJECT_ID, "acme")


async def read(staging: Staging, *parts: Slice) -> Coverage:
    """Plan slices and read them to their end at once."""
    before = {part.id for part in await staging.unread(PROJECT_ID)}
    await staging.plan(PROJECT, parts)
    for part in await staging.unread(PROJECT_ID):
        if part.id not in before:
            await staging.stage(a_page([], 1, part, done=True))
    return await staging.coverage(PROJECT_ID)


def spans(*pairs: tuple[float, float]) -> tuple[tuple[datetime, datetime], ...]:
    return tuple((minute(start), minute(end)) for start, end in pairs)


async def test_a_slice_goes_on_where_its_last_page_ended(staging: Staging) -> None:
    asked = a_slice(0, 10, purpose=SlicePurpose.ENDED, ended_after=minute(3), floor=minute(1))
    await staging.plan(PROJECT, [asked])
    (part,) = await staging.unread(PROJECT_ID)
    assert part == replace(asked, id=part.id)
    onward = replace(part, cursor="next", pages=1)
    await staging.stage(a_page([a_run("a")], 1, onward))
    assert await staging.unread(PROJECT_ID) == [onward]
    (figures,) = (await staging.figures()).projects
    assert (figures.slices_unread, figures.pages_of_unread_slices) == (1, 1)
    await staging.stage(a_page([], 2, replace(onward, cursor=None, pages=2), done=True))
    (figures,) = (await staging.figures()).projects
    assert (figures.slices_unread, figures.pages_of_unread_slices) == (0, 0)


async def test_a_slice_read_to_its_end_is_off_the_list_and_covered(staging: Staging) -> None:
    assert await staging.coverage(PROJECT_ID) == Coverage()
    assert await read(staging, a_slice(0, 10)) == Coverage(spans=spans((0, 10)), watermark=minute(10))
    assert await staging.unread(PROJECT_ID) == []


async def test_a_page_of_a_slice_that_is_done_is_staged_and_brings_the_slice_not_back(staging: Staging) -> None:
    await staging.plan(PROJECT, [a_slice(0, 10)])
    (part,) = await staging.unread(PROJECT_ID)
    await staging.stage(a_page([], 1, part, done=True))
    outcome = await staging.stage(a_page([a_run("a")], 2, replace(part, cursor="x")))
    assert (outcome.changed, await staging.unread(PROJECT_ID)) == (1, [])


async def test_split_slices_get_ids_and_hold_the_watermark_back(staging: Staging) -> None:
    await staging.plan(PROJECT, [a_slice(0, 100)])
    (part,) = await staging.unread(PROJECT_ID)
    split = (a_slice(50, 90), a_slice(0, 50))
    outcome = await staging.stage(replace(a_page([a_run("a", at=90)], 1, part, done=True), split=split))
    assert [replace(one, id=None) for one in outcome.split] == list(split)
    assert {one.id for one in outcome.split} == {one.id for one in await staging.unread(PROJECT_ID)}
    assert await staging.coverage(PROJECT_ID) == Coverage(spans=spans((90, 100)), watermark=None)
    newer, older = outcome.split
    await staging.stage(a_page([], 2, older, done=True))
    assert (await staging.coverage(PROJECT_ID)).watermark == minute(50)
    await staging.stage(a_page([], 3, newer, done=True))
    assert await staging.coverage(PROJECT_ID) == Coverage(spans=spans((0, 100)), watermark=minute(100))


async def test_the_covered_range_grows_on_either_side(staging: Staging) -> None:
    assert (await read(staging, a_slice(10, 20))).watermark == minute(20)
    assert (await read(staging, a_slice(20, 30))).spans == spans((10, 30))
    assert await read(staging, a_slice(0, 10)) == Coverage(spans=spans((0, 30)), watermark=minute(30))


async def test_what_is_planned_before_the_range_holds_the_watermark_back(staging: Staging) -> None:
    await read(staging, a_slice(10, 20))
    await staging.plan(PROJECT, [a_slice(0, 10)])
    assert (await staging.coverage(PROJECT_ID)).watermark is None


async def test_what_nobody_asked_for_does_not(staging: Staging) -> None:
    await read(staging, a_slice(0, 10))
    covered = await read(staging, a_slice(50, 60))
    assert covered == Coverage(spans=spans((0, 10), (50, 60)), watermark=minute(60))


async def test_reading_the_overlap_again_does_not_set_the_watermark_back(staging: Staging) -> None:
    await read(staging, a_slice(0, 10))
    await staging.plan(PROJECT, [a_slice(5, 15, purpose=SlicePurpose.CATCH_UP)])
    assert (await staging.coverage(PROJECT_ID)).watermark == minute(10)


@pytest.mark.parametrize("purpose", [SlicePurpose.ENDED, SlicePurpose.DEEP_SCAN, SlicePurpose.UNSETTLED])
async def test_other_purposes_cover_nothing(staging: Staging, purpose: SlicePurpose) -> None:
    assert await read(staging, a_slice(0, 10, purpose=purpose)) == Coverage()


async def test_a_cursor_that_comes_twice_is_noticed_also_in_a_longer_circle(staging: Staging) -> None:
    await staging.plan(PROJECT, [a_slice(0, 10)])
    (part,) = await staging.unread(PROJECT_ID)
    found = [
        (await staging.stage(a_page([], number, replace(part, cursor=cursor)))).cursor_seen
        for number, cursor in enumerate(["A", "B", "C", "A"])
    ]
    assert found == [False, False, False, True]


async def test_a_slice_begun_again_forgets_its_cursors(staging: Staging) -> None:
    await staging.plan(PROJECT, [a_slice(0, 10)])
    (part,) = await staging.unread(PROJECT_ID)
    await staging.stage(a_page([], 1, replace(part, cursor="A", pages=1)))
    await staging.plan(PROJECT, [replace(part, restarts=1)])
    assert await staging.unread(PROJECT_ID) == [replace(part, restarts=1)]
    assert not (await staging.stage(a_page([], 2, replace(part, cursor="A", pages=1, restarts=1)))).cursor_seen


async def test_two_slices_may_have_the_same_cursor(staging: Staging) -> None:
    await staging.plan(PROJECT, [a_slice(0, 10), a_slice(10, 20)])
    for part in await staging.unread(PROJECT_ID):
        assert not (await staging.stage(a_page([], 1, replace(part, cursor="A")))).cursor_seen


async def test_a_project_keeps_its_newest_name(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a")], 1))
    await staging.plan(PROJECT, [])
    assert [project.name for project in (await staging.figures()).projects] == ["acme"]


STRETCHES = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda pair: (min(pair), max(pair))), max_size=6
)


def moments(stretches: list[tuple[int, int]]) -> set[int]:
    return {moment for start, end in stretches for moment in range(start, end)}


@given(STRETCHES, STRETCHES)
def test_stretches_are_sets_of_moments(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> None:
    assert moments(union(some)) == moments(some)
    assert moments(subtract(some, others)) == moments(some) - moments(others)
    joined = union(some)
    assert all(end < start for (_, end), (start, _) in pairwise(joined))


@given(STRETCHES, STRETCHES)
def test_everything_planned_before_the_watermark_was_read(
    read_whole: list[tuple[int, int]], planned: list[tuple[int, int]]
) -> None:
    watermark = watermark_of(union(read_whole), planned)
    missing = moments(planned) - moments(read_whole)
    assert watermark is None or all(moment >= watermark for moment in missing)


async def test_marks_are_remembered(staging: Staging) -> None:
    assert await staging.mark(PROJECT_ID, "ended") is None
    await staging.set_mark(PROJECT_ID, "ended", minute(3))
    await staging.set_mark(PROJECT_ID, "ended", minute(4) + timedelta(microseconds=1))
    assert await staging.mark(PROJECT_ID, "ended") == minute(4) + timedelta(microseconds=1)
