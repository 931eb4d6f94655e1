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
        told = draft.tool_response or ToolResponse()
        place = _place_of(told, waiting)
        call = waiting.pop(place)[1] if place is not None else None
        draft.tool_response = _complete(told, call, draft)
        draft.name = draft.name or draft.tool_response.name
        if call is None:
            _flag(draft, ORPHAN)
    for draft, _ in waiting:
        _flag(draft, UNANSWERED)


def _place_of(told: ToolResponse, waiting: Sequence[tuple[Draft, ToolCall]]) -> int | None:
    """Where the call of a result waits: the newest with its id, else the oldest of its name without one."""
    if told.id:
        named = (place for place in range(len(waiting) - 1, -1, -1) if waiting[place][1].id == told.id)
        found = next(named, None)
        if found is not None:
            return found
    calls = enumerate(call for _, call in waiting)
    return next((place for place, call in calls if not (told.id and call.id) and told.name in (None, call.name)), None)


def _complete(told: ToolResponse, call: ToolCall | None, draft: Draft) -> ToolResponse:
    response = draft.content if told.response is None and told.error is None else told.response
    return ToolResponse(
        id=told.id or (call.id if call is not None else None),
        name=told.name or (call.name if call is not None else None),
        arguments=told.arguments or (call.arguments if call is not None else None) or {},
        response=response,
        error=told.error,
        run_id=told.run_id,
    )


def _flag(draft: Draft, flag: str) -> None:
    if flag not in draft.flags:
        draft.flags = (*draft.flags, flag)
