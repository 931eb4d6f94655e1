"""Links tool calls, tool runs and tool messages: by id where there is one, else by name, arguments and order."""

from datetime import datetime

import msgspec

from trajworker.assembly.context import Pending
from trajworker.assembly.tool_runs import ToolRun
from trajworker.dialects import Draft
from trajworker.dialects.draft import as_text
from trajworker.model.message import Role, ToolCall, ToolResponse
from trajworker.model.run import RunStatus

_ENCODER = msgspec.json.Encoder(order="deterministic")


def pending_of(index: int, calls: tuple[ToolCall, ...]) -> list[Pending]:
    """The calls of a message, as long as they have no result."""
    return [
        Pending(index, call.id, call.name, _ENCODER.encode(call.arguments), place) for place, call in enumerate(calls)
    ]


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
    return run.run.status is RunStatus.SUCCESS and run.run.error is None


def match_run(call: Pending, runs: list[ToolRun], open_calls: list[Pending], before: datetime | None) -> ToolRun | None:
    """The run of a call; retries of one call count as one, the last of them.

    Runs that started after the next llm call belong to later calls, unless they bear the call's id or its arguments and
    nothing else is left (a skewed clock).
    """
    free = [run for run in runs if not run.linked and _returned(run)]
    for group in (_same_id(call, free), _same_arguments(call, free), _same_name(call, free)):
        if not group:
            continue
        timely = [run for run in group if before is None or run.run.start_time <= before]
        timely = timely or [run for run in group[:1] if _is_surely_of(call, run)]
        if not timely:
            continue
        rivals = sum(1 for other in open_calls if other.name == call.name and other.arguments == call.arguments)
        if rivals <= 1 or group[0].call_id is not None:
            if timely[0].call_id is None and call.id is not None and group is not free:
                timely = _attempts(timely)
            for run in timely:
                run.linked = True
            return timely[-1]
        timely[0].linked = True
        return timely[0]
    return None


def match_value(draft: Draft, call: Pending, runs: list[ToolRun]) -> ToolRun | None:
    """The run of a call under another name: given the same arguments, it gave back or failed with the result."""
    text = (draft.content or "").strip()
    for run in runs:
        same = not run.linked and run.call_id is None and _ENCODER.encode(run.arguments) == call.arguments
        if same and text and ((as_text(run.value) or "").strip() == text or _failed_with(run, text)):
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
    return run.call_id is not None or _ENCODER.encode(run.arguments) == call.arguments


def is_run_of(call: Pending, run: ToolRun) -> bool:
    """Whether a run may be that of a call, by its id, else by the tool's name."""
    return run.call_id == call.id if run.call_id is not None and call.id is not None else _names(call, run)


def _attempts(runs: list[ToolRun]) -> list[ToolRun]:
    """The first run with the failed ones it follows: attempts of one call end with the first success."""
    for index, run in enumerate(runs):
        if not run.failed:
            return runs[: index + 1]
    return runs


def _same_id(call: Pending, runs: list[ToolRun]) -> list[ToolRun]:
    return [run for run in runs if run.call_id is not None and run.call_id == call.id]


def _same_arguments(call: Pending, runs: list[ToolRun]) -> list[ToolRun]:
    return [
        run for run in runs
        if run.call_id is None and _names(call, run) and _ENCODER.encode(run.arguments) == call.arguments
    ]  # fmt: skip


def _same_name(call: Pending, runs: list[ToolRun]) -> list[ToolRun]:
    return [run for run in runs if run.call_id is None and _names(call, run)][:1]


def _names(call: Pending, run: ToolRun) -> bool:
    """Whether a run is of the tool called; SDKs decorate the name (`mcp__server__tool`, `execute_tool x`)."""
    return bool(call.name) and (run.name == call.name or run.name.endswith((f" {call.name}", f"_{call.name}")))


def complete(draft: Draft, call: Pending | None, run: ToolRun | None) -> Draft:
    """A tool message with everything that call, run and message tell together."""
    told = draft.tool_response or ToolResponse()
    if draft.content is None and draft.blocks is None and told.response is None and run is not None:
        draft.content = as_text(run.value)
    failed = told.error is not None or (run is not None and (run.failed or run.told_failure is not None))
    error = None
    if failed:
        error = (run.error or run.told_failure if run is not None else None) or told.error or draft.content or "error"
    response = told.response
    if response is None and run is not None and not isinstance(run.value, str):
        response = run.value if run.message is None else None
    if response is None and error is None:
        response = draft.content
    given = {}
    if call is not None:
        given = msgspec.json.decode(call.arguments)
    elif run is not None:
        given = run.arguments
    name = (call.name if call is not None else None) or told.name or (run.name if run is not None else None)
    call_id = told.id or (call.id if call is not None else None) or (run.call_id if run is not None else None)
    draft.tool_response = ToolResponse(
        id=call_id, name=name, arguments=given, response=response, error=error,
        run_id=run.run.id if run is not None else None,
    )  # fmt: skip
    draft.name = draft.name or name
    if call is None and "orphan" not in draft.flags:
        draft.flags = (*draft.flags, "orphan")
    return draft


def from_run(run: ToolRun) -> Draft:
    """The tool message of a run that no prompt repeats."""
    if run.message is not None:
        return run.message
    content = run.error if run.failed and run.value is None else as_text(run.value)
    return Draft(role=Role.TOOL, content=content, tool_response=ToolResponse(id=run.call_id))
