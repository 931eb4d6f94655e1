"""Values of other libraries in arguments: they are compared as what they are, or refused in words."""

from typing import Any
from unittest.mock import ANY

import pytest

from support.calls import call
from trajworker.errors import ConfigError
from trajworker.matching import MalformedCall, any_value, approx, matches, render
from trajworker.matching.golden import golden_text
from trajworker.matching.rules import ARGS
from trajworker.matching.values import Incomparable


class Array:
    """What trajworker knows of numpy's arrays and scalars: `==` answers for each item, and `bool` of that refuses."""

    dtype = "float64"

    def __init__(self, plain: Any) -> None:
        self.plain = plain

    def tolist(self) -> Any:
        return self.plain

    def __eq__(self, other: object) -> Any:
        return Array(self.plain == other) if isinstance(self.plain, list) else self.plain == other

    def __hash__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        if isinstance(self.plain, list):
            raise ValueError("The truth value of an array is ambiguous")  # noqa: TRY004 - what numpy raises
        return bool(self.plain)


class Frame:
    """As pandas' tables: it answers with another table, which is neither true nor false."""

    def __eq__(self, other: object) -> Any:
        return self

    def __hash__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        raise ValueError("The truth value of a DataFrame is ambiguous")


def both(made: Any, wanted: Any, **options: Any) -> bool:
    (one, other) = ([call("t", {"v": made})], [call("t", {"v": wanted})])
    found = {bool(matches(one, other, mode, **options)) for mode in ("strict", "unordered", "superset")}
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (Array([1, 2]), [1, 2], True),
        (Array([1, 2]), Array([1, 2]), True),
        (Array([1, 2]), [1, 3], False),
        (Array([[1.0], [2.0]]), [[1], [2]], True),
        (Array(1), 1.0, True),
        (Array(True), True, True),
        (Array(True), 1, False),  # true is no number, whoever says it
        (Array(1), True, False),
        (Array([True]), [1], False),
    ],
)
def test_arrays_are_lists_and_their_scalars_numbers(one: Any, other: Any, *, equal: bool) -> None:
    assert both(one, other) is equal
    assert both(other, one) is equal


def test_arrays_meet_matchers_and_are_written_as_lists() -> None:
    assert both(Array(1.0000001), approx(1))
    assert both(Array([1]), ANY)
    assert '"arguments": {"v": [1, 2]}' in golden_text([call("t", {"v": Array([1, 2])})])


def test_what_says_neither_yes_nor_no_is_refused_with_its_type() -> None:
    with pytest.raises(Incomparable, match=r"cannot compare str with Frame \(ValueError: .* ambiguous\)") as caught:
        both(Frame(), "x")
    assert isinstance(caught.value, ConfigError)
    assert both(Frame(), any_value())


def test_what_a_rule_leaves_out_need_not_be_comparable() -> None:
    made, wanted = [call("t", {"f": Frame(), "n": 1})], [call("t", {"f": "x", "n": 2})]
    assert not matches(made, wanted, ignore=["/f"])
    assert not matches(made, wanted, "unordered", overrides={"t": ["n"]})


@pytest.mark.parametrize("args", ARGS)
@pytest.mark.parametrize("wanted", [any_value(), ANY, pytest.approx({"n": 1.0})])
def test_what_answers_for_itself_may_stand_for_all_arguments(wanted: Any, args: str) -> None:
    assert matches([call("t", {"n": 1})], [call("t", wanted)], args=args)


def test_arguments_that_hold_themselves_are_refused_at_the_door() -> None:
    ring: dict[str, Any] = {"list": []}
    ring["list"].append(ring)
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    for endless in (ring, {"v": deep}):
        for sides in (([call("s", {}), call("t", endless)], []), ([], [call("s", {}), call("t", endless)])):
            with pytest.raises(MalformedCall, match=r"call 2 \(t\) has arguments that nest deeper than 200 levels"):
                matches(*sides)


def test_what_is_shared_or_deep_but_has_an_end_is_compared() -> None:
    deep: Any = {"v": [1]}
    for _ in range(95):
        deep = {"v": [deep]}
    shared: Any = [1]
    for _ in range(10):
        shared = [shared, shared]
    assert both(deep, deep)
    assert not both(deep, {"v": [deep]})
    assert both(shared, shared)


def test_a_difference_under_keys_that_json_has_no_word_for_is_told() -> None:
    verdict = matches([call("t", {"v": {(1, 2): 3}})], [call("t", {"v": 4})])
    assert "/v: expected 4, got {(1, 2): 3}" in render(verdict)


@pytest.mark.parametrize("written", ['{"a":' + "[" * 5_000, '{"a": "' + "\ud800" + '"}'])
def test_arguments_that_no_decoder_takes_are_compared_as_they_were_written(written: str) -> None:
    call = [{"type": "function", "id": "1", "function": {"name": "f", "arguments": written}}]
    assert matches(call, call)
    assert not matches(call, [{"type": "function", "id": "1", "function": {"name": "f", "arguments": "{}"}}])
