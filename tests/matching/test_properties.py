"""What holds for all paths of calls: what implies what, what changes nothing, and that no assignment is missed."""

import copy
import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.calls import seed_accepts, seed_first_fit
from trajworker.matching import matches
from trajworker.matching.pointers import PathPatterns
from trajworker.matching.values import key_of, same

SCALARS = st.sampled_from([None, True, False, 0, 1, 1.0, 2, -0.0, "", "a", "1"])


def objects(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(["p", "q"]), values, max_size=2)


VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | objects(inner), max_leaves=4)


def calls(arguments: st.SearchStrategy[Any], size: int = 5) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.fixed_dictionaries({"name": st.sampled_from(["f", "g"]), "arguments": arguments})
    return st.lists(one, max_size=size)


PLAIN = calls(objects(VALUES))
ANY = calls(objects(SCALARS) | st.none() | st.just("raw"))
SMALL = calls(objects(SCALARS) | st.none(), size=4)
MODES = st.sampled_from(["strict", "unordered", "superset", "subset", "in_order"])
ARGS = st.sampled_from(["exact", "subset", "superset", "ignore"])
GROUPS = st.sampled_from([None, "turn"])


def grouped(path: list[Any], sizes: list[int]) -> list[Any]:
    """The same calls as a list of turns of these sizes, and the rest one by one."""
    turns, rest = [], list(path)
    for size in sizes:
        turns.append(rest[:size])
        rest = rest[size:]
    return [turn for turn in [*turns, *([one] for one in rest)] if turn]


def alike(ours: list[Any], theirs: list[Any], picks: list[int]) -> list[Any]:
    """An expectation that often holds: some calls of the actual side, some others."""
    return [ours[pick % len(ours)] if ours else other for pick, other in zip(picks, theirs, strict=False)]


@given(PLAIN, MODES, ARGS, GROUPS)
def test_every_path_matches_itself(path: list[Any], mode: str, args: str, group: Any) -> None:
    assert matches(path, path, mode, args, group=group)


@given(ANY, ANY, st.lists(st.integers(0, 9), max_size=5), ARGS, GROUPS)
def test_strict_implies_in_order_implies_superset(
    actual: list[Any], other: list[Any], picks: list[int], args: str, group: Any
) -> None:
    expected = alike(actual, other, picks)
    if matches(actual, expected, "strict", args, group=group):
        assert matches(actual, expected, "in_order", args, group=group)
        assert matches(actual, expected, "unordered", args, group=group)
    if matches(actual, expected, "in_order", args, group=group):
        assert matches(actual, expected, "superset", args, group=group)
    if matches(actual, expected, "unordered", args):
        assert matches(actual, expected, "superset", args)
        assert matches(actual, expected, "subset", args)


@given(PLAIN, PLAIN, st.lists(st.integers(0, 9), max_size=5))
def test_unordered_is_symmetric_under_exact(one: list[Any], two: list[Any], picks: list[int]) -> None:
    other = alike(one, two, picks)
    assert bool(matches(one, other, "unordered")) is bool(matches(other, one, "unordered"))
    assert bool(matches(one, other, "superset")) is bool(matches(other, one, "subset"))


@given(ANY, ANY, st.data(), ARGS)
def test_the_order_of_calls_never_changes_an_unordered_verdict(
    actual: list[Any], expected: list[Any], data: st.DataObject, args: str
) -> None:
    shuffled = data.draw(st.permutations(actual)), data.draw(st.permutations(expected))
    for mode in ("unordered", "superset", "subset"):
        assert bool(matches(actual, expected, mode, args)) is bool(matches(*shuffled, mode, args))


@given(SMALL, SMALL, st.lists(st.integers(0, 9), max_size=4), st.sampled_from(["exact", "subset"]))
def test_the_verdict_equals_brute_force(actual: list[Any], other: list[Any], picks: list[int], args: str) -> None:
    expected = alike(actual, other, picks)
    exists = len(expected) <= len(actual) and any(
        all(seed_accepts(made, wanted, args) for made, wanted in zip(chosen, expected, strict=True))
        for chosen in permutations(actual, len(expected))
    )
    assert bool(matches(actual, expected, "superset", args)) is exists
    assert bool(matches(actual, expected, "unordered", args)) is (exists and len(actual) == len(expected))


