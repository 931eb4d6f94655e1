from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from trajworker.simulator import ManualClock, Simulator, cursors
from trajworker.simulator.selection import Query
from trajworker.simulator.store import Key

NOW_S = 1_790_000_000.0
MICROSECONDS = 1_000_000


def run(number: int, second: int) -> dict[str, Any]:
    run_id = f"00000000-0000-0000-0000-{number:012d}"
    return {"id": run_id, "trace_id": run_id, "start_time": f"2026-01-01T00:00:{second:02d}", "name": str(second)}


def loaded(seconds: list[int], projects: int) -> Simulator:
    simulator = Simulator(now_s=ManualClock(NOW_S))
    for number, second in enumerate(seconds):
        simulator.add_runs(f"p{number % projects}", [run(number, second)])
    return simulator


def walk(simulator: Simulator, query: Query, size: int) -> list[Key]:
    keys: list[Key] = []
    after: Key | None = None
    while True:
        page = simulator.state.select(query, after, size)
        keys += [(found.start_us, found.id) for found in page.runs]
        if page.next_key is None:
            return keys
        after = cursors.read(cursors.after(page.next_key))


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 5), max_size=30),
    st.integers(1, 3),
    st.integers(1, 7),
    st.sampled_from(["asc", "desc"]),
    st.sampled_from(
        [None, 'neq(name, "2")', 'and(gte(start_time, "2026-01-01T00:00:02Z"), lt(start_time, "2026-01-01T00:00:04Z"))']
    ),
)
def test_every_run_comes_once_and_in_order(
    seconds: list[int], projects: int, size: int, order: str, text: str | None
) -> None:
    simulator = loaded(seconds, projects)
    ascending = order == "asc"
    keys = walk(
        simulator, Query(projects=tuple(simulator.state.store.projects), ascending=ascending, filter=text), size
    )
    wanted = {None: lambda _s: True, 'neq(name, "2")': lambda s: s != 2}.get(text, lambda s: 2 <= s < 4)
    expected = [run(number, second)["id"] for number, second in enumerate(seconds) if wanted(second)]
    assert sorted(key[1] for key in keys) == expected
    assert keys == sorted(keys, reverse=not ascending)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.integers(0, 10), st.integers(0, 10))
def test_start_bounds_include_the_low_and_exclude_the_high(seconds: list[int], low: int, high: int) -> None:
    simulator = loaded(seconds, 1)
    first_us = 1_767_225_600 * MICROSECONDS
    query = Query(start_low_us=first_us + low * MICROSECONDS, start_high_us=first_us + high * MICROSECONDS)
    found = [(key[0] - first_us) // MICROSECONDS for key in walk(simulator, query, 3)]
    assert sorted(found) == sorted(second for second in seconds if low <= second < high)


def test_a_run_that_arrives_behind_the_cursor_is_not_seen_and_one_ahead_is() -> None:
    simulator = loaded([1, 3, 5, 7], 1)
    first = simulator.state.select(Query(), None, 2)
    simulator.add_runs("p0", [run(10, 6), run(11, 2)])
    rest = simulator.state.select(Query(), first.next_key, 10)
    assert [found.name for found in first.runs] == ["7", "5"]
    assert [found.name for found in rest.runs] == ["3", "2", "1"]


def test_many_runs_in_any_order_are_sorted_once() -> None:
    seconds = [(number * 37) % 60 for number in range(500)]
    simulator = Simulator(now_s=ManualClock(NOW_S))
    simulator.add_runs("p", [run(number, second) for number, second in enumerate(seconds)])
    assert [found.name for found in simulator.state.select(Query(), None, None).runs] == [
        str(second) for second in sorted(seconds, reverse=True)
    ]
