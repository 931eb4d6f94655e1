"""Which expected call goes with which actual call, so that as many as possible find one (maximum matching).

Order never decides: a first-fit search may give a call away that another needed, this one does not. Calls whose
arguments are known to the letter are looked up, in linear time; only the rest, tool by tool, costs a search
(Hopcroft-Karp). There a matcher is asked once about each value, and calls that expect the same share the answer.
"""

from collections import defaultdict, deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias

from trajworker.matching.arrays import without_arrays
from trajworker.matching.calls import Call
from trajworker.matching.matchers import AnyValue, Approx, OneOf, Regex
from trajworker.matching.pointers import PathPatterns
from trajworker.matching.rules import Rule, Rules
from trajworker.matching.values import Comparison, NotPlain, key_of, same

FEW: Final = 8
"""Calls that are asked one by one without looking for fewer."""

Pairs: TypeAlias = dict[int, int]
"""Position of an expected call -> position of the actual call it goes with."""


def maximum_matching(actual: Sequence[Call], expected: Sequence[Call], rules: Rules) -> Pairs:
    """The largest assignment of actual calls to expected ones; equal candidates are taken in order."""
    theirs = _by_tool(actual)
    pairs: Pairs = {}
    for tool, wanted in _by_tool(expected).items():
        if tool in theirs:
            pairs |= _match_tool(theirs[tool], wanted, rules.rule_for(tool))
    return pairs


def _by_tool(calls: Sequence[Call]) -> dict[Hashable, list[Call]]:
    tools: dict[Hashable, list[Call]] = defaultdict(list)
    for call in calls:
        tools[call.name].append(call)
    return tools


def _match_tool(actual: list[Call], expected: list[Call], rule: Rule) -> Pairs:
    """Calls of one tool: first those with a key, then those that need a search, last those that take anything.

    A call that has a key can only go with calls of that key, and those are all alike, so serving it first costs nobody.
    """
    anything = [call for call in expected if rule.ignores(call.arguments)]
    particular = [call for call in expected if not rule.ignores(call.arguments)]
    keys = _keys(actual, rule)
    lettered, vague = _split(particular, rule, all_plain=len(keys) == len(actual))
    pairs = _look_up(actual, keys, lettered)
    if vague:
        taken = set(pairs.values())
        rest = [call for call in actual if call.index not in taken]
        search = _Search(rest, vague, rule)
        pairs |= search.largest(_likely(rest, _look_up(rest, keys, _keys(vague, rule)), vague, rule))
    taken = set(pairs.values())
    free = (call.index for call in actual if call.index not in taken)
    return pairs | dict(zip((call.index for call in anything), free, strict=False))


def _keys(calls: Sequence[Call], rule: Rule) -> dict[int, Hashable]:
    """Position -> key of the arguments, for the calls that have one."""
    ignored = rule.comparison.ignored if rule.comparison else PathPatterns()
    keys: dict[int, Hashable] = {}
    for call in calls:
        with suppress(NotPlain):
            keys[call.index] = key_of(call.arguments, ignored)
    return keys


def _split(expected: Sequence[Call], rule: Rule, *, all_plain: bool) -> tuple[dict[int, Hashable], list[Call]]:
    """Expected calls that a look-up decides, with their keys, and those it does not."""
    if not all_plain or rule.comparison is None or rule.comparison.relation != "exact":
        return {}, list(expected)
    keys = _keys(expected, rule)
    return keys, [call for call in expected if call.index not in keys]


def _look_up(actual: Sequence[Call], keys: Mapping[int, Hashable], wanted: Mapping[int, Hashable]) -> Pairs:
    """Pair calls of equal keys, in order."""
    shelves: dict[Hashable, deque[int]] = defaultdict(deque)
    for call in actual:
        if call.index in keys:
            shelves[keys[call.index]].append(call.index)
    return {index: shelves[key].popleft() for index, key in wanted.items() if shelves.get(key)}


def _likely(actual: Sequence[Call], pairs: Pairs, expected: Sequence[Call], rule: Rule) -> Pairs:
    """Those of `pairs` that the rule agrees with: where a search may begin."""
    theirs = {call.index: call.arguments for call in actual}
    ours = {call.index: call.arguments for call in expected}
    return {e: a for e, a in pairs.items() if next(rule.differences(theirs[a], ours[e]), None) is None}


