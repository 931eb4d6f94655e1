"""Paths too long to align exactly are still explained, in linear time, and never judged wrongly."""

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.calls import call
from trajworker.matching import alignment, matches, render
from trajworker.matching.rules import Rules

LONG = 1_000
CALLS = st.lists(
    st.builds(call, st.sampled_from(["f", "g"]), st.dictionaries(st.just("p"), st.integers(0, 6), max_size=1)),
    max_size=12,
)


def steps(count: int) -> list[dict[str, Any]]:
    return [call("step", {"n": n}) for n in range(count)]


def kinds(actual: list[Any], expected: list[Any], mode: str = "strict") -> dict[str, int]:
    verdict = matches(actual, expected, mode)
    assert not verdict
    return {kind: verdict.count(kind) for kind in ("kept", "inserted", "deleted", "changed")}


def test_one_edit_is_found_however_long_the_path() -> None:
    path = steps(LONG)
    assert kinds([*path[:500], call("mail", {}), *path[500:]], path) == {
        "kept": LONG, "inserted": 1, "deleted": 0, "changed": 0,
    }  # fmt: skip


def test_edits_all_over_are_found_between_calls_that_occur_once() -> None:
    path = steps(LONG)
    edited = list(path)
    edited[0] = call("step", {"n": -1})
    edited[-1] = call("other", {})
    del edited[300]
    edited[600:600] = [call("mail", {}), call("mail", {})]
    assert kinds(edited, path) == {"kept": LONG - 3, "inserted": 3, "deleted": 2, "changed": 1}


def test_a_reversed_path_is_explained_without_looking_at_every_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    pairs = Rules.pairs

    def counted(self: Rules, actual: Any, expected: Any) -> bool:
        nonlocal asked
        asked += 1
        return pairs(self, actual, expected)

    monkeypatch.setattr(Rules, "pairs", counted)
    path = steps(LONG)
    verdict = matches(path[::-1], path)
    assert not verdict
    assert asked < 20 * LONG + 4 * alignment.ALIGNMENT_CELLS
    assert len(render(verdict)) < 20_000


def test_a_long_path_of_equal_calls_has_no_anchors_and_is_still_told() -> None:
    same = [call("poll", {})] * LONG
    found = kinds([call("start", {}), *same, call("stop", {})], [call("go", {}), *same[:-300], call("end", {})])
    assert found["kept"] >= LONG - 301
    assert found["inserted"] - found["deleted"] == 300


@pytest.mark.parametrize("mode", ["unordered", "superset", "subset"])
def test_unordered_leftovers_are_paired_in_order_when_there_are_too_many(mode: str) -> None:
    actual = [call("step", {"n": n, "v": 1}) for n in range(400)]
    expected = [call("step", {"n": n, "v": 2}) for n in range(400)]
    assert kinds(actual, expected, mode) == {"kept": 0, "inserted": 0, "deleted": 0, "changed": 400}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actual=CALLS, expected=CALLS, cells=st.integers(0, 20))
def test_wherever_the_bound_lies_the_alignment_is_one(
    monkeypatch: pytest.MonkeyPatch, actual: list[Any], expected: list[Any], cells: int
) -> None:
    monkeypatch.setattr(alignment, "ALIGNMENT_CELLS", cells)
    for mode in ("strict", "unordered"):
        verdict = matches(actual, expected, mode)
        made = [row.actual.index for row in verdict.alignment if row.actual]
        wanted = [row.expected.index for row in verdict.alignment if row.expected]
        assert sorted(made) == list(range(len(actual)))
        assert sorted(wanted) == list(range(len(expected)))
        if mode == "strict":
            assert made == sorted(made)
            assert wanted == sorted(wanted)
        for row in verdict.alignment:
            if row.actual and row.expected:
                assert bool(matches([row.actual], [row.expected])) is (row.kind == "kept")


def test_values_that_json_does_not_know_are_compared_all_the_same() -> None:
    made = [call("t", {"on": date(2026, 1, day), "n": 1}) for day in (1, 2, 3)]
    assert matches(made[::-1], made, "unordered")
    assert matches(made, [call("t", {"n": 1}), call("t", {"on": date(2026, 1, 1)})], "superset", "subset")
    assert not matches(made, [call("t", {"on": date(2026, 1, 4)})], "superset", "subset")
    assert "2026-01-04" in render(matches(made[:1], [call("t", {"on": date(2026, 1, 4), "n": 1})]))
