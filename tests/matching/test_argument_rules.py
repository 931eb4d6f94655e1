"""How arguments may be compared besides exactly and one level deep: depth, overrides, matchers, ignored paths."""

from typing import Any
from unittest.mock import ANY

import pytest

from support.calls import call
from trajworker.matching import any_value, approx, matches, one_of, regex


def pair(made: Any, wanted: Any, args: str = "exact", **options: Any) -> bool:
    return bool(matches([call("t", made)], [call("t", wanted)], args=args, **options))


@pytest.mark.parametrize(
    ("made", "wanted", "accepted"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1, "c": 3}, {"a": 1, "b": 2}, False),
        ({}, {"a": 1}, True),
        ({"a": None}, {}, False),  # null is not absent, unless asked for
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, False),
        ("raw", "raw", False),
    ],
)
def test_superset_lets_the_expectation_hold_more(made: Any, wanted: Any, *, accepted: bool) -> None:
    assert pair(made, wanted, "superset") is accepted


def test_ignore_accepts_any_arguments_even_missing_ones_of_other_kinds() -> None:
    assert pair("raw", {"a": 1}, "ignore")
    assert pair(None, {"a": 1}, "ignore")
    assert not matches([call("t", {})], [call("u", {})], args="ignore")


def test_deep_carries_subset_and_superset_into_nested_objects() -> None:
    made, wanted = {"user": {"id": 1, "name": "A"}, "tags": [{"x": 1, "y": 2}]}, {"user": {"id": 1}, "tags": [{"x": 1}]}
    assert not pair(made, wanted, "subset")
    assert pair(made, wanted, "subset", deep=True)
    assert pair(wanted, made, "superset", deep=True)
    assert not pair(made, {"tags": []}, "subset", deep=True)


def test_absent_counts_as_null_only_one_level_deep_unless_told() -> None:
    assert pair({}, {"a": None}, "subset")
    assert not pair({}, {"a": None}, "subset", absent_as_null=False)
    assert not pair({}, {"a": None}, "subset", deep=True)
    assert pair({"a": {}}, {"a": {"b": None}}, "subset", deep=True, absent_as_null=True)
    assert not pair({}, {"a": None}, "exact", absent_as_null=True)
    assert pair({"a": None}, {}, "superset", absent_as_null=True)


def test_an_override_changes_the_rule_of_one_tool() -> None:
    actual = [call("search", {"q": "Rome", "page": 1}), call("pay", {"sum": 10, "note": "x"})]
    expected = [call("search", {"q": "rome"}), call("pay", {"sum": 10})]
    same_words = {"search": lambda made, wanted: made["q"].lower() == wanted["q"].lower(), "pay": "subset"}
    assert not matches(actual, expected)
    assert matches(actual, expected, overrides=same_words)
    assert matches(actual, expected, overrides={"search": "ignore", "pay": ["/sum"]})
    assert not matches(actual, expected, overrides={"search": "ignore", "pay": ["/sum", "/note"]})


def test_paths_of_an_override_may_be_dotted_and_count_as_equal_where_absent_on_both_sides() -> None:
    overrides = {"t": ["user.id", "user.age", "tags.0"]}
    assert pair({"user": {"id": 1}, "tags": ["x", 1]}, {"user": {"id": 1.0}, "tags": ["x", 2]}, overrides=overrides)
    assert not pair({"user": {"id": True}}, {"user": {"id": 1}}, overrides=overrides)
    assert not pair({"tags": ["x"]}, {"tags": ["y"]}, overrides=overrides)


@pytest.mark.parametrize("matcher", [any_value(), regex(""), one_of(None, 1), ANY])
def test_a_matcher_at_a_path_of_an_override_wants_its_key_to_be_there(matcher: Any) -> None:
    for path, made, wanted in (
        ("k", {"z": 1}, {"k": matcher}),
        ("/in/k", {"in": {}}, {"in": {"k": matcher}}),
        ("in.k", {"in": "text"}, {"in": {"k": matcher}}),
        ("l.1", {"l": [1]}, {"l": [1, matcher]}),
    ):
        assert not pair(made, wanted, overrides={"t": [path]})
    verdict = matches([call("t", {})], [call("t", {"k": matcher})], overrides={"t": ["k"]})
    assert [difference.kind for difference in verdict.alignment[0].differences] == ["absent"]