@given(SMALL, SMALL, st.lists(st.integers(0, 9), max_size=4), st.sampled_from(["exact", "subset"]))
def test_a_yes_of_the_seed_is_a_yes_here_and_strict_agrees_both_ways(
    actual: list[Any], other: list[Any], picks: list[int], args: str
) -> None:
    expected = alike(actual, other, picks)
    assert bool(matches(actual, expected, "strict", args)) is seed_first_fit(actual, expected, "strict", args)
    for mode in ("unordered", "superset"):
        if seed_first_fit(actual, expected, mode, args):
            assert matches(actual, expected, mode, args)


@given(ANY, ANY, MODES, ARGS, GROUPS)
def test_nothing_that_is_given_is_changed(
    actual: list[Any], expected: list[Any], mode: str, args: str, group: Any
) -> None:
    before = copy.deepcopy((actual, expected))
    matches(actual, expected, mode, args, group=group)
    assert json.dumps((actual, expected)) == json.dumps(before)


@given(ANY, ANY, MODES, ARGS, GROUPS)
def test_an_alignment_tells_every_call_once_and_agrees_with_the_verdict(
    actual: list[Any], expected: list[Any], mode: str, args: str, group: Any
) -> None:
    verdict = matches(actual, expected, mode, args, group=group)
    rows = verdict.alignment
    assert sorted(row.actual.index for row in rows if row.actual) == list(range(len(actual)))
    assert sorted(row.expected.index for row in rows if row.expected) == list(range(len(expected)))
    assert all(row.differences for row in rows if row.kind == "changed")
    assert len(verdict.pairs) + len(verdict.missing) == len(expected)
    assert len(verdict.pairs) + len(verdict.extra) == len(actual)
    if mode == "strict" and not group:
        assert bool(verdict) is all(row.kind == "kept" for row in rows)
    if mode in ("superset", "in_order"):
        assert bool(verdict) is not bool(verdict.missing)
    if mode == "subset":
        assert bool(verdict) is not bool(verdict.extra)
    assert 0 <= verdict.f1 <= 1


@given(VALUES, VALUES)
def test_values_have_the_same_key_exactly_when_they_are_equal(one: Any, other: Any) -> None:
    assert (key_of(one, PathPatterns()) == key_of(other, PathPatterns())) is same(one, other)


@pytest.mark.parametrize("args", ["exact", "subset"])
def test_augmenting_paths_are_found_however_long(args: str) -> None:
    """Each expectation but the last prefers the call that its successor needs."""
    size = 60
    actual = [{"name": "t", "arguments": {"a": n, "b": n + 1}} for n in range(size)]
    expected = [{"name": "t", "arguments": {"a": size - 1}}]
    expected += [{"name": "t", "arguments": {"b": n + 1}} for n in range(size - 1)]
    assert bool(matches(actual, expected, "unordered", args)) is (args == "subset")


@given(ANY, ANY, st.lists(st.integers(0, 9), max_size=5), st.lists(st.integers(1, 3), max_size=3), st.data())
def test_turns_loosen_strict_and_tighten_unordered(
    actual: list[Any], other: list[Any], picks: list[int], sizes: list[int], data: st.DataObject
) -> None:
    expected = alike(actual, other, picks)
    sides = [grouped(actual, sizes), data.draw(st.sampled_from([expected, grouped(expected, sizes)]))]
    by_turn = matches(*sides, group="turn")
    assert len(by_turn.alignment) >= max(len(actual), len(expected))
    if matches(actual, expected):
        assert by_turn
    if by_turn:
        assert all(row.kind == "kept" for row in by_turn.alignment)
        assert matches(*sides, "in_order", group="turn")
        assert matches(actual, expected, "unordered")
    if matches(*sides, "in_order", group="turn"):
        assert matches(actual, expected, "superset")
