"""Tool runs whose own name is not the tool's: a function that runs any tool, or a name that an app has decorated."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from trajworker.assembly.kept.context import Pending
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.tool_runs import ToolRun
from trajworker.dialects.calls import arguments, call_of

_NAMES = ("name", "tool_name", "toolName", "tool", "function_name", "function", "action")
_GIVEN = ("arguments", "args", "tool_args", "toolArgs", "tool_arguments", "tool_input", "toolInput", "input",
          "parameters", "params", "kwargs", "function_args", "action_input")  # fmt: skip
_IDS = ("id", "tool_call_id", "toolCallId", "call_id", "tool_use_id")

_PUNCTUATION = re.compile(r"[^a-z0-9]+")
_DECORATION = re.compile(r"^(?:tool|function|execute|call|run|invoke)|(?:tool|function)$")


def bear_open_names(tools: Iterable[ToolRun], calls: Sequence[Call], pending: Sequence[Pending]) -> None:
    """Have tool runs that the `calls` of their own trace do not name bear the names of those that wait for a result."""
    named = {name for call in calls for name in call.names}
    waiting = {call.name for call in pending}
    for tool in tools:
        if tool.call_id is None and tool.name not in named:
            bear_called_name(tool, waiting)


def bear_called_name(tool: ToolRun, named: set[str]) -> None:
    """Give a run the name, arguments and id of the call it was made for, where they are one of the names called."""
    for asked in (tool.arguments, *tool.arguments.values()):
        if isinstance(asked, list) and len(asked) > 1 and isinstance(asked[0], str):
            asked = {"name": asked[0], "arguments": asked[1]}  # noqa: PLW2901 - called by position
        if isinstance(asked, dict) and _take(tool, asked, named):
            return
    plain = _plain(tool.name)
    tool.name = next((name for name in sorted(named) if plain and _plain(name) == plain), tool.name)


def _take(tool: ToolRun, asked: dict[str, Any], named: set[str]) -> bool:
    """Read arguments as a tool call; whether they are one."""
    name = next((asked[key] for key in _NAMES if isinstance(asked.get(key), str) and asked[key] in named), None)
    if name is None:
        call = call_of(asked)
        if call is None or call.name not in named:
            return False
        tool.name, tool.arguments, tool.call_id = call.name, call.arguments or {}, call.id
        return True
    tool.name = name
    tool.call_id = next((asked[key] for key in _IDS if isinstance(asked.get(key), str) and asked[key]), None)
    given = next((asked[key] for key in _GIVEN if asked.get(key) is not None), None)
    tool.arguments = arguments(given)[0] if given is not None else tool.arguments
    return True


def _plain(name: str) -> str:
    """A name without case, punctuation and the words that say what it is the name of."""
    return _DECORATION.sub("", _PUNCTUATION.sub("", name.lower()))
