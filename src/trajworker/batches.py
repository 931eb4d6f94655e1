"""A sequence in portions: statements, requests and jobs take so many values at once and no more."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def batches(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The values in their order, at most so many at a time."""
    for first in range(0, len(values), size):
        yield values[first : first + size]
