"""Two paths of calls laid side by side: what was kept, inserted, deleted, and which arguments changed.

Kept calls are as many as can be kept in order (longest common subsequence); among those alignments the one that pairs
the most similar calls of one tool as changed. Past `ALIGNMENT_CELLS` the middle is aligned along calls that occur once
on both sides, in linear time; that can only make the explanation longer, never the verdict wrong.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeAlias

from trajworker.matching.calls import Call
from trajworker.matching.pointers import PathPatterns
from trajworker.matching.rules import Rules
from trajworker.matching.values import Incomparable, NotPlain, key_of, same
from trajworker.matching.verdict import AlignedCall

ALIGNMENT_CELLS: Final = 40_000
"""How many pairs of calls an exact alignment may look at, e.g. 200 by 200; about a tenth of a second."""

KEPT: Final = 1_000_000
"""What keeping a call is worth: more than all changed calls together."""

SIMILAR: Final = 100
"""What the most similar changed call is worth beyond the bare name."""

Span: TypeAlias = tuple[Sequence[Call], Sequence[Call]]
"""Actual calls and expected calls."""


def align(actual: Sequence[Call], expected: Sequence[Call], rules: Rules) -> tuple[AlignedCall, ...]:
    """Lay two paths side by side, in order."""
    start, stop = _shared_ends(actual, expected, rules)
    middle = (actual[start : len(actual) - stop], expected[start : len(expected) - stop])
    return (
        *_kept(actual[:start], expected[:start]),
        *_align_middle(middle, rules),
        *_kept(actual[len(actual) - stop :], expected[len(expected) - stop :]),
    )


def align_pairs(
    actual: Sequence[Call], expected: Sequence[Call], pairs: dict[int, int], rules: Rules
) -> tuple[AlignedCall, ...]:
    """The same for pairs that are known, whatever their order: along the actual path, what is missing at the end."""
    owners = {a: e for e, a in pairs.items()}
    wanted = {call.index: call for call in expected}
    left = [call for call in expected if call.index not in pairs]
    changed = _similar_leftovers([call for call in actual if call.index not in owners], left, rules)
    rows: list[AlignedCall] = []
    for call in actual:
        if call.index in owners:
            rows.append(AlignedCall("kept", actual=call, expected=wanted[owners[call.index]]))
        elif call.index in changed:
            rows.append(_changed(call, changed[call.index], rules))
        else:
            rows.append(AlignedCall("inserted", actual=call))
    explained = {call.index for call in changed.values()}
    return (*rows, *(AlignedCall("deleted", expected=call) for call in left if call.index not in explained))


def _kept(actual: Sequence[Call], expected: Sequence[Call]) -> Iterator[AlignedCall]:
    return (AlignedCall("kept", actual=a, expected=e) for a, e in zip(actual, expected, strict=True))


def _changed(actual: Call, expected: Call, rules: Rules) -> AlignedCall:
    found = tuple(rules.rule_for(expected.name).differences(actual.arguments, expected.arguments))
    return AlignedCall("changed", actual=actual, expected=expected, differences=found)


def _shared_ends(actual: Sequence[Call], expected: Sequence[Call], rules: Rules) -> tuple[int, int]:
    """How many calls both begin and end with; pairing these never costs a better alignment."""
    shorter = min(len(actual), len(expected))
    start = 0
    while start < shorter and rules.pairs(actual[start], expected[start]):
        start += 1
    stop = 0
    while stop < shorter - start and rules.pairs(actual[-1 - stop], expected[-1 - stop]):
        stop += 1
    return start, stop


def _align_middle(span: Span, rules: Rules) -> list[AlignedCall]:
    actual, expected = span
    if len(actual) * len(expected) <= ALIGNMENT_CELLS:
        return _align_exactly(span, rules)
    rows: list[AlignedCall] = []
    done_actual = done_expected = 0
    for at, wanted in [*_anchors(span, rules), (len(actual), len(expected))]:
        between = (actual[done_actual:at], expected[done_expected:wanted])
        small = len(between[0]) * len(between[1]) <= ALIGNMENT_CELLS // 4
        rows += _align_exactly(between, rules) if small else _align_by_position(between, rules)
        if at < len(actual):
            rows.append(AlignedCall("kept", actual=actual[at], expected=expected[wanted]))
        done_actual, done_expected = at + 1, wanted + 1
    return rows


def _align_exactly(span: Span, rules: Rules) -> list[AlignedCall]:
    """Dynamic programming over all pairs: `best[i][j]` is the worth of aligning what follows i and j."""
    actual, expected = span
    worth = [[_worth(a, e, rules) for e in expected] for a in actual]
    best = [[0] * (len(expected) + 1) for _ in range(len(actual) + 1)]
    for i in reversed(range(len(actual))):
        row, below = best[i], best[i + 1]
        for j in reversed(range(len(expected))):
            paired = worth[i][j] + below[j + 1] if worth[i][j] else 0
            row[j] = max(paired, below[j], row[j + 1])
    return list(_walk_back(span, worth, best, rules))


def _walk_back(span: Span, worth: list[list[int]], best: list[list[int]], rules: Rules) -> Iterator[AlignedCall]:
    actual, expected = span
    i = j = 0
    while i < len(actual) and j < len(expected):
        if worth[i][j] and best[i][j] == worth[i][j] + best[i + 1][j + 1]:
            kept = worth[i][j] == KEPT
            yield AlignedCall("kept", actual[i], expected[j]) if kept else _changed(actual[i], expected[j], rules)
            i, j = i + 1, j + 1
        elif best[i][j] == best[i][j + 1]:
            yield AlignedCall("deleted", expected=expected[j])
            j += 1
        else:
            yield AlignedCall("inserted", actual=actual[i])
            i += 1
    yield from (AlignedCall("deleted", expected=call) for call in expected[j:])
    yield from (AlignedCall("inserted", actual=call) for call in actual[i:])


def _worth(actual: Call, expected: Call, rules: Rules) -> int:
    if actual.name != expected.name:
        return 0
    return KEPT if rules.pairs(actual, expected) else 1 + _similarity(actual.arguments, expected.arguments)


def _similarity(actual: object, expected: object) -> int:
    """How many of the arguments are the same, out of `SIMILAR`."""
    if not isinstance(actual, dict) or not isinstance(expected, dict):
        return 0
    names = actual.keys() | expected.keys()
    equal = sum(name in actual and name in expected and _alike(actual[name], expected[name]) for name in names)
    return SIMILAR * equal // max(1, len(names))


def _alike(actual: object, expected: object) -> bool:
    """Whether two values are the same; what a rule leaves out, or judges by itself, need not even be comparable."""
    try:
        return same(actual, expected)
    except Incomparable:
        return False


def _similar_leftovers(actual: list[Call], expected: list[Call], rules: Rules) -> dict[int, Call]:
    """Actual call -> the expected call of the same tool that it most resembles, most similar first."""
    if len(actual) * len(expected) > ALIGNMENT_CELLS:
        rows = _align_by_position((actual, expected), rules)
        return {row.actual.index: row.expected for row in rows if row.actual and row.expected}
    scored = [(_worth(a, e, rules), a, e) for a in actual for e in expected]
    taken: dict[int, Call] = {}
    used: set[int] = set()
    for worth, a, e in sorted(scored, key=lambda entry: -entry[0]):
        if worth and a.index not in taken and e.index not in used:
            taken[a.index] = e
            used.add(e.index)
    return taken


def _align_by_position(span: Span, rules: Rules) -> list[AlignedCall]:
    """One against one in order, for spans too long to search."""
    actual, expected = span
    rows: list[AlignedCall] = []
    for a, e in zip(actual, expected, strict=False):
        if rules.pairs(a, e):
            rows.append(AlignedCall("kept", actual=a, expected=e))
        elif _worth(a, e, rules):
            rows.append(_changed(a, e, rules))
        else:
            rows += [AlignedCall("deleted", expected=e), AlignedCall("inserted", actual=a)]
    shorter = min(len(actual), len(expected))
    rows += [AlignedCall("deleted", expected=call) for call in expected[shorter:]]
    rows += [AlignedCall("inserted", actual=call) for call in actual[shorter:]]
    return rows


def _anchors(span: Span, rules: Rules) -> list[tuple[int, int]]:
    """Positions of calls that occur once on both sides and stand in the same order (patience diff)."""
    ours, theirs = _lone_keys(span[0]), _lone_keys(span[1])
    common = [(theirs[key], at) for key, at in ours.items() if key in theirs]
    pairs = [(at, wanted) for wanted, at in sorted(common) if rules.pairs(span[0][at], span[1][wanted])]
    return _longest_rising(pairs)


def _lone_keys(calls: Sequence[Call]) -> dict[Hashable, int]:
    keys: dict[int, Hashable] = {}
    for position, call in enumerate(calls):
        with suppress(NotPlain):
            keys[position] = (call.name, key_of(call.arguments, PathPatterns()))
    counts = Counter(keys.values())
    return {key: position for position, key in keys.items() if counts[key] == 1}


def _longest_rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs whose first members rise; the second ones rise already."""
    tails: list[int] = []
    tops: list[int] = []
    before: dict[int, int | None] = {}
    for position, (at, _) in enumerate(pairs):
        pile = bisect_left(tails, at)
        tails[pile : pile + 1] = [at]
        tops[pile : pile + 1] = [position]
        before[position] = tops[pile - 1] if pile else None
    run: list[tuple[int, int]] = []
    position_or_end = tops[-1] if tops else None
    while position_or_end is not None:
        run.append(pairs[position_or_end])
        position_or_end = before[position_or_end]
    return run[::-1]
