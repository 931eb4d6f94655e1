"""Assertions fail with the explanation, pass silently, and forbid what they say they forbid."""

from collections.abc import Callable
from typing import Any

import pytest
from inline_snapshot import snapshot

from support.calls import call
from trajworker.errors import ConfigError, TrajectoryMismatch
from trajworker.matching import (
    NoCalls,
    assert_called_before,
    assert_never_called,
    assert_trajectory,
    called_before,
    matches,
    refute_called_before,
    refute_trajectory,
)
from trajworker.matching.assertions import NothingForbidden
from trajworker.trajectory import NoToolName, ToolsNotCalled, Trajectory

PATH = [call("search", {"q": 1}), call("read", {}), call("search", {"q": 2}), call("answer", {"text": "x"})]


def failure(check: Callable[..., None], *given: object, **options: object) -> str:
    with pytest.raises(TrajectoryMismatch) as caught:
        check(*given, **options)
    assert isinstance(caught.value, AssertionError)
    return str(caught.value)


def test_assert_trajectory_fails_with_the_verdict() -> None:
    assert_trajectory(PATH, PATH)
    assert_trajectory(PATH, [call("read", None)], "superset")
    assert failure(assert_trajectory, PATH[:2], PATH[:1]) == snapshot("""\
Trajectories differ: 1 call inserted (2 calls, 1 expected; mode strict, args exact)
      1 search(q=1)
  +   2 read()  inserted\
""")


def test_refute_trajectory_fails_where_it_matches() -> None:
    refute_trajectory(PATH, PATH[:1])
    assert failure(refute_trajectory, PATH[:1], PATH[:1]) == snapshot("""\
The trajectory matches what it must not.
Trajectories match (1 call, 1 expected; mode strict, args exact)
      1 search(q=1)\
""")


def test_refuting_a_superset_forbids_only_the_whole_set() -> None:
    """The trap of the seed, kept: one forbidden tool alone passes."""
    forbidden = [call("read", None), call("delete_all", None)]
    refute_trajectory(PATH, forbidden, "superset")
    assert failure(assert_never_called, PATH, "read", "delete_all") == snapshot("""\
Called although it must never be: read
  +   2 read()\
""")


def test_assert_never_called_forbids_each() -> None:
    assert_never_called(PATH, "delete_all", "drop")
    assert failure(assert_never_called, PATH, "delete_all", "search") == snapshot("""\
Called although it must never be: search
  +   1 search(q=1)
  +   3 search(q=2)\
""")
    with pytest.raises(NothingForbidden, match="name at least one"):
        assert_never_called(PATH)


@pytest.mark.parametrize("no_name", [["search", "drop"], ("search",), None, {"name": "search"}, 1])
def test_what_is_no_tool_name_is_refused_wherever_a_tool_is_named(no_name: Any) -> None:
    """A list is no tool that anybody has: taken as one, it would forbid nothing."""
    for forbidden in ((no_name,), ("drop", no_name)):
        with pytest.raises(NoToolName, match=f"is no tool name but {type(no_name).__name__}") as caught:
            assert_never_called(PATH, *forbidden)
        assert isinstance(caught.value, ConfigError)
    for check in (assert_called_before, refute_called_before, called_before):
        for pair in ((no_name, "answer"), ("answer", no_name)):
            with pytest.raises(NoToolName):
                check(PATH, *pair)
    with pytest.raises(NoToolName):
        Trajectory().calls_by_name(no_name)


def test_names_in_a_list_are_to_be_given_one_by_one() -> None:
    with pytest.raises(NoToolName, match=r"one by one, \*names"):
        assert_never_called(PATH, ["search", "drop"])


@pytest.mark.parametrize(
    ("first", "then", "before"),
    [
        ("search", "answer", True),
        ("answer", "search", False),
        ("read", "search", True),  # the first read comes before the last search
        ("search", "search", True),
        ("read", "read", False),  # one tool named twice must have been called twice
        ("search", "absent", False),
        ("absent", "search", False),
    ],
)
def test_before_means_some_call_before_some_call(first: str, then: str, *, before: bool) -> None:
    assert called_before(PATH, first, then) is before
    (assert_called_before if before else refute_called_before)(PATH, first, then)
    failure(refute_called_before if before else assert_called_before, PATH, first, then)


def test_the_failure_of_an_order_says_where_the_calls_were() -> None:
    assert failure(assert_called_before, PATH, "answer", "search") == snapshot(
        "answer was not called before search: answer was call 4; search was call 1, 3"
    )
    assert failure(assert_called_before, PATH, "answer", "absent") == snapshot(
        "answer was not called before absent: answer was call 4; absent was never called"
    )


def test_require_both_makes_a_missing_tool_an_error() -> None:
    for check in (assert_called_before, refute_called_before, called_before):
        with pytest.raises(ToolsNotCalled, match="never called: absent, gone"):
            check(PATH, "absent", "gone", require_both=True)
    assert called_before(PATH, "search", "answer", require_both=True)


@pytest.mark.parametrize("side", [None, "search", 3, [None], [1], ["search"], [[1]]])
def test_what_holds_no_calls_is_refused_with_advice(side: object) -> None:
    with pytest.raises(NoCalls):
        matches(side, [])
