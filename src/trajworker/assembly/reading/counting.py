"""Counts the runs of a trace: calls, failures, tokens, cost and times."""

from trajworker.assembly.kept.figures import Figures, union
from trajworker.assembly.reading.trace import Trace
from trajworker.model.times import micros


def count_runs(figures: Figures, trace: Trace) -> None:
    """Add what the runs of a trace count for."""
    for call in trace.calls:
        if call.failed:
            figures.llm_errors += 1
        else:
            figures.llm_calls += 1
            figures.count(call.usage)
        if call.run.total_cost is not None:
            figures.cost = (figures.cost or 0.0) + call.run.total_cost
        if call.run.end_time is not None:
            figures.llm_times.append((micros(call.run.start_time), micros(call.run.end_time)))
    for tool in trace.tools.values():
        if tool.failed:
            figures.tool_runs_failed += 1
        if tool.run.end_time is not None:
            figures.tool_times.append((micros(tool.run.start_time), micros(tool.run.end_time)))
    figures.llm_times, figures.tool_times = union(figures.llm_times), union(figures.tool_times)
    figures.retrievals = len(trace.searches)
    figures.start = micros(min([run.start_time for run in trace.runs.values()]))
    ends = [run.end_time for run in trace.runs.values() if run.end_time is not None]
    figures.end = micros(max(ends)) if ends else None
    root = trace.root_run
    if figures.counted:
        told = root.total_tokens if root is not None and trace.root is not None else None
        figures.root_tokens = told or figures.total_tokens
