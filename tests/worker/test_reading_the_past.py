"""Old runs over v1: most of them in the faster tier, none of them lost, hardly a request too many."""

import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from support.staged import named
from support.waits import Waits
from trajworker.events import Event, SliceSplit
from trajworker.model.run import Project
from trajworker.ports import Page, Slice, SlicePurpose
from trajworker.simulator import Fault, Simulator, SimulatorSettings, reads_v1, serve
from trajworker.simulator.faults import EmptyPage
from trajworker.simulator.limits import limits_for
from trajworker.simulator.problems import Refusal
from trajworker.simulator.selection import Query
from trajworker.sources.asking.pacing import Paces
from trajworker.sources.asking.settings import LangSmithSettings
from trajworker.sources.langsmith import LangSmithSource
from trajworker.staging import Staging, open_staging
from trajworker.worker.intake import Intake

NAME = "old"
NOW = datetime.now(UTC)
BEGIN = NOW - timedelta(days=90)
SPACING = timedelta(minutes=1)
LONG_AGO = BEGIN - timedelta(days=365)


def row(number: int, begin: datetime = BEGIN, **more: Any) -> dict[str, Any]:
    """A root run that succeeded within a second; every 20th is another kind."""
    start = begin + number * SPACING
    run_id = named(f"run {number}")
    ends: dict[int, tuple[str, timedelta | None]] = {
        3: ("error", timedelta(seconds=1)),
        7: ("error", None),
        11: ("pending", None),
        13: ("success", timedelta(days=2)),
        17: ("success", timedelta(days=20)),
    }
    status, took = ends.get(number % 100, ("success", timedelta(seconds=1)))
    fields = {
        "id": run_id,
        "trace_id": run_id,
        "name": NAME,
        "run_type": "chain",
        "status": status,
        "error": "it broke" if status == "error" else None,
        "start_time": naive(start),
        "end_time": None if took is None else naive(start + took),
        "dotted_order": f"{start:%Y%m%dT%H%M%S%fZ}{run_id}",
    }
    return fields | more


def naive(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")


class Past:
    """A v1 server with old runs, and a source in front of it that keeps the documented limits without waiting."""

    def __init__(self, simulator: Simulator, url: str, project: str, staging: Staging) -> None:
        self.simulator = simulator
        self.url = url
        self.project = Project(project, NAME)
        self.staging = staging
        self.events: list[Event] = []

    def source(self) -> LangSmithSource:
        return LangSmithSource(LangSmithSettings(endpoint=self.url, api="v1"), paces=Paces(Waits().timing))

    async def read(self, *slices: Slice) -> None:
        """Read slices to their ends, and whatever is cut off them."""
        await self.staging.plan(self.project, slices)
        async with self.source() as source:
            intake = Intake(source, self.staging, self.events.append, count(1), 8)
            await intake.read({self.project.id: self.project}, await self.staging.unread(self.project.id))
        assert not intake.failed

    def slice(
        self, purpose: SlicePurpose = SlicePurpose.COVER, *, start: datetime = LONG_AGO, end: datetime = NOW
    ) -> Slice:
        return Slice(project_id=self.project.id, purpose=purpose, start=start, end=end)

    async def staged(self) -> int:
        """How many runs are, after all that was asked for counts as read."""
        assert (await self.staging.coverage(self.project.id)).spans == ((LONG_AGO, NOW),)
        return await self.staging._database.read(lambda c: c.execute("SELECT count(*) FROM run").fetchone()[0])

    def tiers(self) -> Counter[str]:
        """Requests by the rate tier that the server counts them under."""
        asked = [request for request in self.simulator.requests if request.path == "/runs/query"]
        now_us = int(NOW.timestamp() * 1e6)
        return Counter(limits_for("POST", "/runs/query", request.body, now_us)[1].bucket for request in asked)


@asynccontextmanager
async def past(folder: Path, runs: Iterator[dict[str, Any]], *faults: Fault) -> AsyncIterator[Past]:
    simulator = Simulator(SimulatorSettings(faults=faults))
    project = simulator.add_runs(NAME, runs)
    async with serve(simulator) as url, open_staging(folder / "staging.db") as staging:
        yield Past(simulator, url, project, staging)


async def test_a_dense_past_is_read_mostly_in_the_faster_tier_and_whole(tmp_path: Path) -> None:
    runs = 10_000
    async with past(tmp_path, (row(number) for number in range(runs))) as old:
        await old.read(old.slice())
        assert await old.staged() == runs
        asked = old.tiers()
    assert asked["v1 plain narrow"] >= 0.75 * runs / 100
    assert asked.total() <= 1.05 * math.ceil(runs / 100) + 5
    assert any(isinstance(event, SliceSplit) for event in old.events)


async def test_the_last_week_is_in_the_faster_tier_as_it_is(tmp_path: Path) -> None:
    runs = 2500
    begin = NOW - timedelta(days=6)
    async with past(tmp_path, (row(number, begin) for number in range(runs))) as old:
        await old.read(old.slice())
        assert await old.staged() == runs
        asked = old.tiers()
        bodies = [request.json() for request in old.simulator.requests]
    assert asked["v1 plain wide"] <= 2
    assert asked.total() <= 1.05 * math.ceil(runs / 100) + 5
    assert not any("end_time" in body for body in bodies)


async def test_a_sparse_past_is_not_cut_into_weeks(tmp_path: Path) -> None:
    runs = [row(number, start_time=naive(BEGIN + number * timedelta(hours=2))) for number in range(950)]
    async with past(tmp_path, iter(runs)) as old:
        await old.read(old.slice())
        assert await old.staged() == 950
        assert old.tiers() == {"v1 plain wide": 10}


def hide(_body: reads_v1.RunsQuery, query: Query) -> Query:
    """`end_time` means something else than we were told."""
    return query if query.ended_before_us is None else replace(query, ended_before_us=0)


def refuse_ends(body: reads_v1.RunsQuery, query: Query) -> Query:
    if body.end_time is not None:
        raise Refusal(400, "no end_time here")
    return query


def refuse_states(body: reads_v1.RunsQuery, query: Query) -> Query:
    if "neq(status" in (body.filter or ""):
        raise Refusal(400, "status cannot be compared")
    return query


@pytest.mark.parametrize("spoil", [hide, refuse_ends, refuse_states])
async def test_a_server_that_means_something_else_by_ends_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[reads_v1.RunsQuery, Query], Query]
) -> None:
    question = reads_v1.question
    monkeypatch.setattr(reads_v1, "question", lambda body: spoil(body, question(body)))
    runs = 3500
    async with past(tmp_path, (row(number) for number in range(runs))) as old:
        await old.read(old.slice())
        assert await old.staged() == runs
        again = len(old.simulator.requests)
        await old.read(old.slice(start=LONG_AGO - timedelta(days=1), end=LONG_AGO))
        assert len(old.simulator.requests) == again + 1


