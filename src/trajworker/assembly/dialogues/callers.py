"""Whose tool runs are whose, where several agents of one trace call tools."""

from collections.abc import Iterator, Sequence

from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.tool_runs import ToolRun, comparable

_ANYWHERE = ""
"""Stands above every run of the tree."""


def by_caller(agents: Sequence[list[Call]], runs: list[ToolRun]) -> list[list[ToolRun]]:
    """The tool runs of each agent: which it called by id, else by name; what nobody called is the first agent's.

    Where several called a tool by that name it is of the agent that stands nearest in the tree, then of the one that
    gave it these arguments, then of the first.
    """
    callers: dict[tuple[str | bytes, ...], int] = {}
    for place, calls in enumerate(agents):
        for use in _uses(calls):
            callers.setdefault(use, place)
    found: list[list[ToolRun]] = [[] for _ in agents]
    for run in runs:
        found[_caller(callers, run)].append(run)
    return found


def _uses(calls: list[Call]) -> Iterator[tuple[str | bytes, ...]]:
    """By what a tool run may be known: what stands above a call, with id, name and arguments of what it asks for."""
    for call in calls:
        for made in (call.answer.draft.tool_calls or ()) if call.answer.draft is not None else ():
            given = comparable(made.arguments)
            for one in (_ANYWHERE, *call.path):
                yield one, "name", made.name
                yield one, "name", made.name, made.name, given
                if made.id:
                    yield one, "id", made.id
                    yield one, "id", made.id, made.name, given


def _caller(callers: dict[tuple[str | bytes, ...], int], run: ToolRun) -> int:
    """Place of the agent that called for a run; the first one's where nobody did."""
    called = ("name", run.name) if run.call_id is None else ("id", run.call_id)
    first = next((one for one in reversed((_ANYWHERE, *run.path)) if (one, *called) in callers), None)
    if first is None:
        return 0
    alike = callers.get((first, *called, run.name, comparable(run.arguments)))
    return alike if alike is not None else callers[first, *called]