class _Search:
    """Hopcroft-Karp over the calls of one tool; whether two calls go together is asked once, and only when needed."""

    def __init__(self, actual: Sequence[Call], expected: Sequence[Call], rule: Rule) -> None:
        self._actual = {call.index: call.arguments for call in actual}
        self._expected = {call.index: call.arguments for call in expected}
        self._rule = rule
        self._shelves = _Shelves(self._actual, rule)
        self._known: dict[int, list[int]] = {}
        self._alike: dict[Hashable, list[int]] = {}

    def largest(self, begun: Pairs) -> Pairs:
        """The largest assignment, grown from the one begun."""
        pairs = dict(begun)
        owners = {a: e for e, a in pairs.items()}
        while layers := self._layers(pairs, owners):
            for expected in [e for e in self._expected if e not in pairs]:
                self._augment(expected, layers, pairs, owners)
        return pairs

    def _neighbours(self, expected: int) -> list[int]:
        """The actual calls that go with an expected one, found once for all that expect the same."""
        if expected not in self._known:
            asked = _asked(self._expected[expected])
            found = self._alike.get(asked) if asked is not None else None
            self._known[expected] = found = self._search(expected) if found is None else found
            if asked is not None:
                self._alike[asked] = found
        return self._known[expected]

    def _search(self, expected: int) -> list[int]:
        arguments = self._expected[expected]
        return [
            a
            for a in self._shelves.candidates(arguments)
            if next(self._rule.differences(self._actual[a], arguments), None) is None
        ]

    def _layers(self, pairs: Pairs, owners: Pairs) -> dict[int, int]:
        """Distance of expected calls from the nearest one without a partner; empty where no path leads further."""
        waiting = [e for e in self._expected if e not in pairs]
        layers = dict.fromkeys(waiting, 0)
        reachable = False
        for expected in waiting:  # grows while it is read
            for actual in self._neighbours(expected):
                owner = owners.get(actual)
                if owner is None:
                    reachable = True
                elif owner not in layers:
                    layers[owner] = layers[expected] + 1
                    waiting.append(owner)
        return layers if reachable else {}

    def _augment(self, root: int, layers: dict[int, int], pairs: Pairs, owners: Pairs) -> None:
        """Find a path from `root` to an actual call that is free, and hand the calls on along it."""
        trail: list[tuple[int, Iterator[int]]] = [(root, iter(self._neighbours(root)))]
        given: list[int] = []
        while trail:
            expected, candidates = trail[-1]
            for actual in candidates:
                owner = owners.get(actual)
                if owner is None:
                    for (taker, _), taken in zip(trail, [*given, actual], strict=True):
                        pairs[taker], owners[taken] = taken, taker
                    return
                if layers.get(owner) == layers[expected] + 1:
                    given.append(actual)
                    trail.append((owner, iter(self._neighbours(owner))))
                    break
            else:
                del layers[expected]  # nothing is free behind it
                trail.pop()
                if given:
                    given.pop()


class _Shelves:
    """Actual calls by what stands under each of their top-level keys, so that few need to be asked."""

    def __init__(self, actual: Mapping[int, object], rule: Rule) -> None:
        self._all = list(actual)
        self._how = rule.comparison if rule.comparison and rule.comparison.relation != "superset" else None
        self._odd: list[int] = []
        self._by_entry: dict[tuple[str, Hashable], list[int]] = defaultdict(list)
        self._values: dict[str, dict[Hashable, object]] = defaultdict(dict)
        if self._how is not None:
            for index, arguments in actual.items():
                self._shelve(index, arguments, self._how)

    def _shelve(self, index: int, arguments: object, how: Comparison) -> None:
        try:
            for entry, value in _entries(arguments, how):
                self._by_entry[entry].append(index)
                self._values[entry[0]].setdefault(entry[1], without_arrays(value))
        except NotPlain:
            self._odd.append(index)

    def candidates(self, expected: object) -> list[int]:
        """Positions of the calls that may go with `expected`, in order; every one that does is among them."""
        if self._how is None:
            return self._all
        shelves = [self._by_entry.get(entry, []) for entry in _telling_entries(expected, self._how)]
        shelf = min(shelves, key=len, default=self._all)
        if len(shelf) > FEW:
            shelf = min((shelf, *self._accepted(expected, self._how)), key=len)
        return sorted({*shelf, *self._odd}) if self._odd else shelf

    def _accepted(self, expected: object, how: Comparison) -> Iterator[list[int]]:
        """For each matcher, the calls whose value it accepts: values that come again are asked about once."""
        for name, matcher in expected.items() if isinstance(expected, dict) else ():
            if isinstance(matcher, Regex | Approx | OneOf) and not how.ignored.covers((str(name),)):
                accepts = partial(_one_accepts, matcher) if isinstance(matcher, OneOf) else matcher.accepts
                taken = [key for key, value in self._values[name].items() if accepts(value)]
                yield sorted(index for key in taken for index in self._by_entry[name, key])


def _one_accepts(matcher: OneOf, value: object) -> bool:
    return same(value, matcher)


def _asked(arguments: object) -> Hashable:
    """A hashable that is equal for expected arguments that ask the same; None where there is none."""
    if not isinstance(arguments, dict):
        return None
    try:
        return frozenset((name, _asked_value(value)) for name, value in arguments.items())
    except (NotPlain, TypeError):
        return None


def _asked_value(value: object) -> Hashable:
    return value if isinstance(value, AnyValue | Regex | Approx) else key_of(value, PathPatterns())


def _entries(arguments: object, how: Comparison) -> Iterator[tuple[tuple[str, Hashable], object]]:
    """Name and key of each argument that counts, with its value; raises NotPlain at the first that has no key."""
    for name, value in arguments.items() if isinstance(arguments, dict) else ():
        if not how.ignored.covers((str(name),)):
            yield (name, key_of(value, how.ignored, (str(name),))), value


def _telling_entries(arguments: object, how: Comparison) -> list[tuple[str, Hashable]]:
    """Entries that an actual call must have to the letter: no matcher, no null, which may be absent, no deep part."""
    telling: list[tuple[str, Hashable]] = []
    for name, value in arguments.items() if isinstance(arguments, dict) else ():
        if value is not None and not (how.deep and isinstance(value, dict | list | tuple)):
            with suppress(NotPlain):
                telling += [entry for entry, _ in _entries({name: value}, how)]
    return telling
