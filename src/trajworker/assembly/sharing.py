"""Whose tool runs are whose, where several agents of one trace call tools."""

from collections.abc import Sequence

from trajworker.assembly.calls import Call
from trajworker.assembly.tool_runs import ToolRun


def share(agents: Sequence[list[Call]], runs: list[ToolRun]) -> list[list[ToolRun]]:
    """The tool runs of each agent: which it called by id, else by name; what nobody called is the first agent's.

    Where several called a tool by that name it is of the agent that stands nearest in the tree, then of the one that
    gave it these arguments, then of the first.
    """
    shared: list[list[ToolRun]] = [[] for _ in agents]
    for run in runs:
        rivals = [place for place, calls in enumerate(agents) if any(_calls(call, run) for call in calls)]
        place = max(rivals, key=lambda place: _nearness(agents[place], run), default=0)
        shared[place].append(run)
    return shared


def _calls(call: Call, run: ToolRun) -> bool:
    return run.call_id in call.ids if run.call_id is not None else run.name in call.names


def _nearness(calls: list[Call], run: ToolRun) -> tuple[int, bool]:
    """How much of its way down the tree a tool run shares with an agent, and whether the agent gave it its arguments.

    Of agents that are equal in both `max` takes the first.
    """
    depth = max(_common(call.path, run.path) for call in calls)
    given = (
        made
        for call in calls if call.answer.draft is not None
        for made in call.answer.draft.tool_calls or ()
    )  # fmt: skip
    return depth, any(made.name == run.name and made.arguments == run.arguments for made in given)


def _common(path: Sequence[str], other: Sequence[str]) -> int:
    return next((depth for depth, pair in enumerate(zip(path, other, strict=False)) if pair[0] != pair[1]),
                min(len(path), len(other)))  # fmt: skip
