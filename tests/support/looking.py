"""What a staging holds, as plain values that a test compares."""

from support.staged import FOREVER
from trajworker.model.run import Feedback, Run
from trajworker.ports import Activity, Emission
from trajworker.staging import Staging


async def activities(staging: Staging) -> dict[str, Activity]:
    """The changed conversations by id."""
    return {activity.conversation_id: activity async for activity in staging.changed(FOREVER)}


async def conversations(staging: Staging) -> dict[str, list[str]]:
    """Names of the runs of each changed conversation, trace by trace."""
    found: dict[str, list[str]] = {}
    async for activity in staging.changed(FOREVER):
        found[activity.conversation_id] = [run.name for run in await runs_of(staging, activity.conversation)]
    return found


async def runs_of(staging: Staging, conversation: int) -> list[Run]:
    """The runs of a conversation, trace by trace in tree order."""
    traces = [trace.trace_id for trace in await staging.traces(conversation)]
    return [
        run
        async for portion in staging.portions(conversation, traces)
        for runs in portion.runs.values()
        for run in sorted(runs, key=lambda run: (run.dotted_order, run.start_time))
    ]


async def feedback_of(staging: Staging, conversation: int, trace_id: str) -> list[Feedback]:
    """What was left on the runs of a trace."""
    return [one async for portion in staging.portions(conversation, [trace_id]) for one in portion.feedback[trace_id]]


async def seen(staging: Staging, conversation: int) -> dict[str, int]:
    """Versions of the traces as they are now."""
    return {trace.trace_id: trace.version for trace in await staging.traces(conversation)}


async def settle(staging: Staging) -> None:
    """Mark every changed conversation as looked at, without a line."""
    async for activity in staging.changed(FOREVER):
        emission = Emission(
            conversation=activity.conversation,
            revision=activity.revision,
            content_hash=b"same",
            line=None,
            seen=await seen(staging, activity.conversation),
        )
        await staging.record([emission])


async def settle_as_delivered(staging: Staging) -> None:
    """Mark every changed conversation as delivered once."""
    await settle(staging)
    await staging._database.write(lambda c: c.execute("UPDATE conversation SET revision = 1").rowcount)
