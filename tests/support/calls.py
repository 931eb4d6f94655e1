"""Tool calls for tests of matching, and the seed's search as its page describes it, in a few lines, to compare with."""

from collections.abc import Sequence
from typing import Any


def call(name: str, arguments: Any = None, **more: Any) -> dict[str, Any]:
    """A call with these arguments; without any it accepts any."""
    return {"name": name, "arguments": more if arguments is None and more else arguments}


def json_equal(one: Any, other: Any) -> bool:
    """Equality of JSON values as Elixir's `==` has it: numbers by value, booleans are no numbers."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(json_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(json_equal, one, other))
    return bool(one == other)


def seed_accepts(actual: dict[str, Any], expected: dict[str, Any], args: str) -> bool:
    """Whether seed 003 lets these two calls go together (peers.md section 2)."""
    if actual["name"] != expected["name"]:
        return False
    made, wanted = actual["arguments"], expected["arguments"]
    if wanted is None:
        return True
    if args == "exact":
        return json_equal(made, wanted)
    if not isinstance(made, dict) or not isinstance(wanted, dict):
        return False
    return all(json_equal(made.get(key), value) for key, value in wanted.items())


def seed_first_fit(actual: Sequence[Any], expected: Sequence[Any], mode: str, args: str) -> bool:
    """The verdict of seed 003: expected calls take, in order, the first actual call that will do."""
    if mode != "superset" and len(actual) != len(expected):
        return False
    if mode == "strict":
        return all(seed_accepts(made, wanted, args) for made, wanted in zip(actual, expected, strict=True))
    free = list(actual)
    for wanted in expected:
        found = next((made for made in free if seed_accepts(made, wanted, args)), None)
        if found is None:
            return False
        free.remove(found)
    return True
