"""Links tool calls, tool runs and tool messages: by id where there is one, else by name, arguments and order."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from trajworker.assembly.kept.context import Pending
from trajworker.assembly.reading.tool_runs import ToolRun, comparable
from trajworker.assembly.telling.open_runs import OpenRuns, bears_name
from trajworker.dialects import Draft
from trajworker.dialects.draft import as_text
from trajworker.model.message import TOOL, ToolCall, ToolResponse
from trajworker.model.run import SUCCESS
from trajworker.trajectory.answered import ORPHAN

_ARGUMENTS = msgspec.json.Decoder()


def pending_of(index: int, calls: tuple[ToolCall, ...]) -> list[Pending]:
    """The calls of a message, as long as they have no result."""
    return [Pending(index, call.id, call.name, comparable(call.arguments), place) for place, call in enumerate(calls)]


def match_result(draft: Draft, pending: list[Pending]) -> Pending | None:
    """The call that a tool message answers: newest first among equal ids, oldest first without ids."""
    told = draft.tool_response
    if told is not None and told.id:
        for call in reversed(pending):
            if call.id == told.id:
                return call
    named = told.name if told is not None else None
    open_calls = [call for call in pending if call.id is None or told is None or told.id is None]
    for call in open_calls:
        if named is None or call.name == named:
            return call
    return None


def _returned(run: ToolRun) -> bool:
    """Whether a run has something to say: a value, a message or a failure; not pending, not interrupted."""
    if run.failed or run.message is not None:
        return True
    return run.run.status is SUCCESS and run.run.error is None


def match_run(
    call: Pending, runs: OpenRuns, open_calls: list[Pending], before: datetime | None, *, skewed: bool = True
) -> ToolRun | None:
    """The run of a call; retries of one call count as one, the last of them.

    Runs that started after the next llm call belong to later calls, unless they bear the call's id or its arguments and
    nothing else is left (a clock that may be `skewed`).
    """
    if not runs:
        return None
    timely = _timely(call, runs.of_id(call), before, skewed=skewed)
    if not timely:
        alike = (run for run in runs.of_arguments(call) if bears_name(run, call.name))
        timely = _timely(call, alike, before, skewed=skewed)
        timely = timely or _timely(call, runs.of_name(call), before, skewed=skewed, most=1)
    if len(timely) > 1 and timely[0].call_id is None:
        rivals = sum(1 for other in open_calls if other.name == call.name and other.arguments == call.arguments)
        timely = timely[:1] if rivals > 1 else _attempts(timely) if call.id is not None else timely
    for run in timely:
        run.linked = True
    return timely[-1] if timely else None


def _timely(
    call: Pending, runs: Iterable[ToolRun], before: datetime | None, *, skewed: bool, most: int | None = None
) -> list[ToolRun]:
    """Those of these runs that had started by then; else the first, where nothing but the clock speaks against it."""
    timely: list[ToolRun] = []
    for run in runs:
        if not _returned(run):
            continue
        if before is not None and run.run.start_time > before:
            return timely or ([run] if skewed and _is_surely_of(call, run) else [])
        timely.append(run)
        if len(timely) == most:
            break
    return timely


def match_value(draft: Draft, call: Pending, runs: OpenRuns, before: datetime | None) -> ToolRun | None:
    """The run of a call under another name: given the same arguments, it gave back or failed with the result."""
    text = draft.text
    for run in runs.of_arguments(call) if text else ():
        if before is not None and run.run.start_time > before:
            break
        if (as_text(run.value) or "").strip() == text or _failed_with(run, text):
            run.linked = True
            return run
    return None


def _failed_with(run: ToolRun, text: str) -> bool:
    """Whether a result tells, word for word, of the error that a run failed with."""
    message = (run.error or "").partition(": ")[2].strip()
    return run.failed and bool(message) and message in text


def part_from_others(draft: Draft, run: ToolRun, others: list[ToolRun]) -> None:
    """Leave a tool message its own words, where an exporter wrote the results of several calls into one message."""
    own = as_text(run.value)
    texts = [own, *(as_text(other.value) for other in others)]
    if own and draft.content == "\n".join(text for text in texts if text):
        draft.content = own


def _is_surely_of(call: Pending, run: ToolRun) -> bool:
    """Whether nothing but the clock speaks against a run."""
    return run.call_id is not None or comparable(run.arguments) == call.arguments


def is_run_of(call: Pending, run: ToolRun) -> bool:
    """Whether a run may be that of a call, by its id, else by the tool's name."""
    return run.call_id == call.id if run.call_id is not None and call.id is not None else bears_name(run, call.name)


def _attempts(runs: list[ToolRun]) -> list[ToolRun]:
    """The first run with the failed ones it follows: attempts of one call end with the first success."""
    for index, run in enumerate(runs):
        if not run.failed:
            return runs[: index + 1]
    return runs


def complete(draft: Draft, call: Pending | None, run: ToolRun | None) -> Draft:
    """A tool message with everything that call, run and message tell together."""
    told = draft.tool_response or ToolResponse()
    if draft.content is None and draft.blocks is None and told.response is None and run is not None:
        draft.content = as_text(run.value)
    error = _error_of(draft, told, call, run)
    response = _returned_by(told, run)
    if response is None and error is None:
        response = draft.content
    draft.tool_response = ToolResponse(
        id=told.id or _id_of(call, run), name=_name_of(told, call, run), arguments=_given_to(call, run),
        response=response, error=error, run_id=run.run.id if run is not None else None,
    )  # fmt: skip
    draft.name = draft.name or draft.tool_response.name
    if call is None and ORPHAN not in draft.flags:
        draft.flags = (*draft.flags, ORPHAN)
    return draft


def _error_of(draft: Draft, told: ToolResponse, call: Pending | None, run: ToolRun | None) -> str | None:
    """What went wrong, in the words of the run, else of what the message tells; None where nothing did."""
    if run is not None:
        ran, failed = run.error or run.told_failure, run.failed
    else:
        ran, failed = call.error if call is not None else None, False
    if ran is None and told.error is None and not failed:
        return None
    return ran or told.error or draft.content or "error"


def _returned_by(told: ToolResponse, run: ToolRun | None) -> Any:  # noqa: ANN401 - recorded JSON
    """The value of a call where more than its text is known: the message's own, else that of a run."""
    if told.response is not None or run is None or run.message is not None or isinstance(run.value, str):
        return told.response
    return run.value


def _given_to(call: Pending | None, run: ToolRun | None) -> dict[str, Any]:
    """The arguments: as the model wrote them, else as the run was given them."""
    if call is None:
        return run.arguments if run is not None else {}
    given: dict[str, Any] = _ARGUMENTS.decode(call.arguments)
    return given


def _name_of(told: ToolResponse, call: Pending | None, run: ToolRun | None) -> str | None:
    """The tool's name, from the call first."""
    return (call.name if call is not None else None) or told.name or (run.name if run is not None else None)


def _id_of(call: Pending | None, run: ToolRun | None) -> str | None:
    """The id of the call, from the call first."""
    return (call.id if call is not None else None) or (run.call_id if run is not None else None)


def from_run(run: ToolRun) -> Draft:
    """The tool message of a run that no prompt repeats."""
    if run.message is not None:
        return run.message
    content = run.error if run.failed and run.error else as_text(run.value)
    return Draft(role=TOOL, content=content, tool_response=ToolResponse(id=run.call_id))