async def test_an_empty_page_that_leads_on_proves_nothing_and_is_no_fault(tmp_path: Path) -> None:
    runs = 2600
    fault = Fault(effect=EmptyPage(), body_contains='"end_time":', times=1)
    async with past(tmp_path, (row(number) for number in range(runs)), fault) as old, old.source() as source:
        await source.page(old.slice())
        stretch = {"start": BEGIN, "end": BEGIN + timedelta(days=6)}
        assert len(ids(await pages(source, old.slice(SlicePurpose.LEFT_OVER, **stretch)))) == runs


async def pages(source: LangSmithSource, asked: Slice) -> list[Page]:
    found = [await source.page(asked)]
    while (cursor := found[-1].next_cursor) is not None:
        found.append(await source.page(replace(asked, cursor=cursor)))
    return found


def ids(found: list[Page]) -> set[str]:
    return {run.id for page in found for run in page.runs}


async def test_the_two_parts_of_a_stretch_are_all_of_it_and_share_no_run(tmp_path: Path) -> None:
    async with past(tmp_path, (row(number) for number in range(2600))) as old, old.source() as source:
        await source.page(old.slice())
        stretch = {"start": BEGIN, "end": BEGIN + timedelta(days=6)}
        left = ids(await pages(source, old.slice(SlicePurpose.LEFT_OVER, **stretch)))
        swift = ids(await pages(source, old.slice(SlicePurpose.SWIFT, **stretch)))
    assert left | swift == {named(f"run {number}") for number in range(2600)}
    assert not left & swift
    assert len(left) <= 0.05 * len(swift)


async def test_a_run_that_ends_between_the_two_parts_is_not_missed_however_long_ago_it_says(tmp_path: Path) -> None:
    async with past(tmp_path, (row(number) for number in range(2600))) as old, old.source() as source:
        await source.page(old.slice())
        stretch = {"start": BEGIN, "end": BEGIN + timedelta(days=5)}
        left = await pages(source, old.slice(SlicePurpose.LEFT_OVER, **stretch))
        over = row(11) | {"status": "success", "end_time": naive(BEGIN + timedelta(hours=1))}
        old.simulator.add_runs(NAME, [over])
        swift = await pages(source, old.slice(SlicePurpose.SWIFT, **stretch))
    assert over["id"] in ids(left) & ids(swift)


async def test_a_swift_slice_goes_on_after_a_restart_in_the_form_it_was_begun_in(tmp_path: Path) -> None:
    async with past(tmp_path, (row(number) for number in range(2600))) as old:
        stretch = {"start": BEGIN, "end": BEGIN + timedelta(days=5)}
        swift, left = (old.slice(purpose, **stretch) for purpose in (SlicePurpose.SWIFT, SlicePurpose.LEFT_OVER))
        async with old.source() as source:
            await source.page(old.slice())
            await source.page(left)
            first = await source.page(swift)
        async with old.source() as source:
            await source.page(replace(swift, cursor=first.next_cursor))
            narrowed = old.simulator.requests[-1].json()
            plain = await source.page(swift)
            unproven = old.simulator.requests[-1].json()
    assert "end_time" in narrowed
    assert "end_time" not in unproven
    assert plain.next_cursor != first.next_cursor
