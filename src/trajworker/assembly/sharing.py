"""Whose tool runs are whose, where several agents of one trace call tools."""

from collections import defaultdict
from collections.abc import Sequence

from trajworker.assembly.calls import Call
from trajworker.assembly.tool_runs import ToolRun


def share(agents: Sequence[list[Call]], runs: list[ToolRun]) -> list[list[ToolRun]]:
    """The tool runs of each agent: which it called by id, else by name; what nobody called is the first agent's.

    Where several called a tool by that name it is of the agent that stands nearest in the tree, then of the one that
    gave it these arguments, then of the first.
    """
    by_id: defaultdict[str, list[int]] = defaultdict(list)
    by_name: defaultdict[str, list[int]] = defaultdict(list)
    for place, calls in enumerate(agents):
        for one in {one for call in calls for one in call.ids}:
            by_id[one].append(place)
        for name in {name for call in calls for name in call.names}:
            by_name[name].append(place)
    shared: list[list[ToolRun]] = [[] for _ in agents]
    for run in runs:
        rivals = by_id[run.call_id] if run.call_id is not None else by_name[run.name]
        place = rivals[0] if rivals else 0
        if len(rivals) > 1:
            place = max(rivals, key=lambda rival: _nearness(agents[rival], run))
        shared[place].append(run)
    return shared


def _nearness(calls: list[Call], run: ToolRun) -> tuple[int, bool]:
    """How much of its way down the tree a tool run shares with an agent, and whether the agent gave it its arguments.

    Of agents that are equal in both `max` takes the first.
    """
    above = set(run.path)
    depth = max(sum(one in above for one in call.path) for call in calls)
    drafts = [call.answer.draft for call in calls if call.answer.draft is not None]
    made = [call for draft in drafts for call in draft.tool_calls or ()]
    return depth, any(call.name == run.name and call.arguments == run.arguments for call in made)
