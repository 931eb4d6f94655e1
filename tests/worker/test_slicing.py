"""How a dense slice is shared: its pieces are the remainder, and cuts stay within what they may cost."""

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from support.staged import a_run, a_slice, minute
from trajworker.model.run import Run
from trajworker.ports import Page, SlicePurpose, Swift
from trajworker.worker.catching_up import Depth
from trajworker.worker.slicing import (
    FREE_CUTS,
    LEAP_PAGES,
    PAGES_PER_CUT,
    RUN_TIME,
    after,
    cut,
    cuts_allowed,
    following,
    quicken,
)

INSTANT = timedelta(microseconds=1)
WEEK = timedelta(days=7)


def page(*runs: Run, next_runs: int | None = None) -> Page:
    return Page(runs=runs, next_runs=next_runs)


@given(
    times=st.lists(st.integers(0, 10_000), min_size=2, max_size=30),
    reach=st.integers(1, 1_000_000),
    parts=st.integers(2, 9),
    pages=st.integers(1, 2000),
)
def test_pieces_are_the_remainder_and_touch_without_a_gap(times: list[int], reach: int, parts: int, pages: int) -> None:
    start = min(times) - reach
    runs = [a_run(f"r{index}", at=time) for index, time in enumerate(times)]
    slice_ = a_slice(start, max(times) + 1)
    pieces = cut(slice_, Page(runs=tuple(runs)), parts, pages)
    if not pieces:
        assert min(times) == max(times) or reach < 2 * (max(times) - min(times)) * max(
            LEAP_PAGES, pages / PAGES_PER_CUT
        )
        return
    assert 1 <= len(pieces) <= parts
    assert pieces[-1].start == slice_.start
    # other runs may share the microsecond of the oldest one that was read
    assert pieces[0].end == minute(min(times)) + INSTANT
    for newer, older in pairwise(pieces):
        assert newer.start == older.end
    assert all(one.start < one.end and one.cursor is None and one.id is None for one in pieces)


def test_a_page_of_one_moment_tells_no_density_to_cut_by() -> None:
    assert cut(a_slice(0, 100), page(a_run("a", at=50), a_run("b", at=50)), 4, 1) == ()


def test_nothing_is_cut_where_nothing_is_left() -> None:
    assert cut(a_slice(0, 100), page(a_run("a", at=50), a_run("b", at=0)), 4, 1) == ()


def test_years_of_which_an_hour_is_full_are_cut_near_the_hour() -> None:
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    slice_ = a_slice((begin - minute(0)) / timedelta(minutes=1), 60)
    pieces = cut(slice_, page(a_run("a", at=60), a_run("b", at=55)), 4, 1)
    assert pieces[0].start == minute(55 - 4 * 5)
    assert pieces[1].start == minute(55 - 4 * 5 * 3)


def test_the_more_was_read_the_longer_are_the_parts_cut_off() -> None:
    slice_ = a_slice(-100_000_000, 60)
    hour = page(a_run("a", at=60), a_run("b", at=0))
    assert [cut(slice_, hour, 2, pages)[0].start for pages in (1, 100)] == [minute(-4 * 60), minute(-100 * 60)]
    larger = page(*hour.runs, next_runs=20)
    assert cut(slice_, larger, 2, 1)[0].start == minute(-4 * 60 * 10)


@given(st.integers(1, 10_000_000), st.integers(2, 20), st.integers(1, 60 * 24 * 365 * 10), st.integers(1, 1000))
def test_no_density_is_too_little_to_be_reckoned_with(pages: int, shares: int, span: int, next_runs: int) -> None:
    slice_ = a_slice(-60 * 24 * 365 * 50, 1)
    sparse = page(a_run("a", at=0), a_run("b", at=-span), next_runs=next_runs)
    for pieces in (cut(slice_, sparse, shares, pages), quicken(slice_, sparse, a_swift(-10))):
        assert all(slice_.start <= one.start < one.end for one in pieces)


def test_what_holds_hardly_more_than_a_cut_costs_is_not_cut() -> None:
    runs = page(a_run("a", at=0), a_run("b", at=-10))
    assert len(cut(a_slice(-90, 1), runs, 4, 1)) == 2
    assert cut(a_slice(-80, 1), runs, 4, 1) == ()
    assert cut(a_slice(-90, 1), runs, 4, 500) == ()


