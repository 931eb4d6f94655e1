"""What a filter means for one run: a parsed filter becomes a function from run to bool."""

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec
from msgspec import Raw

from trajworker.simulator import instants
from trajworker.simulator.filters import (
    Comparison,
    FilterSyntaxError,
    Has,
    Junction,
    Membership,
    Node,
    Search,
    Value,
)
from trajworker.simulator.stored_run import StoredRun, decode

Predicate: TypeAlias = Callable[[StoredRun], bool]
FeedbackOf: TypeAlias = Callable[[str], list[dict[str, Any]]]
"""Feedback of a run id."""

_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
_MICROSECONDS = 1_000_000


def _latency_s(run: StoredRun) -> float | None:
    return None if run.end_us is None else (run.end_us - run.start_us) / _MICROSECONDS


_READERS: dict[str, Callable[[StoredRun], Any]] = {
    **{
        name: operator.attrgetter(name)
        for name in ("id", "name", "error", "trace_id", "thread_id", "parent_run_id", "session_id")
    },
    "is_root": operator.attrgetter("is_root"),
    "run_type": operator.attrgetter("run_type"),
    "status": operator.attrgetter("status"),
    "start_time": operator.attrgetter("start_us"),
    "end_time": operator.attrgetter("end_us"),
    "latency": _latency_s,
    "execution_order": operator.attrgetter("execution_order"),
    "reference_example_id": operator.attrgetter("reference_example_id"),
}
_PAIRED = {
    "metadata_key": ("metadata", "key"),
    "metadata_value": ("metadata", "value"),
    "input_key": ("inputs", "key"),
    "input_value": ("inputs", "value"),
    "output_key": ("outputs", "key"),
    "output_value": ("outputs", "value"),
    "feedback_key": ("feedback", "key"),
    "feedback_score": ("feedback", "value"),
}
"""Fields that are conditions on one (key, value) pair of a run."""
_SEARCHED = ("name", "error", "inputs", "outputs", "tags")


def compile_filter(node: Node, feedback_of: FeedbackOf) -> Predicate:
    """Turn a parsed filter into a function of a run.

    Raises:
        FilterSyntaxError: a field that cannot be filtered on, or a value that does not fit it.
    """
    match node:
        case Junction():
            return _junction(node, feedback_of)
        case Has():
            return _has(node)
        case Search():
            return _search(node)
        case Comparison() | Membership():
            if node.field in _PAIRED:
                return _pair([node], feedback_of)
            return _of_field(node)


def _junction(node: Junction, feedback_of: FeedbackOf) -> Predicate:
    if node.operator == "or":
        members = [compile_filter(member, feedback_of) for member in node.members]
        return lambda run: any(member(run) for member in members)
    groups = list(_pair_groups(node.members))
    grouped = {id(member) for group in groups for member in group}
    members = [compile_filter(m, feedback_of) for m in node.members if id(m) not in grouped]
    members += [_pair(group, feedback_of) for group in groups]
    return lambda run: all(member(run) for member in members)


def _pair_groups(members: tuple[Node, ...]) -> Iterator[list[Comparison | Membership]]:
    """Conditions on key and value that stand side by side in an `and` speak of the same pair."""
    open_groups: dict[str, list[Comparison | Membership]] = {}
    for member in members:
        if not isinstance(member, Comparison | Membership) or member.field not in _PAIRED:
            continue
        source, side = _PAIRED[member.field]
        group = open_groups.setdefault(source, [])
        if side == "key" and any(_PAIRED[other.field][1] == "key" for other in group):
            yield group
            group = open_groups[source] = []
        group.append(member)
    yield from open_groups.values()


def _of_field(node: Comparison | Membership) -> Predicate:
    if node.field == "tags":
        return _tags(node)
    read = _READERS.get(node.field)
    if read is None:
        raise FilterSyntaxError(f"unknown field {node.field!r}")
    if isinstance(node, Membership):
        wanted = frozenset(_fit(node.field, value) for value in node.values)
        return lambda run: read(run) in wanted
    test = _test(node.operator, _fit(node.field, node.value))
    return lambda run: test(read(run))


