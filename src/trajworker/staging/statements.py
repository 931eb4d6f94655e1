"""Statements that name many values at once: their parameters, and values in portions that one statement can take."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

LOOKUP_ROWS = 500
"""Values asked for in one statement."""


def slots(values: Sequence[object]) -> str:
    """As many parameters (`?,?,?`) as there are values, for `IN (...)`."""
    return ",".join("?" * len(values))


def chunked(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in portions that one statement can ask for."""
    for first in range(0, len(values), LOOKUP_ROWS):
        yield values[first : first + LOOKUP_ROWS]
