"""From staged runs to published files, with a real staging file and a real folder."""

import json
from pathlib import Path

from support.looking import runs_of
from support.staged import FOREVER, a_page, a_run, an_emission
from trajworker.ports import Emission, Stream
from trajworker.sinks import JsonlSettings, JsonlSink, open_sink, verify
from trajworker.staging import Staging, open_staging


async def deliver(staging: Staging, sink: JsonlSink) -> int:
    """Emit every changed conversation as a line with the names of its runs."""
    emissions: list[Emission] = []
    async for activity in staging.changed(FOREVER):
        seen: dict[str, int] = {}
        for trace in await staging.traces(activity.conversation):
            seen[trace.trace_id] = trace.version
        names = [run.name for run in await runs_of(staging, activity.conversation)]
        content = json.dumps([activity.conversation_id, activity.revision + 1, names]).encode()
        (line,) = await sink.append([([content], Stream.TRAJECTORIES)])
        emissions.append(an_emission(activity, seen, line, content))
    await sink.commit(emissions)
    return len(emissions)


def published(out: Path) -> list[list[object]]:
    return [json.loads(line) for path in sorted(out.glob("*.jsonl")) for line in path.read_text().splitlines()]


async def test_runs_become_lines_once_and_new_turns_a_second_revision(tmp_path: Path) -> None:
    out = tmp_path / "out"
    async with open_staging(tmp_path / "s" / "staging.db") as staging:
        await staging.stage(a_page([a_run("a", thread="t"), a_run("b", thread="t", at=1), a_run("c", at=2)], 1))
        async with open_sink(staging, JsonlSettings(out=out)) as sink:
            assert await deliver(staging, sink) == 2
            await sink.publish_all()
            assert await deliver(staging, sink) == 0
    before = {path: path.read_bytes() for path in out.iterdir()}
    assert len(before) == 2
    async with (
        open_staging(tmp_path / "s" / "staging.db") as staging,
        open_sink(staging, JsonlSettings(out=out)) as sink,
    ):
        assert await deliver(staging, sink) == 0
        await sink.publish_all()
        assert {path: path.read_bytes() for path in out.iterdir()} == before
        await staging.stage(a_page([a_run("d", thread="t", at=9), a_run("c", at=2)], 1))
        assert await deliver(staging, sink) == 1
        await sink.publish_all()
    assert {path: path.read_bytes() for path in before} == before
    assert [line[1] for line in published(out)] == [1, 1, 2]
    assert published(out)[2] == ["t", 2, ["a", "b", "d"]]
    checked = verify(out)
    assert (checked.files, checked.lines, checked.problems) == (2, 3, ())
