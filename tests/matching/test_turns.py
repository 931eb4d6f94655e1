"""Comparing message by message: `group="turn"`, and `group="message"`, which is agentevals' strict."""

from typing import Any

import pytest

from support.calls import call
from trajworker.matching import matches
from trajworker.trajectory import Trajectory

A, B, C = call("a", {"n": 1}), call("b", {"n": 2}), call("c", {"n": 3})


def spoken(*turns: list[Any], ends: bool = True, system: bool = False) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": "s"}] if system else []
    messages.append({"role": "user", "content": "hi"})
    for turn in turns:
        made = [{"name": one["name"], "args": one["arguments"], "id": f"c{at}"} for at, one in enumerate(turn)]
        messages.append({"role": "assistant", "content": "", "tool_calls": made})
        messages += [{"role": "tool", "tool_call_id": one["id"], "content": "ok"} for one in made]
    return [*messages, {"role": "assistant", "content": "bye"}] if ends else messages


def test_calls_of_one_message_may_come_in_any_order() -> None:
    actual = spoken([B, A], [C])
    assert not matches(actual, [A, B, C])
    assert matches(actual, spoken([A, B], [C]), group="turn")
    assert matches(actual, [[A, B], [C]], group="turn")


def test_calls_of_different_messages_may_not() -> None:
    assert not matches(spoken([B], [A]), spoken([A], [B]), group="turn")
    assert not matches(spoken([A, B]), spoken([A], [B]), group="turn")
    assert not matches(spoken([A, B], [C]), spoken([A], [B, C]), group="turn")


def test_a_flat_list_takes_the_turns_of_the_other_side() -> None:
    assert matches(spoken([B, A], [C]), [A, B, C], group="turn")
    assert not matches(spoken([B, A], [C]), [A, C, B], group="turn")
    assert matches([B, A, C], spoken([A, B], [C]), group="turn")
    assert not matches([B, A], [A, B], group="turn")  # nobody tells turns: each call is one


def test_within_a_turn_the_assignment_is_a_maximum_one_too() -> None:
    expected = [[call("a", None), A], [C]]
    assert matches(spoken([A, call("a", {"n": 9})], [C]), expected, group="turn")


def test_in_order_finds_turns_one_after_the_other() -> None:
    actual = spoken([B, A], [call("x", {})], [C, call("y", {})])
    assert matches(actual, [[A, B], [C]], "in_order", group="turn")
    assert matches(actual, [A, B, C], "in_order", group="turn")
    assert not matches(actual, [[C], [A]], "in_order", group="turn")
    assert not matches(actual, [[A, C]], "in_order", group="turn")
    assert matches([B, call("x", {}), A, C], [[A, B], [C]], "in_order", group="turn")
    assert not matches([C, A, B], [[A, B], [C]], "in_order", group="turn")


@pytest.mark.parametrize("mode", ["unordered", "superset", "subset"])
def test_turns_change_nothing_where_order_does_not_count(mode: str) -> None:
    actual, expected = spoken([B, A], [C]), spoken([C], [A], [B])
    assert matches(actual, expected, mode, group="turn")
    assert matches(actual, expected, mode)


def test_by_message_the_roles_must_be_the_same() -> None:
    plain = spoken([A, B])
    assert matches(spoken([B, A]), plain, group="message")
    longer = matches(spoken([A, B], system=True), plain, group="message")
    assert not longer
    assert longer.reason == "message 1 is of role system, expected user"
    shorter = matches(spoken([A, B], ends=False), plain, group="message")
    assert shorter.reason == "there are 4 messages, expected 5"
    assert matches(spoken([A, B], system=True), plain, group="turn")
    assert matches(Trajectory.from_messages(plain), plain, group="message")


def test_a_list_of_calls_has_no_messages_to_compare() -> None:
    verdict = matches(spoken([A]), [A], group="message")
    assert not verdict
    assert "a list of calls has no messages" in str(verdict.reason)


def test_the_explanation_does_not_blame_calls_that_were_only_made_in_another_order() -> None:
    verdict = matches(spoken([B, A], [call("x", {})], [C, A]), spoken([A, B], [A, C]), group="turn")
    assert [row.kind for row in verdict.alignment] == ["kept", "kept", "inserted", "kept", "kept"]
