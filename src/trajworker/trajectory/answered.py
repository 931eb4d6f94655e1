"""Links tool results to the calls they answer in plain messages: by id, else by name and order."""

from collections.abc import Sequence

from trajworker.dialects import Draft
from trajworker.model.message import Role, ToolCall, ToolResponse
from trajworker.trajectory.calling import made_calls

UNANSWERED, ORPHAN = "unanswered", "orphan"
"""Flags of a message whose call has no result, and of a result that no call asked for."""


def link_results(drafts: Sequence[Draft]) -> None:
    """Complete each result with what its call tells, and flag calls and results that stand alone."""
    waiting: list[tuple[Draft, ToolCall]] = []
    for draft in drafts:
        waiting += [(draft, call) for call in made_calls(draft)]
        if draft.role is not Role.TOOL:
            continue
        result = draft.tool_response or ToolResponse()
        place = _place_of(result, waiting)
        call = waiting.pop(place)[1] if place is not None else None
        draft.tool_response = _complete(result, call, draft)
        draft.name = draft.name or draft.tool_response.name
        if call is None:
            _flag(draft, ORPHAN)
    for draft, _ in waiting:
        _flag(draft, UNANSWERED)


def _place_of(result: ToolResponse, waiting: Sequence[tuple[Draft, ToolCall]]) -> int | None:
    """Where the call of a result waits: the newest with its id, else the oldest of its name without one."""
    if result.id:
        named = (place for place in range(len(waiting) - 1, -1, -1) if waiting[place][1].id == result.id)
        found = next(named, None)
        if found is not None:
            return found
    calls = enumerate(call for _, call in waiting)
    return next(
        (place for place, call in calls if not (result.id and call.id) and result.name in (None, call.name)), None
    )


def _complete(result: ToolResponse, call: ToolCall | None, draft: Draft) -> ToolResponse:
    response = draft.content if result.response is None and result.error is None else result.response
    return ToolResponse(
        id=result.id or (call.id if call is not None else None),
        name=result.name or (call.name if call is not None else None),
        arguments=result.arguments or (call.arguments if call is not None else None) or {},
        response=response,
        error=result.error,
        run_id=result.run_id,
    )


def _flag(draft: Draft, flag: str) -> None:
    if flag not in draft.flags:
        draft.flags = (*draft.flags, flag)