def _test(operation: str, wanted: Value) -> Callable[[Any], bool]:
    if operation == "eq":
        return lambda value: bool(value == wanted)
    if operation == "neq":
        return lambda value: bool(value != wanted)
    if wanted is None:
        raise FilterSyntaxError(f"{operation}() cannot compare with null")
    compare = _ORDER[operation]

    def ordered(value: Any) -> bool:  # noqa: ANN401 - a field of any type
        try:
            return value is not None and bool(compare(value, wanted))
        except TypeError:
            return False

    return ordered


def _fit(field: str, value: Value) -> Value:
    """Bring a written value into the form in which the field is kept."""
    if value is None:
        return None
    if field in ("start_time", "end_time"):
        try:
            return instants.parse(value)
        except instants.BadInstant as error:
            raise FilterSyntaxError(f"{field}: {error}") from error
    if field == "latency":
        return _seconds(value)
    if field in ("run_type", "status"):
        return str(value).lower()
    if field == "is_root" and isinstance(value, str):
        return value.lower() == "true"
    return value


def _seconds(value: Value) -> float:
    if isinstance(value, int | float):
        return float(value)
    match = _DURATION.fullmatch(str(value).strip())
    if match is None:
        raise FilterSyntaxError(f"latency: not a duration: {value!r}")
    return float(match.group(1)) * _SECONDS[match.group(2)]


def _tags(node: Comparison | Membership) -> Predicate:
    if isinstance(node, Membership):
        wanted = frozenset(node.values)
        return lambda run: not wanted.isdisjoint(run.tags or ())
    if node.operator not in ("eq", "neq"):
        raise FilterSyntaxError(f"{node.operator}() does not apply to tags")
    contained = node.operator == "eq"
    return lambda run: (node.value in (run.tags or ())) is contained


def _has(node: Has) -> Predicate:
    if node.field == "tags":
        return lambda run: node.value in (run.tags or ())
    if node.field != "metadata":
        raise FilterSyntaxError(f"has() does not apply to {node.field!r}")
    try:
        wanted = msgspec.json.decode(node.value, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise FilterSyntaxError(f"has(metadata, ..) takes a JSON object: {error}") from error
    return lambda run: _contains(run.metadata(), wanted)


def _contains(metadata: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(key in metadata and _as_text(metadata[key]) == _as_text(value) for key, value in wanted.items())


def _search(node: Search) -> Predicate:
    if node.field is not None and node.field not in _SEARCHED:
        raise FilterSyntaxError(f"search() does not apply to {node.field!r}")
    fields = (node.field,) if node.field else _SEARCHED
    words = node.text.lower()
    return lambda run: any(words in text.lower() for field in fields for text in _texts(getattr(run, field)))


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, Raw):
        value = decode(value)
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for inner in value.values() for text in _texts(inner))
    elif isinstance(value, list):
        yield from (text for inner in value for text in _texts(inner))


def _pair(group: list[Comparison | Membership], feedback_of: FeedbackOf) -> Predicate:
    source = _PAIRED[group[0].field][0]
    tests = [(_PAIRED[node.field][1], _pair_test(node)) for node in group]

    def holds(run: StoredRun) -> bool:
        pairs = _feedback_pairs(feedback_of(run.id)) if source == "feedback" else _pairs(run, source)
        return any(all(test(key if side == "key" else value) for side, test in tests) for key, value in pairs)

    return holds


def _pair_test(node: Comparison | Membership) -> Callable[[Any], bool]:
    """Compare as texts, as the key/value index does, but numbers with numbers."""
    if isinstance(node, Membership):
        wanted = frozenset(_as_text(value) for value in node.values)
        return lambda value: _as_text(value) in wanted
    if node.operator in _ORDER or isinstance(node.value, int | float):
        return _test(node.operator, node.value)
    same = node.operator == "eq"
    text = _as_text(node.value)
    return lambda value: (_as_text(value) == text) is same


def _as_text(value: Any) -> str:  # noqa: ANN401 - any JSON
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _pairs(run: StoredRun, source: str) -> Iterator[tuple[str, Any]]:
    document = run.metadata() if source == "metadata" else decode(getattr(run, source))
    yield from _flatten("", document)


def _flatten(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(f"{prefix}.{key}" if prefix else key, inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _flatten(f"{prefix}.{index}", inner)
    if prefix and not (isinstance(value, dict | list) and value):
        yield prefix, value
    elif prefix:
        yield prefix, None


def _feedback_pairs(rows: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    return ((str(row.get("key")), row.get("score")) for row in rows)
