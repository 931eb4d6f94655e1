"""Row 42: months of following in simulated time; what is past the horizon weighs little, and comes back when asked for.

A thread that falls silent for longer than the horizon loses its payloads in staging. When it speaks again they are
fetched from the source, so that its next revision says all that was ever said.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from e2e.running import each_revision_once
from e2e.simulated_time import BEGIN, PROJECT, READING, Following, clock_at, following, newest, simulated, turn
from support.published import lines_in
from trajworker.simulator import Simulator, SimulatorSettings
from trajworker.staging import read_figures
from trajworker.staging.read_only import connect_to_read

DAY = timedelta(days=1)
HORIZON = timedelta(days=30)
EVERY = timedelta(days=3)
"""Between two cycles: seldom, so that months take seconds."""
PAGE = 10
"""Far less than there is, so that what is old is not on the page that is read anyway."""
SPOKEN = (0, 9, 18, 72, 78, 150, 189)
"""Days on which the long thread speaks: it is silent for longer than the horizon three times."""
DAYS = 195
WEIGHED = (69, 141)
"""Days on which the long thread has been silent for longer than the horizon."""
MOST_BYTES = 1000
"""A conversation of one run leaves rows of its run, trace, conversation and emission, and their indexes."""
PAYLOAD = 6000
"""Characters that each turn carries beside what is said."""


def documents() -> Iterator[dict[str, Any]]:
    """The long thread, and two short ones a day that nobody comes back to; some with feedback, as v1 tells it."""
    number = 0
    for day in range(DAYS):
        for thread in ("long",) * (day in SPOKEN) + (f"short-{day}", f"brief-{day}"):
            document = turn(number, BEGIN + day * DAY + timedelta(minutes=number % 60), thread)
            document["extra"]["metadata"]["ballast"] = f"ballast {number} ".ljust(PAYLOAD, ".")
            document["feedback_stats"] = {"score": {"n": 1, "avg": 1.0}} if number % 3 else {}
            yield document
            number += 1


async def cycle(worker: Following) -> None:
    """What a daemon does all the time, once in `EVERY`."""
    assert not await worker.step()
    await worker.outlet.compact(await worker.source.now(), worker.stop)


def staged(staging: Path, scratch: Path) -> bytes:
    """All that a staging file holds, without the log and without room that is free."""
    with connect_to_read(staging) as connection:
        connection.execute("VACUUM INTO ?", (str(scratch),))
    content = scratch.read_bytes()
    scratch.unlink()
    return content


def said_on(documents: list[dict[str, Any]], thread: str) -> list[str]:
    """What was said in a thread, in order."""
    found = [document for document in documents if document["thread_id"] == thread]
    return [
        text
        for one in found
        for text in (one["inputs"]["messages"][0]["content"], one["outputs"]["choices"][0]["message"]["content"])
    ]


@pytest.mark.slow
async def test_a_thread_of_six_months_is_always_told_whole_and_staging_holds_the_payloads_of_one_horizon(
    tmp_path: Path,
) -> None:
    clock = clock_at(BEGIN)
    simulator = Simulator(SimulatorSettings(), now_s=clock)
    everything = list(documents())
    weights = []
    async with simulated(simulator, everything[:1]) as url:
        async with following(url, clock, tmp_path, replace(READING, horizon=HORIZON), page_size=PAGE) as worker:
            shown = 1
            for day in range(EVERY.days, DAYS + 1, EVERY.days):
                clock.advance(EVERY.total_seconds())
                today = sum(one["start_time"] < (BEGIN + day * DAY).isoformat() for one in everything)
                simulator.add_runs(PROJECT, everything[shown:today])
                shown = today
                await cycle(worker)
                if day in WEIGHED:
                    held = staged(tmp_path / "staging.db", tmp_path / "scratch")
                    assert b"ballast 0 " not in held, "the first payload is past the horizon"
                    assert b"ballast %d " % (today - 1) in held
                    weights.append(len(held))
            runs = read_figures(tmp_path / "staging.db").projects[0].runs
        async with following(url, clock, tmp_path / "at once", READING) as backfill:
            await backfill.step()
    assert runs == len(everything), "what dedup needs stays"
    grown = (weights[1] - weights[0]) / (2 * (WEIGHED[1] - WEIGHED[0]))
    assert 0 < grown < MOST_BYTES, f"a run that is past the horizon weighs {grown:.0f} bytes"
    said = [(line["task"]["conversation_id"], line.get("revision", 1)) for line in lines_in(tmp_path / "out")]
    assert each_revision_once(said)
    assert said.count(("long", len(SPOKEN))) == 1
    last = newest(tmp_path / "out")
    assert [message["content"] for message in last["long"]["messages"]] == said_on(everything, "long")
    assert last == newest(tmp_path / "at once" / "out"), "and what is told is what one backfill at the end tells"
