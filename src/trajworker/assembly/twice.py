"""Calls that two clients recorded: a framework's own model around a wrapped one, both as children of the same step."""

from datetime import datetime

from trajworker.assembly.calls import Call

_BESIDE = 8
"""Calls of one parent, the last begun, among which the one around a call is looked for."""


def told_once(calls: list[Call]) -> list[Call]:
    """Calls in order of their start, without those that another one inside them tells as well."""
    if not _overlap(calls):
        return calls
    begun: dict[str, list[Call]] = {}
    around: set[int] = set()
    for call in calls:
        if call.run.parent_run_id is None:
            continue
        siblings = begun.setdefault(call.run.parent_run_id, [])
        outer = next((one for one in siblings[-_BESIDE:] if _is_inside(call, one) and _says_the_same(call, one)), None)
        siblings.append(call)
        if outer is not None and call.answer.draft is not None and outer.answer.draft is not None:
            call.answer.draft.id = call.answer.draft.id or outer.answer.draft.id
            around.add(id(outer))
    return [call for call in calls if id(call) not in around]


def _overlap(calls: list[Call]) -> bool:
    """Whether a call began before the one before it had ended."""
    end: datetime | None = None
    for call in calls:
        if end is not None and call.run.start_time < end:
            return True
        end = call.run.end_time
    return False


def _is_inside(call: Call, other: Call) -> bool:
    """Whether a call began and ended within another one that bears another name."""
    mine, its = call.run, other.run
    if mine.end_time is None or its.end_time is None or mine.name == its.name:
        return False
    return its.start_time < mine.start_time and mine.end_time < its.end_time


def _says_the_same(call: Call, other: Call) -> bool:
    if call.key != other.key or not call.key or call.ids != other.ids or call.model != other.model:
        return False
    return call.digests() == other.digests()
