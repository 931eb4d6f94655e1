"""The settings under which verdicts are those of agentevals 0.0.9 (peers.md section 3.1)."""

import json
from typing import Any

import pytest

from support.calls import call
from trajworker.matching import matches


def openai(*calls: dict[str, Any]) -> list[dict[str, Any]]:
    made = [
        {
            "id": f"c{at}",
            "type": "function",
            "function": {"name": one["name"], "arguments": json.dumps(one["arguments"])},
        }
        for at, one in enumerate(calls)
    ]
    return [{"role": "user", "content": "hi"}, {"role": "assistant", "content": None, "tool_calls": made}]


WIDE, NARROW = openai(call("t", {"a": 1, "b": 2})), openai(call("t", {"a": 1}))
NULL, NOTHING = openai(call("t", {"a": None})), openai(call("t", {}))


@pytest.mark.parametrize(
    ("actual", "expected", "score"), [(WIDE, NARROW, True), (NARROW, WIDE, False), (NOTHING, NULL, False)]
)
def test_its_args_superset_is_args_subset_here(actual: Any, expected: Any, *, score: bool) -> None:
    options: dict[str, Any] = {"absent_as_null": False}
    assert bool(matches(actual, expected, "superset", "subset", **options)) is score
    assert bool(matches(actual, expected, "strict", "subset", group="message", **options)) is score


@pytest.mark.parametrize(
    ("actual", "expected", "score"), [(WIDE, NARROW, False), (NARROW, WIDE, True), (NULL, NOTHING, False)]
)
def test_its_args_subset_is_args_superset_here(actual: Any, expected: Any, *, score: bool) -> None:
    assert bool(matches(actual, expected, "superset", "superset")) is score


@pytest.mark.parametrize(("actual", "expected", "score"), [(WIDE, NARROW, False), (NARROW, WIDE, True)])
def test_in_its_subset_mode_the_words_mean_the_same_because_it_swaps_the_sides(
    actual: Any, expected: Any, *, score: bool
) -> None:
    assert bool(matches(actual, expected, "subset", "superset")) is score


@pytest.mark.parametrize(
    ("mode", "its", "ours", "scores"),
    [
        ("strict", "superset", "subset", (True, False)),
        ("strict", "subset", "superset", (False, True)),
        ("superset", "superset", "subset", (True, False)),
        ("superset", "subset", "superset", (False, True)),
        ("subset", "superset", "superset", (False, True)),
        ("subset", "subset", "subset", (True, False)),
        ("unordered", "superset", "exact", (False, False)),
        ("unordered", "subset", "exact", (False, False)),
    ],
)
def test_a_word_for_one_tool_changes_as_the_word_for_all_of_them(
    mode: str, its: str, ours: str, scores: tuple[bool, bool]
) -> None:
    """`scores` are what agentevals gives for `its` word, for wider and for narrower actual arguments."""
    for (actual, expected), score in zip(((WIDE, NARROW), (NARROW, WIDE)), scores, strict=True):
        assert bool(matches(actual, expected, mode, overrides={"t": ours}, absent_as_null=False)) is score, its


def test_its_strict_wants_the_same_roles_and_lets_parallel_calls_change_places() -> None:
    one, other = call("t", {"a": 1}), call("u", {})
    assert matches(openai(one, other), openai(other, one), group="message")
    extra = [{"role": "system", "content": "s"}, *openai(one, other)]
    assert not matches(extra, openai(one, other), group="message")


def test_true_is_not_one_here() -> None:
    assert not matches(openai(call("t", {"a": True})), openai(call("t", {"a": 1})), "unordered")
