"""Calls that two clients recorded: a framework's own model around a wrapped one, both as children of the same step."""

from collections.abc import Iterable
from datetime import datetime

from trajworker.assembly.reading.calls import Call, read_call
from trajworker.model.run import Run, ancestors

_BESIDE = 8
"""Calls of one parent, the last begun, among which the one around a call is looked for."""


def told_once(calls: list[Call]) -> list[Call]:
    """Calls in order of their start, without those that another one inside them tells as well."""
    if not _overlap(calls):
        return calls
    begun: dict[str, list[Call]] = {}
    again: set[int] = set()
    for call in calls:
        if call.run.parent_run_id is None:
            continue
        siblings = begun.setdefault(call.run.parent_run_id, [])
        for outer in siblings[-_BESIDE:]:
            if not _is_inside(call, outer):
                continue
            if _is_hollow(call):
                again.add(id(call))
            elif _says_the_same(call, outer) and call.answer.draft is not None and outer.answer.draft is not None:
                call.answer.draft.id = call.answer.draft.id or outer.answer.draft.id
                again.add(id(outer))
        siblings.append(call)
    return [call for call in calls if id(call) not in again]


def told_by_outer(calls: list[Call], runs: list[Run]) -> list[Call]:
    """Calls, those of which nothing is told as the llm run around them tells them, one for all below it.

    A run around others that tell something adds nothing to them.
    """
    around = {run.id: run for run in runs}
    found: dict[str, Call] = {call.run.id: call for call in calls if not _is_hollow(call)}
    told = {one for call in found.values() for one in call.path}
    for call in calls:
        if call.run.id in found:
            continue
        above = [around[one] for one in reversed(call.path) if one in around]
        outer = next((one for run in above if not _is_hollow(one := found.get(run.id) or read_call(run))), call)
        if outer.run.id not in told:
            found[outer.run.id] = outer
    return list(found.values())


def told_by(run: Run, calls: Iterable[Call]) -> str | None:
    """Which call tells an llm run that is none of its own: the only one around it, inside it, or inside it in time."""
    above = ancestors(run.dotted_order)
    tells = [
        call.run.id for call in calls
        if run.id in call.path or call.run.id in above or _within(call.run, run)
    ]  # fmt: skip
    return tells[0] if len(tells) == 1 else None


def _overlap(calls: list[Call]) -> bool:
    """Whether a call began before the one before it had ended."""
    end: datetime | None = None
    for call in calls:
        if end is not None and call.run.start_time < end:
            return True
        end = call.run.end_time
    return False


def _is_inside(call: Call, other: Call) -> bool:
    """Whether a call of the same model began and ended within another one, which bears another name."""
    return call.model == other.model and call.run.name != other.run.name and _within(call.run, other.run)


def _within(mine: Run, its: Run) -> bool:
    """Whether a child of a step began and ended while another one of it ran."""
    if mine.parent_run_id is None or mine.parent_run_id != its.parent_run_id:
        return False
    if mine.end_time is None or its.end_time is None:
        return False
    return its.start_time < mine.start_time and mine.end_time < its.end_time


def _is_hollow(call: Call) -> bool:
    """Whether nothing is told of a call but that it was made: an SDK's own span beside an instrumented one."""
    return call.answer.draft is None and not call.failed and not call.prompt.array and not call.read()


def _says_the_same(call: Call, other: Call) -> bool:
    """Whether two calls were asked the same and gave the same answer."""
    if call.key != other.key or not call.key or call.ids != other.ids:
        return False
    return call.digests() == other.digests()
