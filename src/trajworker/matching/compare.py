"""`matches`: whether an agent went the way it was expected to go, and why not.

Modes strict, unordered and superset and args exact and subset are those of LangChain's Elixir `Trajectory` (seed 003),
with two differences: where its first-fit search gives a call away that another expectation needed, this finds the
assignment; and a malformed call is always an error, not only where the search happens to meet it.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, Unpack

from trajworker.matching.alignment import align, align_pairs
from trajworker.matching.assignment import Pairs, maximum_matching
from trajworker.matching.calls import CallPath, read_calls, refuse_malformed
from trajworker.matching.json_values import json_path
from trajworker.matching.rules import MatchOptions, Mode, Rules, read_rules
from trajworker.matching.turns import in_order_by_turn, roles_differ, shared_turns, strict_by_turn, turns_of
from trajworker.matching.verdict import AlignedCall, Verdict

Decide: TypeAlias = Callable[[CallPath, CallPath, Rules], Pairs | None]
"""The pairs of a match, None where there is none."""


def matches(
    actual: object, expected: object, mode: str = "strict", args: str = "exact", **options: Unpack[MatchOptions]
) -> Verdict:
    """Compare the tool calls of two trajectories.

    Args:
        actual: what the agent did: a Trajectory, a chain result, messages, or a list of calls.
        expected: what it should have done, in any of these forms; a call with arguments None accepts any arguments, and
            the values of arguments may be matchers (`any_value`, `regex`, `approx`, `one_of`).
        mode: `strict` (same calls, same order, same count), `unordered` (same calls, same count), `superset` (at least
            the expected calls), `subset` (none but expected calls), `in_order` (the expected calls in that order,
            others may come between).
        args: `exact` (numbers as in JSON: 1 equals 1.0, True is not 1), `subset` (the expected arguments are a subset
            of the actual ones; both must be objects, even equal texts do not match), `superset` (the reverse),
            `ignore`.
        options: see MatchOptions.

    Returns:
        A Verdict, true where they match. Neither side is changed.

    Raises:
        UnknownOption: an option or a value of it does not exist.
        NoCalls: a side holds nothing that tool calls could be read from.
        MalformedCall: a call has no name or no arguments, or arguments without an end; told before any is compared.
        Incomparable: a value of another library says neither yes nor no when it is asked whether it is equal.
    """
    rules = read_rules(mode, args, options)
    ours, theirs = _on_one_footing(read_calls(actual), read_calls(expected))
    for path, whose in ((ours, "actual"), (theirs, "expected")):
        for call in path.calls:
            refuse_malformed(call, whose)
    reason = roles_differ(ours, theirs) if rules.group == "message" else None
    pairs = None if reason else _DECIDE[rules.mode](ours, theirs, rules)
    alignment = _alignment(ours, theirs, pairs, rules)
    together = _pairs_of(alignment)
    with_partner = {actual_index for _, actual_index in together}
    expected_found = {expected_index for expected_index, _ in together}
    return Verdict(
        matched=pairs is not None,
        mode=rules.mode,
        args=rules.args,
        group=rules.group,
        actual_count=len(ours.calls),
        expected_count=len(theirs.calls),
        pairs=together,
        missing=tuple(call for call in theirs.calls if call.index not in expected_found),
        extra=tuple(call for call in ours.calls if call.index not in with_partner),
        alignment=alignment,
        reason=reason,
    )


def _on_one_footing(ours: CallPath, theirs: CallPath) -> tuple[CallPath, CallPath]:
    """Where one side comes out of a golden file, the other as it would come out of one."""
    return (json_path(ours), json_path(theirs)) if ours.json or theirs.json else (ours, theirs)


def _strict(actual: CallPath, expected: CallPath, rules: Rules) -> Pairs | None:
    if rules.group:
        return strict_by_turn(actual, expected, rules)
    if len(actual.calls) != len(expected.calls):
        return None
    if not all(rules.pairs(a, e) for a, e in zip(actual.calls, expected.calls, strict=True)):
        return None
    return {index: index for index in range(len(expected.calls))}


def _in_order(actual: CallPath, expected: CallPath, rules: Rules) -> Pairs | None:
    if rules.group:
        return in_order_by_turn(actual, expected, rules)
    pairs: Pairs = {}
    for call in actual.calls:
        if len(pairs) < len(expected.calls) and rules.pairs(call, expected.calls[len(pairs)]):
            pairs[len(pairs)] = call.index
    return pairs if len(pairs) == len(expected.calls) else None


def _unordered(actual: CallPath, expected: CallPath, rules: Rules) -> Pairs | None:
    return _superset(actual, expected, rules) if len(actual.calls) == len(expected.calls) else None


def _superset(actual: CallPath, expected: CallPath, rules: Rules) -> Pairs | None:
    if len(expected.calls) > len(actual.calls):
        return None
    pairs = maximum_matching(actual.calls, expected.calls, rules)
    return pairs if len(pairs) == len(expected.calls) else None


def _subset(actual: CallPath, expected: CallPath, rules: Rules) -> Pairs | None:
    if len(actual.calls) > len(expected.calls):
        return None
    pairs = maximum_matching(actual.calls, expected.calls, rules)
    return pairs if len(pairs) == len(actual.calls) else None


_DECIDE: Final[dict[Mode, Decide]] = {
    "strict": _strict,
    "unordered": _unordered,
    "superset": _superset,
    "subset": _subset,
    "in_order": _in_order,
}

_ORDERED: Final = ("strict", "in_order")


def _alignment(actual: CallPath, expected: CallPath, pairs: Pairs | None, rules: Rules) -> tuple[AlignedCall, ...]:
    if pairs is None and rules.mode in _ORDERED and rules.group:
        return _alignment_by_turn(actual, expected, rules)
    if pairs is None and rules.mode in _ORDERED:
        return align(actual.calls, expected.calls, rules)
    if pairs is None:
        pairs = maximum_matching(actual.calls, expected.calls, rules)
    return align_pairs(actual.calls, expected.calls, pairs, rules)


def _alignment_by_turn(actual: CallPath, expected: CallPath, rules: Rules) -> tuple[AlignedCall, ...]:
    """Turns that both begin or end with, in any order within; between them calls one by one."""
    ours, theirs = turns_of(actual, expected)
    start, stop = shared_turns(ours, theirs, rules)
    first = sum(map(len, ours[: len(start)]))
    last = sum(map(len, ours[len(ours) - len(stop) :]))
    heads, tails = _joined(start), _joined(stop)
    until, wanted_until = len(actual.calls) - last, len(expected.calls) - last
    return (
        *align_pairs(actual.calls[:first], expected.calls[:first], heads, rules),
        *align(actual.calls[first:until], expected.calls[first:wanted_until], rules),
        *align_pairs(actual.calls[until:], expected.calls[wanted_until:], tails, rules),
    )


def _joined(turns: Sequence[Pairs]) -> Pairs:
    return {wanted: made for turn in turns for wanted, made in turn.items()}


def _pairs_of(alignment: Sequence[AlignedCall]) -> tuple[tuple[int, int], ...]:
    kept = (row for row in alignment if row.kind == "kept")
    return tuple(sorted((row.expected.index, row.actual.index) for row in kept if row.expected and row.actual))
