"""Tool runs that no result stands for yet: found by the call's id, by its arguments, or by the tool's name."""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime

from trajworker.assembly.kept.context import Pending
from trajworker.assembly.reading.tool_runs import ToolRun, comparable

_SIGN = re.compile("[ _]")


class OpenRuns:
    """The tool runs of one agent, in order of their start; one that is `linked` is no longer open.

    Looking for one costs the same however many there are.
    """

    def __init__(self, runs: Sequence[ToolRun]) -> None:
        self._runs = runs
        self._coming = 0
        self._begun: list[ToolRun] = []
        self._by_id: dict[str, list[ToolRun]] | None = None
        self._by_arguments: dict[bytes, deque[ToolRun]] | None = None
        self._by_name: dict[str, deque[ToolRun]] | None = None

    def __bool__(self) -> bool:
        """Whether there ever were any."""
        return bool(self._runs)

    def of_id(self, call: Pending) -> Iterable[ToolRun]:
        """Runs that tell the call's id."""
        if call.id is None:
            return ()
        if self._by_id is None:
            self._by_id = {}
            for run in self._runs:
                if run.call_id is not None:
                    self._by_id.setdefault(run.call_id, []).append(run)
        return [run for run in self._by_id.get(call.id, ()) if not run.linked]

    def of_arguments(self, call: Pending) -> Iterable[ToolRun]:
        """Runs without an id that were given the call's arguments, whatever the tool's name."""
        if self._by_arguments is None:
            self._by_arguments = {}
            for run in self._runs:
                if run.call_id is None:
                    self._by_arguments.setdefault(comparable(run.arguments), deque()).append(run)
        return _open(self._by_arguments.get(call.arguments))

    def of_name(self, call: Pending) -> Iterable[ToolRun]:
        """Runs without an id of the tool called."""
        if self._by_name is None:
            self._by_name = {}
            for run in self._runs:
                for name in _endings(run.name) if run.call_id is None else ():
                    self._by_name.setdefault(name, deque()).append(run)
        return _open(self._by_name.get(call.name))

    def begun(self, before: datetime | None) -> list[ToolRun]:
        """Those that had begun by a time, or all; times are asked for in order."""
        runs, place = self._runs, self._coming
        while place < len(runs) and (before is None or runs[place].run.start_time <= before):
            self._begun.append(runs[place])
            place += 1
        self._coming = place
        if self._begun:
            self._begun = [run for run in self._begun if not run.linked]
        return self._begun


def bears_name(run: ToolRun, name: str) -> bool:
    """Whether a run is of the tool called so; SDKs decorate the name (`mcp__server__tool`, `execute_tool x`)."""
    return bool(name) and (run.name == name or run.name.endswith((f" {name}", f"_{name}")))


def _endings(name: str) -> list[str]:
    """The names that a tool may be called by."""
    return [name, *(name[sign.end() :] for sign in _SIGN.finditer(name) if sign.end() < len(name))]


def _open(runs: deque[ToolRun] | None) -> Iterable[ToolRun]:
    if runs is None:
        return ()
    while runs and runs[0].linked:
        runs.popleft()
    return (run for run in runs if not run.linked)
