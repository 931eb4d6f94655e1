"""What is read next: every moment asked for is covered, being read, or planned, whatever was read before."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from trajworker.ports import Coverage, Slice, SlicePurpose
from trajworker.worker.planning import Lagging, Reading, deep_scan, ended_since, plan

DAY = datetime(2026, 1, 1, tzinfo=UTC)
MINUTES = 600
PROJECT = "p"

minutes = st.integers(0, MINUTES)
stretches = st.lists(st.tuples(minutes, minutes), max_size=5)


def at(minute: float) -> datetime:
    return DAY + timedelta(minutes=minute)


def merged(stretches: list[tuple[int, int]]) -> tuple[tuple[datetime, datetime], ...]:
    """As staging tells coverage: in order, none touching the next."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted(pair for pair in stretches if pair[0] < pair[1]):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return tuple((at(start), at(end)) for start, end in spans)


def a_slice(start: int, end: int, purpose: SlicePurpose = SlicePurpose.COVER) -> Slice:
    return Slice(id=1, project_id=PROJECT, start=at(start), end=at(end), purpose=purpose)


def reading(since: int = 0, until: int | None = None, **more: object) -> Reading:
    asked = {"settle": timedelta(minutes=10), "horizon": timedelta(days=30), "deep_scan": timedelta(days=1)} | more
    return Reading(since=at(since), until=None if until is None else at(until), **asked)  # type: ignore[arg-type]


@given(
    covered=stretches,
    unread=stretches,
    catching_up=st.booleans(),
    since=minutes,
    until=st.none() | minutes,
    now=minutes,
)
def test_every_moment_asked_for_is_covered_unread_or_planned(  # noqa: PLR0913, PLR0917 - each is drawn
    covered: list[tuple[int, int]],
    unread: list[tuple[int, int]],
    catching_up: bool,  # noqa: FBT001 - drawn by Hypothesis
    since: int,
    until: int | None,
    now: int,
) -> None:
    coverage = Coverage(spans=merged(covered))
    todo = [
        a_slice(start, end, SlicePurpose.CATCH_UP if catching_up and not index else SlicePurpose.COVER)
        for index, (start, end) in enumerate(unread)
        if start < end
    ]
    asked = reading(since, until)
    slices = plan(PROJECT, asked, coverage, todo, at(now))
    known = [*coverage.spans, *((one.start, one.end) for one in [*todo, *slices])]
    for minute in range(since, MINUTES):
        if at(minute) < asked.end(at(now)):
            assert any(start <= at(minute) < end for start, end in known), minute


@given(covered=stretches, unread=stretches, since=minutes, until=st.none() | minutes, now=minutes)
def test_nothing_is_asked_for_outside_of_the_range_nor_covered_twice(
    covered: list[tuple[int, int]], unread: list[tuple[int, int]], since: int, until: int | None, now: int
) -> None:
    coverage = Coverage(spans=merged(covered))
    todo = [replace(a_slice(*pair), id=index) for index, pair in enumerate(unread) if pair[0] < pair[1]]
    asked = reading(since, until)
    slices = plan(PROJECT, asked, coverage, todo, at(now))
    ends = {one.id: one.end for one in todo}
    added = [one if one.id is None else replace(one, start=ends[one.id]) for one in slices]
    for one in added:
        assert asked.since <= one.start < one.end <= asked.end(at(now))
    cover = [one for one in added if one.purpose is SlicePurpose.COVER]
    others = [*coverage.spans, *((one.start, one.end) for one in todo)]
    assert not any(one.start < end and start < one.end for one in cover for start, end in others)
    assert sum(one.purpose is SlicePurpose.CATCH_UP for one in slices) <= 1


@pytest.mark.parametrize("purpose", [SlicePurpose.COVER, SlicePurpose.CATCH_UP])
def test_a_gap_after_an_unread_slice_makes_it_longer_unless_it_was_begun(purpose: SlicePurpose) -> None:
    left = a_slice(0, 300, purpose)
    assert plan(PROJECT, reading(0), Coverage(), [left], at(500)) == [replace(left, end=at(490))]
    for begun in (replace(left, cursor="page 2", pages=1), replace(left, purpose=SlicePurpose.LEFT_OVER)):
        (apart,) = plan(PROJECT, reading(0), Coverage(), [begun], at(500))
        assert (apart.id, apart.start, apart.end) == (None, at(300), at(490))


def test_the_end_that_was_asked_for_lags_until_it_has_settled() -> None:
    for now, read_to in ((50, None), (110, None), (119, at(109))):
        lagging = Lagging(read_to=read_to, until=at(110), settle=timedelta(minutes=10))
        assert reading(100, 110).lagging(at(now)) == lagging
    assert reading(100, 110).lagging(at(120)) is None
    assert reading(100).lagging(at(105)) is None


