"""How a dense slice is shared: its pieces are the remainder, and cuts stay within what they may cost."""

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from support.staged import a_run, a_slice, minute
from trajworker.worker.catching_up import Depth
from trajworker.worker.slicing import FREE_CUTS, PAGES_PER_CUT, cut, cuts_allowed

INSTANT = timedelta(microseconds=1)


@given(
    times=st.lists(st.integers(0, 10_000), min_size=2, max_size=30),
    reach=st.integers(1, 1_000_000),
    parts=st.integers(2, 9),
)
def test_pieces_are_the_remainder_and_touch_without_a_gap(times: list[int], reach: int, parts: int) -> None:
    start = min(times) - reach
    runs = [a_run(f"r{index}", at=time) for index, time in enumerate(times)]
    part = a_slice(start, max(times) + 1)
    pieces = cut(part, runs, parts)
    if not pieces:
        assert min(times) == max(times)
        return
    assert 1 <= len(pieces) <= parts
    assert pieces[-1].start == part.start
    # other runs may share the microsecond of the oldest one that was read
    assert pieces[0].end == minute(min(times)) + INSTANT
    for newer, older in pairwise(pieces):
        assert newer.start == older.end
    assert all(one.start < one.end and one.cursor is None and one.id is None for one in pieces)


def test_a_page_of_one_moment_tells_no_density_to_cut_by() -> None:
    assert cut(a_slice(0, 100), [a_run("a", at=50), a_run("b", at=50)], 4) == ()


def test_nothing_is_cut_where_nothing_is_left() -> None:
    assert cut(a_slice(0, 100), [a_run("a", at=50), a_run("b", at=0)], 4) == ()


def test_years_of_which_an_hour_is_full_are_cut_near_the_hour() -> None:
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    part = a_slice((begin - minute(0)) / timedelta(minutes=1), 60)
    pieces = cut(part, [a_run("a", at=60), a_run("b", at=55)], 4)
    assert pieces[0].start == minute(55 - 4 * 5)
    assert pieces[1].start == minute(55 - 4 * 5 * 3)


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
