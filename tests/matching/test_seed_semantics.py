"""The verdicts of seed 003, edge by edge (peers.md section 2, proved there by running the original)."""

from typing import Any

import pytest

from support.calls import call
from trajworker.matching import MalformedCall, UnknownOption, matches, refute_trajectory
from trajworker.trajectory import Trajectory

SEARCH = call("search", {"query": "weather"})
BOOK = call("book", {"hotel": "X"})


def pair(made: Any, wanted: Any, args: str = "exact") -> bool:
    return bool(matches([call("t", made)], [call("t", wanted)], args=args))


@pytest.mark.parametrize("mode", ["strict", "unordered"])
def test_only_no_calls_match_no_calls(mode: str) -> None:
    assert matches([], [], mode)
    assert not matches([SEARCH], [], mode)
    assert not matches([], [SEARCH], mode)


def test_a_superset_of_nothing_is_anything() -> None:
    assert matches([], [], "superset")
    assert matches([SEARCH, BOOK], [], "superset")
    assert not matches([], [SEARCH], "superset")


def test_strict_wants_order_and_count() -> None:
    assert matches([SEARCH, BOOK], [SEARCH, BOOK])
    assert not matches([BOOK, SEARCH], [SEARCH, BOOK])
    assert not matches([SEARCH, BOOK, BOOK], [SEARCH, BOOK])


def test_unordered_wants_the_count_only() -> None:
    assert matches([BOOK, SEARCH], [SEARCH, BOOK], "unordered")
    assert not matches([SEARCH, SEARCH, BOOK], [SEARCH, BOOK], "unordered")
    assert not matches([SEARCH, SEARCH], [SEARCH, BOOK], "unordered")


def test_superset_counts_duplicates() -> None:
    assert matches([BOOK, SEARCH, SEARCH], [SEARCH, SEARCH], "superset")
    assert not matches([BOOK, SEARCH], [SEARCH, SEARCH], "superset")


def test_names_must_agree_to_the_letter() -> None:
    assert not matches([call("search")], [call("Search")])
    assert not matches([call("search ", {})], [call("search", {})])


@pytest.mark.parametrize("args", ["exact", "subset"])
@pytest.mark.parametrize("made", [{}, {"a": 1}, None, "raw text", [1]])
def test_none_in_an_expectation_accepts_any_arguments(made: Any, args: str) -> None:
    assert pair(made, None, args)


@pytest.mark.parametrize("args", ["exact", "subset"])
def test_none_on_the_actual_side_is_no_empty_object(args: str) -> None:
    assert not pair(None, {}, args)


@pytest.mark.parametrize(
    ("made", "wanted", "equal"),
    [
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": [1, {"b": 2.0}]}, {"a": [1.0, {"b": 2}]}, True),
        ({"a": 0.0}, {"a": -0.0}, True),
        ({"a": True}, {"a": 1}, False),
        ({"a": 0}, {"a": False}, False),
        ({"a": [True]}, {"a": [1]}, False),
        ({"a": True}, {"a": True}, True),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": 9007199254740993}, {"a": 9007199254740992.0}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": [1]}, {"a": [1, 1]}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": None}, {"a": None}, True),
        ({"a": None}, {}, False),
        ({}, {"a": None}, False),
        ({"a": {"b": None}}, {"a": {}}, False),
        ({"a": ""}, {"a": None}, False),
        ({}, {}, True),
        ("raw", "raw", True),
        ("raw", "Raw", False),
        ('{"a": 1}', {"a": 1}, False),
        ([1], [1.0], True),
    ],
)
def test_exact_arguments_are_equal_as_json_values(made: Any, wanted: Any, *, equal: bool) -> None:
    assert pair(made, wanted) is equal


@pytest.mark.parametrize(
    ("made", "wanted", "accepted"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1, "b": 2}, {"a": 1.0, "b": 2}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1}, {}, True),
        ({}, {}, True),
        ({}, {"a": None}, True),  # an absent key is looked up as null
        ({"a": None}, {"a": None}, True),
        ({"a": 1}, {"a": None}, False),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, False),  # one level only
        ({"a": {"b": None}}, {"a": {}}, False),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": True}, {"a": 1}, False),
        ("raw", "raw", False),  # both must be objects
        ("raw", {}, False),
        ({"a": 1}, "raw", False),
        ([1], [1], False),
        (None, {}, False),
    ],
)
def test_subset_looks_up_each_expected_key_one_level_deep(made: Any, wanted: Any, *, accepted: bool) -> None:
    assert pair(made, wanted, "subset") is accepted


def test_a_wildcard_and_a_particular_call_never_compete_for_the_same_call() -> None:
    expected = [call("search", None), call("search", {"query": "weather"})]
    actual = [call("search", {"query": "weather"}), call("search", {"query": "news"})]
    assert matches(actual, expected, "unordered")  # first-fit, as in the original, says no
    assert matches(actual, expected, "superset")


@pytest.mark.parametrize("field", ["name", "arguments"])
def test_a_call_without_a_field_is_an_error_on_either_side(field: str) -> None:
    broken = {key: value for key, value in SEARCH.items() if key != field}
    for mode in ("strict", "unordered", "superset"):
        with pytest.raises(MalformedCall, match=f"has no {field}"):
            matches([SEARCH], [broken], mode)
        with pytest.raises(MalformedCall, match=f"has no {field}"):
            matches([broken], [SEARCH], mode)


def test_a_call_without_a_field_is_an_error_wherever_it_stands_and_whatever_decides() -> None:
    """What a search happens to meet first would decide otherwise; so a guard would pass that was never asked."""
    two = [SEARCH, BOOK]
    for broken in ({"name": "delete_all"}, {"name": "search"}):
        for mode in ("strict", "unordered", "superset", "subset", "in_order"):
            for expected in ([broken], [SEARCH, broken], [*two, broken]):
                with pytest.raises(MalformedCall, match=r"has no arguments: write None"):
                    matches(two, expected, mode)
                with pytest.raises(MalformedCall):
                    matches([], expected, mode)
        with pytest.raises(MalformedCall):
            refute_trajectory(two, [broken])


def test_unknown_modes_and_args_are_errors_that_name_the_valid_ones() -> None:
    with pytest.raises(UnknownOption, match="'strict', 'unordered', 'superset', 'subset', 'in_order'"):
        matches([], [], "exact")
    with pytest.raises(UnknownOption, match="'exact', 'subset', 'superset', 'ignore'"):
        matches([], [], args="partial")


def test_either_side_may_be_a_trajectory() -> None:
    trajectory = Trajectory.from_messages(
        [{"role": "assistant", "content": "", "tool_calls": [{"name": "search", "args": {"q": 1}, "id": "c"}]}]
    )
    assert matches(trajectory, trajectory)
    assert matches(trajectory, [call("search", {"q": 1.0})])
    assert matches([call("search", {"q": 1})], trajectory)
    assert matches({"messages": []}, [])
