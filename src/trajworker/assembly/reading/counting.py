"""Counts the runs of a trace: calls, failures, tokens, cost and times."""

from collections.abc import Iterable
from datetime import datetime

from trajworker.assembly.kept.figures import Figures
from trajworker.assembly.reading.trace import Trace
from trajworker.model.intervals import union
from trajworker.model.run import Run
from trajworker.model.times import micros


def count_runs(figures: Figures, trace: Trace) -> None:
    """Add what the runs of a trace count for."""
    for call in trace.calls:
        run = call.run
        if call.failed:
            figures.llm_errors += 1
        else:
            figures.llm_calls += 1
            figures.count(call.usage)
        if run.total_cost is not None:
            figures.cost = (figures.cost or 0.0) + run.total_cost
        if run.end_time is not None:
            figures.llm_times.append((micros(run.start_time), micros(run.end_time)))
    for tool in trace.tools.values():
        if tool.failed:
            figures.tool_runs_failed += 1
        if tool.run.end_time is not None:
            figures.tool_times.append((micros(tool.run.start_time), micros(tool.run.end_time)))
    figures.llm_times, figures.tool_times = union(figures.llm_times), union(figures.tool_times)
    figures.retrievals = len(trace.searches)
    start, end = _span(trace.runs.values())
    figures.start, figures.end = micros(start), micros(end) if end is not None else None
    root = trace.root_run
    if figures.counted:
        told = root.total_tokens if root is not None and trace.root is not None else None
        figures.root_tokens = told or figures.total_tokens


def _span(runs: Iterable[Run]) -> tuple[datetime, datetime | None]:
    """When the first of these runs began, and when the last of those that have ended did."""
    begun, *later = runs
    start, end = begun.start_time, begun.end_time
    for run in later:
        if run.start_time < start:  # noqa: PLR1730 - as `min` it takes five times as long
            start = run.start_time
        if end is None or (run.end_time is not None and run.end_time > end):
            end = run.end_time
    return start, end