def test_null_and_absent_are_the_same_at_a_path_of_an_override() -> None:
    for made, wanted in (({}, {"k": None}), ({"k": None}, {}), ({}, {})):
        assert pair(made, wanted, overrides={"t": ["k"]})
    assert not pair({"k": 1}, {}, overrides={"t": ["k"]})
    assert not pair({}, {"k": 1}, overrides={"t": ["k"]})


@pytest.mark.parametrize(
    ("made", "accepted"),
    [
        ({"id": 1, "at": {"ts": 5, "zone": "UTC"}, "rows": [{"id": 1, "v": "a"}]}, True),
        ({"at": {"zone": "UTC"}, "rows": [{"v": "a"}]}, True),
        ({"id": 1, "at": {"zone": "CET"}, "rows": [{"v": "a"}]}, False),
        ({"at": {"zone": "UTC"}, "rows": [{"v": "a"}, {"v": "b"}]}, False),
    ],
)
def test_ignored_paths_are_left_out_on_both_sides(made: Any, *, accepted: bool) -> None:
    wanted = {"id": 2, "at": {"ts": 9, "zone": "UTC"}, "rows": [{"id": 7, "v": "a"}]}
    ignore = ["/id", "/at/t?", "/rows/*/id"]
    for mode in ("strict", "unordered"):
        verdict = matches([call("t", made)], [call("t", wanted)], mode, ignore=ignore)
        assert bool(verdict) is accepted


def test_two_stars_reach_any_depth_and_slashes_are_escaped() -> None:
    assert pair({"a": {"b": {"ts": 1}}, "ts": 2}, {"a": {"b": {"ts": 3}}}, ignore=["/**/ts"])
    assert pair({"a/b": 1, "c~d": 1}, {"a/b": 2, "c~d": 2}, ignore=["/a~1b", "/c~0d"])
    assert not pair({"a": {"b": 1}}, {"a": {"b": 2}}, ignore=["/b"])


def test_matchers_stand_in_for_values() -> None:
    wanted = {
        "id": any_value(),
        "mail": regex(r"@example\.org$"),
        "sum": approx(0.3),
        "kind": one_of("a", None, regex("^x")),
    }
    good = {"id": None, "mail": "a@example.org", "sum": 0.1 + 0.2, "kind": None}
    assert pair(good, wanted)
    assert pair(good | {"kind": "xyz"}, wanted, "subset")
    for worse in ({"mail": "a@example.com"}, {"mail": None}, {"sum": 0.31}, {"sum": True}, {"kind": "b"}):
        assert not pair(good | worse, wanted)
    del good["id"]
    assert not pair(good, wanted)  # a matcher wants its key to be there
    assert not pair(good, wanted, "subset")


def test_matchers_work_at_any_depth_and_as_whole_arguments() -> None:
    assert pair({"rows": [{"id": "x1"}, {"id": "x2"}]}, {"rows": [{"id": regex("^x")}, any_value()]})
    assert pair("raw text", regex("^raw"))
    assert pair("raw text", regex("^raw"), "subset")
    assert pair(None, any_value())


def test_objects_of_other_libraries_that_answer_equals_work_as_values() -> None:
    assert pair({"sum": 0.1 + 0.2, "x": True}, {"sum": pytest.approx(0.3), "x": ANY})
    actual = [call("t", {"n": 2}), call("t", {"n": 1})]
    assert matches(actual, [call("t", {"n": ANY}), call("t", {"n": 2})], "unordered")


def test_not_a_number_equals_itself() -> None:
    nan = float("nan")
    for mode in ("strict", "unordered"):
        assert matches([call("t", {"x": nan})], [call("t", {"x": float("nan")})], mode)
    assert not pair({"x": nan}, {"x": 1})


def test_tuples_are_lists() -> None:
    assert matches([call("t", {"x": (1, 2)})], [call("t", {"x": [1, 2]})], "unordered")
