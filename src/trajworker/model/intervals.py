"""Intervals [start, end) of numbers or times: joined where they overlap, and taken from each other."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

Bound = TypeVar("Bound", int, datetime)


def union(intervals: Iterable[tuple[Bound, Bound]]) -> list[tuple[Bound, Bound]]:
    """Intervals that overlap or touch joined, in order; an empty one by itself stays, it tells when something was."""
    joined: list[tuple[Bound, Bound]] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def subtract(
    intervals: Iterable[tuple[Bound, Bound]], taken: Iterable[tuple[Bound, Bound]]
) -> list[tuple[Bound, Bound]]:
    """What of `intervals` no interval of `taken` holds, in order; nothing of it is empty."""
    left = _filled(union(intervals))
    for taken_start, taken_end in _filled(union(taken)):
        left = _filled(
            piece for start, end in left for piece in ((start, min(end, taken_start)), (max(start, taken_end), end))
        )
    return left


def _filled(intervals: Iterable[tuple[Bound, Bound]]) -> list[tuple[Bound, Bound]]:
    return [(start, end) for start, end in intervals if start < end]
