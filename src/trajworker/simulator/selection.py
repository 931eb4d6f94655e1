"""Which runs a query means, and in what order: indexes first, then the filter, then the page."""

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec

from trajworker.simulator import instants
from trajworker.simulator.filters import Comparison, Membership, Node, conjuncts, parse
from trajworker.simulator.predicates import Predicate, compile_filter
from trajworker.simulator.store import Entry, Key, Store, entry_key
from trajworker.simulator.stored_run import StoredRun


class Query(msgspec.Struct, kw_only=True, frozen=True):
    """A question for runs, free of wire words. Times in microseconds; start bounds are [low, high)."""

    projects: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    trace_ids: tuple[str, ...] | None = None
    parent_run: str | None = None
    thread_id: str | None = None
    reference_examples: tuple[str, ...] | None = None
    run_type: str | None = None
    is_root: bool | None = None
    has_error: bool | None = None
    start_low_us: int | None = None
    start_high_us: int | None = None
    ended_before_us: int | None = None
    filter: str | None = None
    trace_filter: str | None = None
    tree_filter: str | None = None
    search: str | None = None
    ascending: bool = False


class Page(NamedTuple):
    """Runs of one page, and where the next one goes on (None: there is none)."""

    runs: list[StoredRun]
    next_key: Key | None


class Selector:
    """Answers queries from a store as of a moment."""

    def __init__(self, store: Store, feedback_of: Callable[[str], list[dict[str, object]]]) -> None:
        self._store = store
        self._feedback_of = feedback_of

    def page(self, query: Query, now_us: int, after: Key | None, size: int | None) -> Page:
        """Up to `size` runs (None: all) that follow a key.

        Raises:
            FilterSyntaxError: one of the filters is none.
        """
        found: list[StoredRun] = []
        last: Key | None = None
        for key, run in self.matches(query, now_us, after):
            if size is not None and len(found) == size:
                return Page(found, last)
            found.append(run)
            last = key
        return Page(found, None)

    def matches(self, query: Query, now_us: int, after: Key | None = None) -> Iterator[tuple[Key, StoredRun]]:
        """All runs of a query that follow a key, in its order.

        Raises:
            FilterSyntaxError: one of the filters is none.
        """
        node = parse(query.filter) if query.filter else None
        holds = _all(self._tests(query, node, now_us))
        for entry in self._candidates(query, node, after):
            run = entry.at(now_us)
            if run is not None and holds(run):
                yield entry.key, run

    def _tests(self, query: Query, node: Node | None, now_us: int) -> list[Predicate]:
        tests = list(_plain_tests(query))
        if node is not None:
            tests.append(compile_filter(node, self._feedback_of))
        if query.search:
            tests.append(compile_filter(parse(query.search), self._feedback_of))
        if query.trace_filter:
            tests.append(self._relatives(query.trace_filter, now_us, roots_only=True))
        if query.tree_filter:
            tests.append(self._relatives(query.tree_filter, now_us, roots_only=False))
        return tests

    def _relatives(self, text: str, now_us: int, *, roots_only: bool) -> Predicate:
        """A condition on the root of the trace, or on any run of it."""
        test = compile_filter(parse(text), self._feedback_of)
        known: dict[str, bool] = {}

        def holds(run: StoredRun) -> bool:
            if run.trace_id not in known:
                versions = (entry.at(now_us) for entry in self._store.trace(run.trace_id))
                known[run.trace_id] = any(
                    test(other) for other in versions if other is not None and (other.is_root or not roots_only)
                )
            return known[run.trace_id]

        return holds

    def _candidates(self, query: Query, node: Node | None, after: Key | None) -> Iterator[Entry]:
        low, high = _bounds(query, node)
        if after is not None:
            low, high = (after, high) if query.ascending else (low, min(high, after))
        parts = []
        for entries in self._sources(query, node):
            first = bisect_right if query.ascending and after is not None else bisect_left
            start = first(entries, low, key=entry_key)
            stop = bisect_left(entries, high, key=entry_key)
            span = range(start, stop) if query.ascending else range(stop - 1, start - 1, -1)
            parts.append((entries, span))
        if len(parts) == 1:
            entries, span = parts[0]
            return (entries[index] for index in span)
        walks = [_walk(entries, span) for entries, span in parts]
        return heapq.merge(*walks, key=entry_key, reverse=not query.ascending)

    def _sources(self, query: Query, node: Node | None) -> list[list[Entry]]:
        """The narrowest sorted lists that hold every run of the query."""
        narrowed = self._narrowed(query, node)
        if narrowed is not None:
            return [sorted(narrowed, key=entry_key)]
        projects = query.projects if query.projects is not None else tuple(self._store.projects)
        return [self._store.timeline(project) for project in dict.fromkeys(projects)]

    def _narrowed(self, query: Query, node: Node | None) -> Iterable[Entry] | None:
        store = self._store
        if query.ids is not None:
            return [entry for run_id in dict.fromkeys(query.ids) for entry in store.with_id(run_id)]
        if query.parent_run is not None:
            return store.children(query.parent_run)
        if query.trace_ids is not None:
            return [entry for trace in dict.fromkeys(query.trace_ids) for entry in store.trace(trace)]
        if query.thread_id is not None:
            return store.thread(query.thread_id)
        return self._demanded_by(node)

    def _demanded_by(self, node: Node | None) -> list[Entry] | None:
        """What an index holds for the first condition of the filter that one can answer."""
        store = self._store
        lookups = {"trace_id": store.trace, "thread_id": store.thread, "id": store.with_id}
        for condition in conjuncts(node):
            demanded = _demanded(condition)
            if demanded is not None and demanded[0] in lookups:
                field, wanted = demanded
                return [entry for value in dict.fromkeys(wanted) for entry in lookups[field](value)]
        return None


