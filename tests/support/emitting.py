"""Emitting changed conversations as small lines, as the outlet does with large ones."""

import json

from support.looking import seen
from support.staged import FOREVER, an_emission
from trajworker.ports import Emission, Stream
from trajworker.sinks import JsonlSink
from trajworker.staging import Staging


async def append(
    staging: Staging, sink: JsonlSink, stream: Stream = Stream.TRAJECTORIES, most: int = 99
) -> list[Emission]:
    """Append a line for each changed conversation, at most so many."""
    emissions: list[Emission] = []
    async for activity in staging.changed(FOREVER):
        if len(emissions) == most:
            break
        content = json.dumps([activity.conversation_id, activity.revision + 1]).encode()
        (line,) = await sink.append([([content[:3], content[3:]], stream)])
        emissions.append(an_emission(activity, await seen(staging, activity.conversation), line, content))
    return emissions


async def emit(staging: Staging, sink: JsonlSink, stream: Stream = Stream.TRAJECTORIES, most: int = 99) -> int:
    """Append and commit; how many lines."""
    emissions = await append(staging, sink, stream, most)
    await sink.commit(emissions)
    return len(emissions)
