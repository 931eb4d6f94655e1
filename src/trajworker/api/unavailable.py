"""Which conversations that were read cannot be handed out, and why: purged here, never come, or not readable."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from trajworker.ports import Unreadable
from trajworker.staging import Staging

PURGED = (
    "it was purged here, and what was purged is never staged again: "
    "import it without staging (--no-stage, stage=False), or with another storage_dir"
)


async def unavailable(staging: Staging, project_id: str, traces: Mapping[str, AbstractSet[str]]) -> dict[str, str]:
    """Why conversations cannot be handed out, by id; `traces` are the ids that each must consist of."""
    purged = await staging.purged(project_id, list(traces))
    blamed = _by_trace(await staging.unreadable(project_id))
    ids = sorted({trace for members in traces.values() for trace in members})
    staged = await staging.staged_traces(project_id, ids)
    found = dict.fromkeys(purged, PURGED)
    for name, members in traces.items():
        if name in purged:
            continue
        for trace in sorted(members):
            if trace in blamed:
                found[name] = blamed[trace]
            elif trace not in staged:
                found[name] = f"the source told of trace {trace}, but gave none of its runs"
    return found


async def unavailable_in_project(staging: Staging, project_id: str) -> dict[str, str]:
    """Why conversations of a project that was read whole cannot be handed out, by id, or by what else is known."""
    rows = await staging.unreadable(project_id)
    blamed = _by_trace(rows)
    staged = await staging.staged_traces(project_id, list(blamed))
    found = {
        staged[trace].conversation_id if trace in staged else f"trace {trace}": reason
        for trace, reason in blamed.items()
    }
    lost = [one for one in rows if one.trace_id is None]
    nameless = [one.reason for one in lost if one.run_id is None]
    found |= {f"run {one.run_id}": one.reason for one in lost if one.run_id is not None}
    return found | {f"run without an id ({number})": reason for number, reason in enumerate(nameless, start=1)}


def _by_trace(rows: list[Unreadable]) -> dict[str, str]:
    return {
        one.trace_id: f"run {one.run_id or 'without an id'} of it cannot be read ({one.reason})"
        for one in rows
        if one.trace_id is not None
    }