def _all(tests: list[Predicate]) -> Predicate:
    """All tests as one; the single one itself, since a scan calls it for every run."""
    if len(tests) == 1:
        return tests[0]

    def holds(run: StoredRun) -> bool:
        for test in tests:  # noqa: SIM110 - a generator per run doubles the time of a scan
            if not test(run):
                return False
        return True

    return holds


def _walk(entries: list[Entry], span: range) -> Iterator[Entry]:
    return (entries[index] for index in span)


def _demanded(condition: Node) -> tuple[str, list[str]] | None:
    """The field and the texts one of which it must equal, for conditions an index can answer."""
    if isinstance(condition, Comparison) and condition.operator == "eq" and isinstance(condition.value, str):
        return condition.field, [condition.value]
    if isinstance(condition, Membership):
        return condition.field, [value for value in condition.values if isinstance(value, str)]
    return None


def _bounds(query: Query, node: Node | None) -> tuple[Key, Key]:
    """Keys between which every run of the query starts, from the request and from its filter."""
    low_us = query.start_low_us if query.start_low_us is not None else -(1 << 62)
    high_us = query.start_high_us if query.start_high_us is not None else 1 << 62
    for condition in conjuncts(node):
        if not isinstance(condition, Comparison) or condition.field != "start_time":
            continue
        try:
            moment = instants.parse(condition.value)
        except instants.BadInstant:
            continue
        if condition.operator in ("gt", "gte", "eq"):
            low_us = max(low_us, moment)
        if condition.operator in ("lt", "lte", "eq"):
            high_us = min(high_us, moment + 1)
    return (low_us, ""), (high_us, "")


def _plain_tests(query: Query) -> Iterator[Predicate]:
    """The conditions that are no filter text."""
    if query.projects is not None and (
        query.ids is not None or query.trace_ids is not None or query.filter or query.parent_run or query.thread_id
    ):
        projects = frozenset(query.projects)
        yield lambda run: run.session_id in projects
    if query.run_type is not None:
        yield lambda run: run.run_type == query.run_type
    if query.is_root is not None:
        yield lambda run: run.is_root is query.is_root
    if query.has_error is not None:
        yield lambda run: (run.error is not None) is query.has_error
    if query.ended_before_us is not None:
        limit = query.ended_before_us
        yield lambda run: run.end_us is not None and run.end_us < limit
    if query.reference_examples is not None:
        examples = frozenset(query.reference_examples)
        yield lambda run: run.reference_example_id in examples
    yield from _combined(query)


def _combined(query: Query) -> Iterator[Predicate]:
    """Conditions an index answered for one field may still have to hold for another."""
    if query.trace_ids is not None:
        traces = frozenset(query.trace_ids)
        yield lambda run: run.trace_id in traces
    if query.thread_id is not None:
        yield lambda run: run.thread_id == query.thread_id
    if query.parent_run is not None:
        yield lambda run: run.parent_run_id == query.parent_run
