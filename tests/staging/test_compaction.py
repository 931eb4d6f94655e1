"""What compacting drops, what it keeps, and how what was dropped comes back."""

from pathlib import Path

import pytest
from msgspec import Raw
from msgspec.structs import replace

from support.looking import activities, runs_of, settle, settle_as_delivered
from support.staged import FOREVER, a_page, a_run, minute, named
from trajworker.model.run import Run
from trajworker.staging import Staging, open_staging


async def delivered(staging: Staging) -> None:
    """Two delivered conversations, one old and one young."""
    await staging.stage(
        a_page([a_run("a", thread="old"), a_run("b", "a", at=1), a_run("c", thread="young", at=500)], 1)
    )
    await settle_as_delivered(staging)


async def test_compacting_drops_payloads_past_the_horizon_and_keeps_what_dedup_needs(staging: Staging) -> None:
    await delivered(staging)
    assert (await staging.compact(minute(400)), await staging.compact(minute(400))) == (1, 0)
    assert (await staging.stage(a_page([a_run("c", thread="young", at=500)], 2))).changed == 0
    assert await activities(staging) == {}
    assert (await staging.figures()).projects[0].runs == 3


async def test_a_late_run_of_a_compacted_conversation_says_which_runs_must_be_fetched_again(staging: Staging) -> None:
    await delivered(staging)
    await staging.compact(minute(400))
    await staging.stage(a_page([a_run("d", "a", at=3)], 2))
    activity = (await activities(staging))["old"]
    assert activity.compacted
    missing = await staging.compacted_runs(activity.conversation, 100)
    assert sorted(missing) == sorted([named("a"), named("b")])
    outcome = await staging.stage(a_page([a_run("a", thread="old"), a_run("b", "a", at=1)], 3))
    assert outcome.changed == 0
    activity = (await activities(staging))["old"]
    assert not activity.compacted
    assert [run.name for run in await runs_of(staging, activity.conversation)] == ["a", "b", "d"]


@pytest.mark.parametrize("stats", [b"{}", b'{"score":{"n":1}}'])
async def test_payloads_come_back_for_runs_with_feedback_too(staging: Staging, stats: bytes) -> None:
    run = replace(a_run("a", thread="old"), feedback_stats=Raw(stats))
    await staging.stage(a_page([run], 1))
    await settle_as_delivered(staging)
    assert await staging.compact(minute(400)) == 1
    await staging.stage(a_page([a_run("b", "a", at=3)], 2))
    (activity,) = (await activities(staging)).values()
    assert await staging.compacted_runs(activity.conversation, 10) == [named("a")]
    assert (await staging.stage(a_page([run], 3))).changed == 0, "its feedback is what it was"
    assert await staging.compacted_runs(activity.conversation, 10) == []
    assert bytes((await runs_of(staging, activity.conversation))[0].feedback_stats) == stats


async def test_feedback_given_after_payloads_were_dropped_brings_them_back_with_it(staging: Staging) -> None:
    run = replace(a_run("a", thread="old"), feedback_stats=Raw(b"{}"))
    await staging.stage(a_page([run], 1))
    await settle_as_delivered(staging)
    assert await staging.compact(minute(400)) == 1
    scored = replace(run, feedback_stats=Raw(b'{"score":{"n":1}}'))
    assert (await staging.stage(a_page([scored], 2))).changed == 1
    (activity,) = (await activities(staging)).values()
    assert await staging.compacted_runs(activity.conversation, 10) == []
    assert await runs_of(staging, activity.conversation) == [scored]


async def test_what_came_back_by_being_patched_is_compacted_again(staging: Staging) -> None:
    await delivered(staging)
    assert await staging.compact(minute(400)) == 1
    patched = [a_run("a", thread="old", outputs=b'"new"'), a_run("b", "a", at=1, outputs=b'"new"')]
    assert (await staging.stage(a_page(patched, 2))).changed == 2
    await settle(staging)
    assert await staging.compact(minute(400)) == 1
    assert await staging.compact(minute(400)) == 0


async def test_what_was_never_delivered_is_not_compacted(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", thread="old")], 1))
    assert await staging.compact(FOREVER) == 0
    (activity,) = (await activities(staging)).values()
    assert len(await runs_of(staging, activity.conversation)) == 1


@pytest.mark.parametrize(("runs", "size"), [(20, 20_000), (200, 1000)])
async def test_compacting_gives_space_back_whether_payloads_fill_pages_or_share_them(
    tmp_path: Path, runs: int, size: int
) -> None:
    path = tmp_path / "staging.db"
    async with open_staging(path) as staging:
        body = b'"' + b"x" * size + b'"'
        for page in range(20):
            names = range(page * runs, page * runs + runs)
            await staging.stage(a_page([a_run(f"r{n}", at=n, outputs=body) for n in names], page))
        await settle_as_delivered(staging)
        full = (await staging.figures()).size_bytes
        while await staging.compact(FOREVER):
            pass
        assert (await staging.figures()).size_bytes < full / 3


async def test_a_run_past_the_horizon_weighs_what_the_readme_says(tmp_path: Path) -> None:
    """Conversations of three traces with four runs each; README, "What it keeps"."""
    sizes = []
    async with open_staging(tmp_path / "s.db") as staging:
        for first in (0, 200):
            for one in range(first, first + 200):
                await staging.stage(a_page(a_conversation(one), one + 1))
            await settle_as_delivered(staging)
            while await staging.compact(FOREVER):
                pass
            sizes.append((await staging.figures()).size_bytes)
    assert 100 < (sizes[1] - sizes[0]) / (200 * 12) < 300


def a_conversation(number: int) -> list[Run]:
    roots = [f"{number}-{trace}" for trace in range(3)]
    thread = named(f"thread {number}")
    return [
        a_run(root if run == 0 else f"{root}-{run}", root, at=number, thread=thread)
        for root in roots
        for run in range(4)
    ]
