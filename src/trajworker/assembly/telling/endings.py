"""How the turn that a trace told last ended: answered, failed, pending, or waiting for a human."""

from trajworker.assembly.reading.faults import error_text, is_interrupt
from trajworker.assembly.reading.trace import Trace
from trajworker.assembly.telling.transcript import Transcript
from trajworker.model.run import ERROR, Run


def ending(trace: Trace, transcript: Transcript, *, open_end: bool) -> tuple[str, str | None]:
    """The turn's status and error: as the root says, unless that hides an interrupt or that no call was answered.

    `open_end` tells whether the last message that the root gave back calls a tool.
    """
    run, calls = trace.root_run, trace.calls
    if run is None or not run.ended:
        return "pending", None
    if run.status is ERROR or run.error is not None:
        if is_interrupt(run):
            return "interrupted", None
        return "error", error_text(run.error) or "error"
    if _is_interrupted(trace, transcript, open_end=open_end):
        return "interrupted", None
    if calls and not transcript.answered and all(call.failed for call in calls):
        return "error", error_text(calls[-1].run.error) or "error"
    return "success", None


def _is_interrupted(trace: Trace, transcript: Transcript, *, open_end: bool) -> bool:
    """Whether a graph waits for a human although its root succeeded."""
    for run in trace.runs.values():
        if run.error is not None and is_interrupt(run) and _waits(trace, run):
            return True
    waits = open_end and bool(transcript.pending)
    return waits and any(call.about.langgraph_node is not None for call in trace.calls)


def _waits(trace: Trace, asking: Run) -> bool:
    """Whether no model went on after a run had stopped to ask a human."""
    end = asking.end_time
    return end is None or all(call.run.start_time < end for call in trace.calls)
