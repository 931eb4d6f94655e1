"""Tool runs that are no tool of an agent: they wrap a trace or a call, or hand through what was given or gave back."""

from collections.abc import Sequence

from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.dispatch import bear_called_name
from trajworker.assembly.reading.payloads import EMPTY, is_empty
from trajworker.assembly.reading.tool_runs import ToolRun
from trajworker.model.run import SUCCESS, Run


def real_tools(tools: dict[str, ToolRun], calls: Sequence[Call], root: Run) -> dict[str, ToolRun]:
    """The tool runs but for the root itself, those around all calls or around one, and echoes that no call asked for.

    Chat platforms record a workflow as a tool run, with one for each of its nodes.
    """
    left = dict(tools)
    left.pop(root.id, None)
    while left and _stand_around(left, calls):
        outermost, *more = {next(one for one in call.path if one in left) for call in calls}
        if more or left[outermost].call_id is not None:
            break
        del left[outermost]
    for tool in left.values():
        if tool.call_id is None:
            return _asked_for(left, calls, root)
    return left  # each tells which call asked for it


def _asked_for(left: dict[str, ToolRun], calls: Sequence[Call], root: Run) -> dict[str, ToolRun]:
    """Tool runs, those that tell no call's id only where a call names them, or they tell something of their own."""
    named = {name for call in calls for name in call.names}
    left = {
        key: tool for key, tool in left.items()
        if tool.name in named or not (_wraps_call(key, tool, calls) or tells_nothing(tool))
    }  # fmt: skip
    others = [tool for tool in left.values() if tool.call_id is None and tool.name not in named]
    if not others:
        return left
    for tool in others:
        bear_called_name(tool, named)
    asked = {key for key, tool in left.items() if tool.call_id is not None or tool.name in named}
    handed = {bytes(root.inputs), bytes(root.outputs)}.difference(EMPTY)
    return {key: tool for key, tool in left.items() if key in asked or bytes(tool.run.outputs) not in handed}


def _stand_around(tools: dict[str, ToolRun], calls: Sequence[Call]) -> bool:
    """Whether each call stands below one of these tool runs."""
    for call in calls:
        if tools.keys().isdisjoint(call.path):
            return False
    return bool(calls)


def tells_nothing(tool: ToolRun) -> bool:
    """Whether nothing is told of a tool run, neither what it was given nor what it gave back: a guardrail."""
    run = tool.run
    if tool.call_id is not None or run.status is not SUCCESS:
        return False
    return is_empty(run.inputs) and is_empty(run.outputs)


def _wraps_call(key: str, tool: ToolRun, calls: Sequence[Call]) -> bool:
    """Whether a function that asks a model was recorded as a tool: given messages, it made one call of a model."""
    messages = tool.arguments.get("messages")
    if tool.call_id is not None or not isinstance(messages, list) or len(messages) < 2:  # noqa: PLR2004 - a dialogue
        return False
    return sum(key in call.path for call in calls) == 1
