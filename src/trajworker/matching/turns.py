"""Comparing message by message: the calls of one message may come in any order (`group="turn"`).

A side that is a flat list of calls does not say which calls were made together; it then takes the turns of the other
side. Where neither says, every call is a turn of its own. For unordered, superset and subset, turns change nothing.
"""

from collections.abc import Sequence
from typing import TypeAlias

from trajworker.matching.assignment import Pairs, maximum_matching
from trajworker.matching.calls import Call, CallPath
from trajworker.matching.rules import Rules

Turns: TypeAlias = list[list[Call]]


def strict_by_turn(actual: CallPath, expected: CallPath, rules: Rules) -> Pairs | None:
    """Pairs where both sides have the same turns in the same order, else None."""
    if len(actual.calls) != len(expected.calls):
        return None
    ours, theirs = turns_of(actual, expected)
    if len(ours) != len(theirs):
        return None
    pairs: Pairs = {}
    for made, wanted in zip(ours, theirs, strict=True):
        found = _same_turn(made, wanted, rules)
        if found is None:
            return None
        pairs |= found
    return pairs


def in_order_by_turn(actual: CallPath, expected: CallPath, rules: Rules) -> Pairs | None:
    """Pairs where the expected turns are found one after the other, each within one actual turn, else None."""
    if expected.turns is None:
        return _calls_within_turns(actual, expected, rules)
    if actual.turns is None:
        return _turns_within_calls(actual, expected, rules)
    pairs: Pairs = {}
    waiting = _cut(expected.calls, expected.turns)
    for made in _cut(actual.calls, actual.turns):
        found = _all_of(made, waiting[0], rules) if waiting else None
        if found is not None:
            pairs |= found
            waiting.pop(0)
    return None if waiting else pairs


def turns_of(actual: CallPath, expected: CallPath) -> tuple[Turns, Turns]:
    """The turns of both sides; a side without any takes the other's, as far as they reach."""
    return _turns(actual, expected.turns), _turns(expected, actual.turns)


def roles_differ(actual: CallPath, expected: CallPath) -> str | None:
    """Where the roles of two conversations, or the numbers of calls in their messages, part; None if nowhere."""
    if actual.roles is None or expected.roles is None:
        return "group='message' compares conversations, and a list of calls has no messages"
    for number, (ours, theirs) in enumerate(zip(actual.roles, expected.roles, strict=False), 1):
        if ours[0] != theirs[0]:
            return f"message {number} is of role {ours[0]}, expected {theirs[0]}"
        if len(ours[1]) != len(theirs[1]):
            return f"message {number} makes {len(ours[1])} calls, expected {len(theirs[1])}"
    if len(actual.roles) != len(expected.roles):
        return f"there are {len(actual.roles)} messages, expected {len(expected.roles)}"
    return None


def shared_turns(actual: Turns, expected: Turns, rules: Rules) -> tuple[list[Pairs], list[Pairs]]:
    """Pairs of the turns that both sides begin with, and of those that both end with."""
    shorter = min(len(actual), len(expected))
    start: list[Pairs] = []
    while len(start) < shorter and (found := _same_turn(actual[len(start)], expected[len(start)], rules)) is not None:
        start.append(found)
    stop: list[Pairs] = []
    while len(stop) < shorter - len(start):
        found = _same_turn(actual[-1 - len(stop)], expected[-1 - len(stop)], rules)
        if found is None:
            break
        stop.append(found)
    return start, stop


def _same_turn(made: list[Call], wanted: list[Call], rules: Rules) -> Pairs | None:
    return _all_of(made, wanted, rules) if len(made) == len(wanted) else None


def _turns(path: CallPath, others: Sequence[tuple[int, ...]] | None) -> Turns:
    turns = path.turns if path.turns is not None else others or ()
    cut = [turn for turn in _cut(path.calls, turns) if turn]
    return cut + [[call] for call in path.calls[sum(map(len, cut)) :]]


def _cut(calls: Sequence[Call], turns: Sequence[tuple[int, ...]]) -> Turns:
    return [[calls[index] for index in turn if index < len(calls)] for turn in turns]


def _all_of(actual: Sequence[Call], expected: Sequence[Call], rules: Rules) -> Pairs | None:
    """Pairs if every expected call finds a partner."""
    if len(expected) > len(actual):
        return None
    pairs = maximum_matching(actual, expected, rules)
    return pairs if len(pairs) == len(expected) else None


def _calls_within_turns(actual: CallPath, expected: CallPath, rules: Rules) -> Pairs | None:
    """Each actual turn takes as many of the next expected calls as it can; taking fewer never helps."""
    pairs: Pairs = {}
    done = 0
    for made in _turns(actual, None):
        taken: Pairs = {}
        while done + len(taken) < len(expected.calls):
            found = _all_of(made, expected.calls[done : done + len(taken) + 1], rules)
            if found is None:
                break
            taken = found
        pairs |= taken
        done += len(taken)
    return pairs if done == len(expected.calls) else None


def _turns_within_calls(actual: CallPath, expected: CallPath, rules: Rules) -> Pairs | None:
    """Each expected turn takes the shortest stretch of the actual calls that holds all of it."""
    pairs: Pairs = {}
    start = 0
    for wanted in _cut(expected.calls, expected.turns or ()):
        for stop in range(start + len(wanted), len(actual.calls) + 1):
            found = _all_of(actual.calls[start:stop], wanted, rules)
            if found is not None:
                break
        else:
            return None
        pairs |= found
        start = stop
    return pairs