def test_a_first_cycle_covers_the_whole_range_and_catches_up_with_nothing() -> None:
    (whole,) = plan(PROJECT, reading(0, 300), Coverage(), [], at(600))
    assert (whole.start, whole.end, whole.purpose) == (at(0), at(300), SlicePurpose.COVER)


def test_a_later_cycle_catches_up_down_to_the_overlap() -> None:
    coverage = Coverage(spans=((at(0), at(300)),))
    (again,) = plan(PROJECT, reading(0), coverage, [], at(500))
    assert (again.start, again.end, again.purpose) == (at(0), at(490), SlicePurpose.CATCH_UP)
    assert again.floor == at(300) - timedelta(minutes=60)


def test_what_is_older_than_before_is_covered_when_the_range_grows_backwards() -> None:
    coverage = Coverage(spans=((at(200), at(300)),))
    cover, again = plan(PROJECT, reading(0), coverage, [], at(500))
    assert (cover.start, cover.end, cover.purpose) == (at(0), at(200), SlicePurpose.COVER)
    assert again.purpose is SlicePurpose.CATCH_UP


def test_a_range_that_begins_after_all_that_was_read_is_covered_once() -> None:
    (cover,) = plan(PROJECT, reading(400), Coverage(spans=((at(0), at(300)),)), [], at(500))
    assert (cover.start, cover.end, cover.purpose) == (at(400), at(490), SlicePurpose.COVER)


def test_nothing_is_read_before_it_can_have_settled() -> None:
    assert plan(PROJECT, reading(0), Coverage(), [], at(10)) == []


def test_what_has_not_settled_is_read_where_that_is_asked_for_and_lies_in_the_overlap_of_the_next_cycle() -> None:
    cover, _ = plan(PROJECT, reading(0, unsettled=True), Coverage(), [], at(300))
    assert cover.end == at(300)
    again, _ = plan(PROJECT, reading(0, unsettled=True), Coverage(spans=((at(0), at(300)),)), [], at(500))
    assert (again.end, again.floor) == (at(500), at(300) - timedelta(minutes=60))
    assert reading(0, 200, unsettled=True).end(at(300)) == at(200)


def ahead(until: int | None, todo: list[Slice], now: int) -> Slice | None:
    """What an import reads of what counts as unread."""
    slices = plan(PROJECT, reading(0, until, unsettled=True), Coverage(spans=((at(0), at(100)),)), todo, at(now))
    return next((one for one in slices if one.purpose is SlicePurpose.UNSETTLED), None)


def test_what_is_ahead_of_the_clock_is_read_by_imports_as_far_as_it_was_asked_for() -> None:
    whole = ahead(None, [], 300)
    assert whole is not None
    assert (whole.start, whole.end, whole.id) == (at(300), at(300) + timedelta(days=1), None)
    bounded = ahead(310, [], 300)
    assert bounded is not None
    assert (bounded.start, bounded.end) == (at(300), at(310))
    assert ahead(300, [], 300) is None
    assert len(plan(PROJECT, reading(0), Coverage(), [], at(300))) == 1, "but never by a worker"


def test_what_came_late_into_a_slice_that_an_import_left_is_read_anew_and_so_is_what_was_ahead() -> None:
    begun = replace(a_slice(0, 290, SlicePurpose.CATCH_UP), cursor="page 2")
    assert ahead(None, [begun], 300) == replace(a_slice(230, 300 + 24 * 60, SlicePurpose.UNSETTLED), id=None), (
        "its overlap is an hour"
    )
    old = replace(a_slice(0, 50), cursor="page 2")
    left = replace(a_slice(290, 2000, SlicePurpose.UNSETTLED), id=7, cursor="page 2")
    again = ahead(None, [old, left], 300)
    assert again is not None
    assert (again.id, again.cursor, again.start) == (7, None, at(300))


def test_ended_runs_are_asked_for_from_a_little_before_the_mark() -> None:
    ended = ended_since(PROJECT, reading(0), at(100), at(200))
    assert ended.ended_after == at(90)
    assert (ended.start, ended.end) == (at(0), at(200))


@pytest.mark.parametrize(("hours", "due"), [(22, False), (23, True), (24, True), (100, True)])
def test_the_horizon_is_read_again_once_a_day(hours: int, *, due: bool) -> None:
    now = DAY + timedelta(days=100)
    scan = deep_scan(PROJECT, reading(0), now - timedelta(hours=hours), now)
    assert (scan is not None) is due
    if scan is not None:
        assert scan.start == now - timedelta(days=30)
        assert scan.end == now - timedelta(minutes=10)


def test_no_deep_scan_where_all_that_is_asked_for_is_older_than_the_horizon() -> None:
    now = DAY + timedelta(days=100)
    assert deep_scan(PROJECT, reading(0, MINUTES), now - timedelta(days=2), now) is None


def test_no_deep_scan_where_none_is_wanted() -> None:
    assert deep_scan(PROJECT, reading(0, deep_scan=None), at(0), at(9999)) is None
