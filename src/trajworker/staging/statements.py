"""Statements that name many values at once: their parameters, and values in batches that one statement can take."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from trajworker.batches import batches

T = TypeVar("T")

LOOKUP_ROWS = 500
"""Values asked for in one statement."""


def slots(values: Sequence[object]) -> str:
    """As many parameters (`?,?,?`) as there are values, for `IN (...)`."""
    return ",".join("?" * len(values))


def chunked(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in batches that one statement can ask for."""
    return batches(values, LOOKUP_ROWS)