def test_a_slice_goes_on_from_the_next_cursor_until_its_last_page() -> None:
    slice_ = a_slice(0, 100, cursor="1", pages=1)
    then = following(slice_, Page(runs=(), next_cursor="2"), ())
    assert (then.done, then.split) == (False, ())
    assert (then.slice.cursor, then.slice.pages, then.slice.start, then.slice.end) == ("2", 2, minute(0), minute(100))
    last = following(then.slice, Page(runs=()), ())
    assert (last.done, last.split, last.slice.cursor, last.slice.pages) == (True, (), None, 3)


def test_a_cut_ends_a_slice_and_its_pieces_are_read_in_its_place() -> None:
    pieces = (a_slice(50, 90), a_slice(0, 50))
    then = following(a_slice(0, 100), Page(runs=(), next_cursor="2"), pieces)
    assert (then.done, then.split) == (True, pieces)


def test_what_a_swift_stretch_leaves_out_is_followed_by_it_once_that_is_read_to_its_end() -> None:
    left_over = a_slice(0, 100, purpose=SlicePurpose.LEFT_OVER)
    assert following(left_over, Page(runs=(), next_cursor="2"), ()).split == ()
    assert following(left_over, Page(runs=()), ()).split == after(left_over) != ()


def a_swift(since: float) -> Swift:
    return Swift(since=minute(since), span=WEEK)


@given(
    times=st.lists(st.integers(0, 1_000), min_size=1, max_size=30),
    reach=st.integers(0, 100_000),
    since=st.integers(-100_000, 2_000),
)
def test_what_is_quickened_is_the_remainder_without_a_gap_and_leaves_runs_a_day_to_end(
    times: list[int], reach: int, since: int
) -> None:
    slice_ = a_slice(min(times) - reach, max(times) + 1)
    pieces = quicken(slice_, page(*(a_run(f"r{index}", at=time) for index, time in enumerate(times))), a_swift(since))
    if not pieces:
        return
    assert pieces[0].end == minute(min(times)) + INSTANT
    assert pieces[-1].start == slice_.start
    assert [older.end for older in pieces[1:]] == [newer.start for newer in pieces[:-1]]
    recent, rest = pieces[0], pieces[1:]
    assert all(one.purpose is SlicePurpose.COVER for one in rest)
    if recent.purpose is SlicePurpose.COVER:
        assert recent.start == minute(since)
        return
    assert recent.purpose is SlicePurpose.LEFT_OVER
    assert recent.end - recent.start <= WEEK - RUN_TIME + INSTANT
    (swift,) = after(recent)
    assert (swift.purpose, swift.start, swift.end) == (SlicePurpose.SWIFT, recent.start, recent.end)
    assert not after(swift)
    assert not any(after(one) for one in rest)


def test_a_stretch_is_not_quickened_where_it_would_hold_few_pages() -> None:
    slice_ = a_slice(-1_000_000, 1_000)
    hour = page(a_run("a", at=0), a_run("b", at=60))
    assert quicken(slice_, hour, a_swift(2_000))
    day = page(a_run("a", at=0), a_run("b", at=24 * 60))
    assert not quicken(slice_, day, a_swift(2_000))


def test_pieces_of_a_swift_slice_are_swift() -> None:
    slice_ = a_slice(0, 100, purpose=SlicePurpose.SWIFT)
    pieces = cut(slice_, page(a_run("a", at=99), a_run("b", at=98)), 3, 1)
    assert [one.purpose for one in pieces] == [SlicePurpose.SWIFT] * 3


@given(st.integers(0, 100_000))
def test_cuts_never_cost_more_than_a_twentieth_of_the_pages(pages: int) -> None:
    cuts = 0
    while cuts_allowed(pages, cuts):
        cuts += 1
    assert cuts == FREE_CUTS + pages // PAGES_PER_CUT
    assert cuts <= FREE_CUTS + math.ceil(0.05 * pages)


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_a_catch_up_reads_no_deeper_than_twice_its_latest_find(finds: list[bool]) -> None:
    depth, read, found = Depth(), 0, 0
    for late in [*finds, *[False] * len(finds)]:
        depth = depth.deeper(late=late)
        read += 1
        if late:
            found = read
        if depth.enough:
            break
    assert depth.enough
    assert read == max(1, 2 * found)


def test_a_steady_source_costs_one_page_below_the_floor() -> None:
    assert Depth().deeper(late=False).enough
