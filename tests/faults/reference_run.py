"""A worker reduced to its durable half: scripted pages in, lines with trivial folds out, crash at will, start again.

    python reference_run.py FOLDER [BUG]

Reads pages from where its slice stands, so a second start goes on. Prints nothing; exit code 0 when all is published.
"""

import json
import sys
from pathlib import Path

import anyio
from msgspec import structs

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.looking import seen
from support.staged import FOREVER, PROJECT_ID, a_page, a_run, a_slice, an_emission
from trajworker.model.run import Project, Run
from trajworker.ports import Emission, Stream
from trajworker.sinks import JsonlSettings, JsonlSink, Limits, open_sink
from trajworker.staging import Staging, open_staging

PAGES = 18
LIMITS = Limits(seal_lines=5)
CONVERSATIONS = 7


def page(number: int) -> list[Run]:
    """The runs of a page: turns of a few conversations, some not ended before the next page, some patched later."""
    runs = []
    for turn in range(3):
        conversation = (number * 3 + turn) % CONVERSATIONS
        name = f"p{number}t{turn}"
        ended = (number + turn) % 4 != 0
        runs.append(a_run(name, thread=f"c{conversation}", at=number, ended=ended, outputs=b'"%s"' % name.encode()))
    if number:
        before = (number - 1) * 3 % CONVERSATIONS
        runs.append(a_run(f"p{number - 1}t0", thread=f"c{before}", at=number - 1, outputs=b'"patched"'))
    return runs


async def run(folder: Path) -> None:
    """Work until everything is published."""
    settings = JsonlSettings(out=folder / "out", limits=LIMITS)
    async with open_staging(folder / "staging" / "s.db") as staging, open_sink(staging, settings) as sink:
        coverage = await staging.coverage(PROJECT_ID)
        if not coverage.spans and not await staging.unread(PROJECT_ID):
            await staging.plan(Project(PROJECT_ID, "reference"), [a_slice(0, PAGES)])
        for part in await staging.unread(PROJECT_ID):
            for number in range(int(part.cursor or 0), PAGES):
                onward = structs.replace(part, cursor=str(number + 1), pages=number + 1)
                last = number == PAGES - 1
                await staging.stage(a_page(page(number), number + 1, onward, done=last))
                if number % 2:
                    await deliver(staging, sink, Stream.LATE if number == PAGES // 2 else Stream.TRAJECTORIES)
        await deliver(staging, sink, Stream.TRAJECTORIES)
        await sink.publish_all()


async def deliver(staging: Staging, sink: JsonlSink, stream: Stream) -> None:
    """Emit what changed in two batches; a fold is the names and outputs of the runs of a trace."""
    emissions: list[Emission] = []
    async for activity in staging.changed(FOREVER):
        versions = await seen(staging, activity.conversation)
        folds = {
            trace_id: json.dumps(
                [
                    [one.name, one.ended, bytes(one.outputs).decode()]
                    for one in sorted(runs, key=lambda run: run.dotted_order)
                ]
            ).encode()
            async for portion in staging.portions(activity.conversation, list(versions))
            for trace_id, runs in portion.runs.items()
        }
        content = b",".join(folds.values())
        emission = an_emission(activity, versions, None, content)
        if emission.content_hash != activity.content_hash:
            head = json.dumps([activity.conversation_id, activity.revision + 1]).encode()
            (line,) = await sink.append([([b"[", head, b",[", content, b"]]"], stream)])
            emission = an_emission(activity, versions, line, content)
        emissions.append(structs.replace(emission, folds=folds))
        if len(emissions) == CONVERSATIONS // 2:
            await sink.commit(emissions)
            emissions = []
    await sink.commit(emissions)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        from faults.seeded_bugs import plant

        plant(sys.argv[2])
    anyio.run(run, Path(sys.argv[1]))
