"""How the turn that a trace told last ended: answered, failed, pending, or waiting for a human."""

from trajworker.assembly.reading.faults import error_text, is_interrupt
from trajworker.assembly.reading.trace import Trace
from trajworker.assembly.telling.transcript import Transcript
from trajworker.model.message import TOOL
from trajworker.model.run import ERROR, Run


def ending(trace: Trace, transcript: Transcript, *, open_end: bool) -> tuple[str, str | None]:
    """The turn's status and error: as the root says, unless that hides an interrupt, or a failure nobody spoke behind.

    `open_end` tells whether the last message that the root gave back calls a tool.
    """
    run = trace.root_run
    if run is None or not run.ended:
        return "pending", None
    failed = run if run.status is ERROR or run.error is not None else None
    if is_interrupt(run) if failed else _is_interrupted(trace, transcript, open_end=open_end):
        return "interrupted", None
    failed = failed or _broke_off(trace, transcript)
    return ("error", error_text(failed.error) or "error") if failed is not None else ("success", None)


def _broke_off(trace: Trace, transcript: Transcript) -> Run | None:
    """The run at which a turn broke off, though an app let its root succeed with nothing (OpenAI Agents)."""
    calls, last = trace.calls, transcript.drafts[-1] if transcript.drafts else None
    if not calls:
        return None
    if not transcript.answered and all(call.failed for call in calls):
        return calls[-1].run
    if last is None or last.role is not TOOL:
        return None
    if calls[-1].failed:
        return calls[-1].run
    told = last.tool_response
    tool = trace.tools.get(told.run_id) if told is not None and told.run_id is not None else None
    return tool.run if tool is not None and tool.failed else None


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
