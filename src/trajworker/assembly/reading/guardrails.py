"""Guardrails: tool runs that nobody called and that tell nothing, in which another agent is asked about a dialogue."""

from bisect import bisect_right
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.tool_runs import ToolRun


def guardrails(silent: dict[str, ToolRun], kept: dict[str, ToolRun], calls: Sequence[Call]) -> AbstractSet[str]:
    """Those of the `silent` tool runs that ask a model, and stand beside calls of an agent that called none of them.

    A run may also tell nothing because what a tool was given was not recorded: that nobody called it is sure where
    the agent had said nothing yet, or last something that calls no tool.
    """
    own: dict[str | None, list[Call]] = {}
    for call in sorted(calls, key=_end):
        if silent.keys().isdisjoint(call.path):
            own.setdefault(_scope(call.path, kept), []).append(call)
    found = set()
    for key in silent.keys() & {above for call in calls for above in call.path}:
        beside = own.get(_scope(silent[key].path, kept), [])
        said = bisect_right(beside, silent[key].run.start_time, key=_end)
        if beside and not (said and beside[said - 1].names):
            found.add(key)
    return found


def _scope(path: Sequence[str], kept: dict[str, ToolRun]) -> str | None:
    """The innermost tool above, which asks an agent of its own; None for the main agent."""
    return next((one for one in reversed(path) if one in kept), None)


def _end(call: Call) -> datetime:
    return call.run.end_time or call.run.start_time
