"""Values of arguments compared as JSON values, and where they differ.

1 equals 1.0, True is not 1, NaN equals NaN, the order of keys is nothing, the order of a list is everything. Types that
JSON does not know are compared with `==`, asked of the expected side; arrays and their scalars are lists and numbers.
"""

from collections.abc import Hashable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from trajworker.errors import ConfigError
from trajworker.matching.arrays import without_arrays
from trajworker.matching.matchers import MATCHERS, AnyValue, Approx, OneOf, Regex
from trajworker.matching.pointers import Path, PathPatterns, pointer

Relation: TypeAlias = Literal["exact", "subset", "superset"]

NUMBERS: Final = (int, float, Decimal)


_DATA: Final = (Mapping, list, tuple, str, bytes, *NUMBERS, type(None))


class Incomparable(ConfigError, TypeError):
    """Two values that cannot be asked whether they are equal; the message names their types."""


class Difference(Struct, frozen=True):
    """One place where arguments differ.

    `pointer` is a JSON pointer into the arguments, empty for the arguments as a whole. `kind` is `changed`, `absent`
    (expected, not there), `unexpected` (there, not expected) or `refused` (a function said no).
    """

    pointer: str
    kind: Literal["changed", "absent", "unexpected", "refused"]
    expected: Any = None
    actual: Any = None


class Comparison(Struct, frozen=True):
    """How two arguments are compared.

    Args:
        relation: whether expected arguments equal the actual ones, are a subset of them, or a superset.
        deep: whether the relation holds for nested objects too; else their values are compared exactly.
        absent_as_null: whether an absent key counts as null where the relation lets keys be absent (seed 003).
        ignored: paths left out on both sides.
    """

    relation: Relation = "exact"
    deep: bool = False
    absent_as_null: bool = False
    ignored: PathPatterns = PathPatterns()


EXACT: Final = Comparison()


class NotPlain(Exception):
    """The value holds something that is no JSON value, so it can be compared but not looked up."""


def differences(actual: object, expected: object, how: Comparison) -> Iterator[Difference]:
    """Where `actual` falls short of `expected`; nothing where it matches."""
    partial = how.relation != "exact" and isinstance(expected, _DATA)  # what else answers `==` accepts for itself
    if partial and not (isinstance(actual, Mapping) and isinstance(expected, Mapping)):
        yield Difference("", "changed", expected, actual)  # text is never part of text: the seed's rule
        return
    yield from _walk(actual, expected, (), (how, how.relation))


def same(actual: object, expected: object) -> bool:
    """Whether two values are equal as JSON values, or the expected one, a matcher, accepts the other or is the same."""
    return next(differences(actual, expected, EXACT), None) is None


def _walk(actual: object, expected: object, path: Path, rule: tuple[Comparison, Relation]) -> Iterator[Difference]:
    how, relation = rule
    if how.ignored and how.ignored.covers(path):
        return
    actual, expected = without_arrays(actual), without_arrays(expected)
    below = (how, relation if how.deep else "exact")
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        yield from _absent_keys(actual, expected, path, rule)
        for key, value in expected.items():
            if key in actual:
                yield from _walk(actual[key], value, (*path, str(key)), below)
        yield from _unexpected_keys(actual, expected, path, rule)
    elif isinstance(actual, list | tuple) and isinstance(expected, list | tuple):
        yield from _walk_list(actual, expected, path, (how, relation))
    elif not _leaf_accepts(actual, expected):
        yield Difference(pointer(path), "changed", expected, actual)


def _absent_keys(
    actual: Mapping[Any, Any], expected: Mapping[Any, Any], path: Path, rule: tuple[Comparison, Relation]
) -> Iterator[Difference]:
    how, relation = rule
    if relation == "superset":
        return
    forgiving = relation == "subset" and how.absent_as_null
    for key, value in expected.items():
        if key in actual or (forgiving and value is None) or how.ignored.covers((*path, str(key))):
            continue
        yield Difference(pointer((*path, str(key))), "absent", expected=value)


def _unexpected_keys(
    actual: Mapping[Any, Any], expected: Mapping[Any, Any], path: Path, rule: tuple[Comparison, Relation]
) -> Iterator[Difference]:
    how, relation = rule
    if relation == "subset":
        return
    forgiving = relation == "superset" and how.absent_as_null
    for key, value in actual.items():
        if key in expected or (forgiving and value is None) or how.ignored.covers((*path, str(key))):
            continue
        yield Difference(pointer((*path, str(key))), "unexpected", actual=value)


def _walk_list(
    actual: list[Any] | tuple[Any, ...],
    expected: list[Any] | tuple[Any, ...],
    path: Path,
    rule: tuple[Comparison, Relation],
) -> Iterator[Difference]:
    how, _ = rule
    for index in range(max(len(actual), len(expected))):
        place = (*path, str(index))
        if index < len(actual) and index < len(expected):
            yield from _walk(actual[index], expected[index], place, rule)
        elif how.ignored.covers(place):
            continue
        elif index < len(expected):
            yield Difference(pointer(place), "absent", expected=expected[index])
        else:
            yield Difference(pointer(place), "unexpected", actual=actual[index])


def _leaf_accepts(actual: object, expected: object) -> bool:
    if isinstance(actual, MATCHERS) and _same_matcher(actual, expected):
        return True
    if isinstance(expected, OneOf):
        return any(same(actual, value) for value in expected.values)
    if isinstance(expected, AnyValue | Regex | Approx):
        return expected.accepts(actual)
    if isinstance(actual, NUMBERS) and isinstance(expected, NUMBERS):
        if isinstance(actual, bool) is not isinstance(expected, bool):
            return False
        return actual == expected or _both_nan(actual, expected)
    return _equal(actual, expected)


def _equal(actual: object, expected: object) -> bool:
    """What the expected value says of the other; raises Incomparable where it says neither yes nor no."""
    try:
        return bool(expected == actual)
    except Exception as error:  # whatever another library's `==` raises
        kinds = f"{type(expected).__name__} with {type(actual).__name__}"
        advice = "pass plain values, or an override that knows how"
        raise Incomparable(f"cannot compare {kinds} ({type(error).__name__}: {error}): {advice}") from error


def _same_matcher(one: object, other: object) -> bool:
    """Whether both accept the same, as in a golden file that is compared with another one."""
    if isinstance(one, OneOf) and isinstance(other, OneOf):
        return same(one.values, other.values)
    return type(one) is type(other) and one == other


def _both_nan(one: object, other: object) -> bool:
    return one != one and other != other  # noqa: PLR0124 - only NaN differs from itself


def key_of(value: object, ignored: PathPatterns, path: Path = ()) -> Hashable:
    """A hashable that is equal for values that match exactly at that path; raises NotPlain where there is none."""
    return _key(value, path, ignored)


_IGNORED: Final = ("ignored",)


def _key(value: object, path: Path, ignored: PathPatterns) -> Hashable:
    if ignored and ignored.covers(path):
        return _IGNORED
    value = without_arrays(value)
    match value:
        case None | str():
            return value
        case bool():
            return ("bool", value)
        case int() | float() | Decimal():
            return ("nan",) if value != value else ("number", value)  # noqa: PLR0124 - only NaN differs from itself
        case dict():
            pairs = ((key, _key(item, (*path, str(key)), ignored)) for key, item in value.items())
            return ("map", frozenset(pair for pair in pairs if pair[1] is not _IGNORED))
        case list() | tuple():
            items = [_key(item, (*path, str(index)), ignored) for index, item in enumerate(value)]
            while items and items[-1] is _IGNORED:
                items.pop()
            return ("list", tuple(items))
        case _:
            raise NotPlain
