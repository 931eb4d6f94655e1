"""The runs of one trace, read and sorted by kind."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Raw, structs

from trajworker.assembly.kept.rewards import RewardRule, Rewards, collect
from trajworker.assembly.reading.calls import Call, in_order, innermost, read_call
from trajworker.assembly.reading.guardrails import guardrails
from trajworker.assembly.reading.pieces import by_answer, by_step, by_tools, without_pieces
from trajworker.assembly.reading.requests import without_requests
from trajworker.assembly.reading.roots import Root, read_root
from trajworker.assembly.reading.searches import read_search
from trajworker.assembly.reading.told_later import answers_told_later
from trajworker.assembly.reading.tool_runs import ToolRun, read_tool_run
from trajworker.assembly.reading.twice import told_by, told_by_outer, told_once
from trajworker.assembly.reading.unprompted import prompt_from_transcript
from trajworker.assembly.reading.wrappers import real_tools, tells_nothing
from trajworker.errors import MalformedRun, RedactionFailed
from trajworker.model.run import REDACTION_FAILED, Feedback, Run, newest_versions


class Trace:
    """The runs of a trace, read and sorted by kind."""

    def __init__(self, runs: Iterable[Run], feedback: Sequence[Feedback], rule: RewardRule) -> None:
        self.aggregation = rule.aggregation
        runs = tuple(runs)
        _refuse_unmasked(runs)
        self.runs = newest_versions(runs)
        if not self.runs:
            raise MalformedRun("a trace without any run tells nothing")
        first = next(iter(self.runs.values()))
        self.trace_id, self.project_id = first.trace_id, first.project_id
        self.root_run = self.runs.get(self.trace_id)
        self.root_name = self.root_run.name if self.root_run is not None else ""
        kinds: dict[str, list[Run]] = {"llm": [], "tool": [], "retriever": []}
        for run in self.runs.values():
            if run.run_type in kinds:
                kinds[run.run_type].append(run)
        self.tools = {run.id: read_tool_run(run) for run in sorted(kinds["tool"], key=_place)}
        self.calls = _read_calls(kinds["llm"], list(self.tools.values()))
        found = kinds["retriever"]
        self.searches = [read_search(run) for run in sorted(found, key=_place)] if found else []
        self.rewards: Rewards = collect(feedback, rule, self._told) if feedback else Rewards(all=[], by_run={})
        self.root: Root | None = None
        root = self.root_run
        if root is not None and (root.run_type not in kinds or any(call.run is not root for call in self.calls)):
            self.root = read_root(root)  # whatever its type, a root around calls is what the user spoke to
            prompt_from_transcript(self.calls, self.root)
            if self.root.gave_list:
                self.root.leave_out_batch({call.key for call in self.calls})
            if self.tools and self.calls:
                self._sort_tools(root)

    def give_back(self, outputs: Raw) -> None:
        """Take these outputs as what the trace gave back."""
        if self.root_run is not None:
            self.root_run = structs.replace(self.root_run, outputs=outputs)
            self.root = read_root(self.root_run)

    def _sort_tools(self, root: Run) -> None:
        """Leave out tool runs that are no tool of an agent, and those that are a guardrail's."""
        recorded, self.tools = self.tools, real_tools(self.tools, self.calls, root)
        if len(self.tools) == len(recorded):
            return
        silent = {key: tool for key, tool in recorded.items() if key not in self.tools and tells_nothing(tool)}
        if not silent:
            return
        found = guardrails(silent, self.tools, self.calls)
        for call in self.calls:
            call.in_silence = not silent.keys().isdisjoint(call.path)
            call.guards = not found.isdisjoint(call.path)
        self.tools = {key: tool for key, tool in self.tools.items() if found.isdisjoint(tool.path)}

    def _told(self, run_id: str) -> str:
        """The run whose step a run's feedback belongs to: its own, unless another call tells what it does."""
        run = self.runs.get(run_id)
        if run is None or run.run_type != "llm" or any(call.run is run for call in self.calls):
            return run_id
        return told_by(run, self.calls) or run_id


def _refuse_unmasked(runs: Sequence[Run]) -> None:
    """Raise RedactionFailed where a run could not be masked."""
    for run in runs:
        if run.flags and REDACTION_FAILED in run.flags:
            why = f": {run.error}" if run.error else ""
            raise RedactionFailed(f"run {run.id} could not be masked, so its conversation is not handed out{why}")


def _read_calls(llm_runs: list[Run], tools: list[ToolRun]) -> list[Call]:
    """The calls of a trace in order of their start, each once, however often and in whatever pieces it was recorded."""
    asked, pieces = without_pieces(without_requests(llm_runs))
    inner = innermost(asked, [tool.run for tool in tools])
    calls = [read_call(run) for run in inner]
    if len(inner) < len(asked):
        calls = told_by_outer(calls, asked)
    calls = by_answer(calls)
    calls = by_step(calls, pieces) if pieces else by_tools(calls, tools) if tools else calls
    calls = told_once(in_order(calls))
    answers_told_later(calls)
    return calls


def _place(run: Run) -> tuple[datetime, str, str]:
    """Sorts runs by start."""
    return run.start_time, run.dotted_order, run.id
