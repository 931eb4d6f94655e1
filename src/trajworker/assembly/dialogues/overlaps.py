"""Which groups of calls ran beside each other: at the same time, or in the same step of a graph."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from trajworker.assembly.dialogues.groups import Group


def parallel(one: Group, other: Group) -> bool:
    """Whether two groups ran at the same time, or in the same step of a graph."""
    return any(ran_beside([one, other]))


def ran_beside(groups: Sequence[Group]) -> list[bool]:
    """For each group whether it ran beside any other of them; as dear as to sort them, however many there are."""
    if len(groups) == 1:
        return [False]
    steps = [_step(one) for one in groups]
    nodes = Counter(step for step, _ in set(steps))
    times = [_time(one) for one in groups]
    starts, ends = sorted(start for start, _ in times), sorted(end for _, end in times)
    moments = Counter(start for start, end in times if start == end)
    found: list[bool] = []
    for (step, _), (start, end) in zip(steps, times, strict=True):
        # those that began before its end, without those that had ended by its start; of no length, one is neither
        met = bisect_left(starts, end) - bisect_right(ends, start) + (moments[start] if start == end else 0)
        found.append(met > (start < end) or (step is not None and nodes[step] > 1))
    return found


_PUSHED = b'"__pregel_push"'
"""Triggers a task that code sent off: LangGraph's `Send`, and each task of its Functional API."""


def _step(one: Group) -> tuple[tuple[str, str] | None, str]:
    """The graph and the step of it that a group stands in, and its node's own namespace (`agent:1|tools:2`).

    Tasks that code sends off one after another are all of one step: their times alone tell which ran together.
    """
    about = one.calls[0].about
    namespace = str(about.langgraph_checkpoint_ns)
    step = about.langgraph_step
    if step is None or _PUSHED in bytes(one.calls[0].run.extra):
        return None, namespace
    return (namespace.rpartition("|")[0], str(step)), namespace


def _time(one: Group) -> tuple[datetime, datetime]:
    start = one.calls[0].run.start_time
    return start, max(start, *(call.run.end_time or call.run.start_time for call in one.calls))
