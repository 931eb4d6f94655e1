"""Compacting, purging, and settings that must not change unseen."""

from pathlib import Path

import pytest
from msgspec import Raw
from msgspec.structs import replace

from support.looking import activities, runs_of, settle
from support.staged import FOREVER, PROJECT_ID, a_page, a_run, a_slice, minute, named
from trajworker.errors import ConversationNotFound, PathNotAllowed, StagingBusy
from trajworker.model.run import Feedback, Run
from trajworker.staging import Staging, open_staging
from trajworker.staging.copies import copies
from trajworker.staging.database import open_database
from trajworker.staging.looking import connect_to_read
from trajworker.staging.migrations import Migration, migrations


async def delivered(staging: Staging) -> None:
    """Two delivered conversations, one old and one young."""
    await staging.stage(
        a_page([a_run("a", thread="old"), a_run("b", "a", at=1), a_run("c", thread="young", at=500)], 1)
    )
    await _emit_all(staging)


async def _emit_all(staging: Staging) -> None:
    await settle(staging)
    await staging._database.write(lambda c: c.execute("UPDATE conversation SET revision = 1").rowcount)


async def test_compacting_drops_payloads_past_the_horizon_and_keeps_what_dedup_needs(staging: Staging) -> None:
    await delivered(staging)
    assert (await staging.compact(minute(400)), await staging.compact(minute(400))) == (1, 0)
    again = await staging.stage(a_page([a_run("c", thread="young", at=500)], 2))
    assert (again.changed, again.unchanged) == (0, 1)
    assert await activities(staging) == {}
    assert (await staging.figures()).projects[0].runs == 3


async def test_a_late_run_of_a_compacted_conversation_says_which_runs_must_be_fetched_again(staging: Staging) -> None:
    await delivered(staging)
    await staging.compact(minute(400))
    await staging.stage(a_page([a_run("d", "a", at=3)], 2))
    activity = (await activities(staging))["old"]
    assert activity.reduced
    missing = await staging.reduced(activity.conversation, 100)
    assert sorted(missing) == sorted([named("a"), named("b")])
    outcome = await staging.stage(a_page([a_run("a", thread="old"), a_run("b", "a", at=1)], 3))
    assert outcome.changed == 0
    activity = (await activities(staging))["old"]
    assert not activity.reduced
    assert [run.name for run in await runs_of(staging, activity.conversation)] == ["a", "b", "d"]


@pytest.mark.parametrize("stats", [b"{}", b'{"score":{"n":1}}'])
async def test_payloads_come_back_for_runs_with_feedback_too(staging: Staging, stats: bytes) -> None:
    run = replace(a_run("a", thread="old"), feedback_stats=Raw(stats))
    await staging.stage(a_page([run], 1))
    await _emit_all(staging)
    assert await staging.compact(minute(400)) == 1
    await staging.stage(a_page([a_run("b", "a", at=3)], 2))
    (activity,) = (await activities(staging)).values()
    assert await staging.reduced(activity.conversation, 10) == [named("a")]
    assert (await staging.stage(a_page([run], 3))).changed == 0, "its feedback is what it was"
    assert await staging.reduced(activity.conversation, 10) == []
    assert bytes((await runs_of(staging, activity.conversation))[0].feedback_stats) == stats


async def test_feedback_given_after_payloads_were_dropped_brings_them_back_with_it(staging: Staging) -> None:
    run = replace(a_run("a", thread="old"), feedback_stats=Raw(b"{}"))
    await staging.stage(a_page([run], 1))
    await _emit_all(staging)
    assert await staging.compact(minute(400)) == 1
    scored = replace(run, feedback_stats=Raw(b'{"score":{"n":1}}'))
    assert (await staging.stage(a_page([scored], 2))).changed == 1
    (activity,) = (await activities(staging)).values()
    assert await staging.reduced(activity.conversation, 10) == []
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
        await _emit_all(staging)
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
            await _emit_all(staging)
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


def holds(folder: Path, text: bytes) -> bool:
    return any(text in file.read_bytes() for file in folder.iterdir())


SECRET = b"correct horse battery staple"


async def test_a_purged_conversation_leaves_no_byte_and_does_not_come_back(tmp_path: Path) -> None:
    path = tmp_path / "staging.db"
    secret = a_run("a", thread="t", outputs=b'"%s"' % (SECRET * 2000))
    earlier = a_run("a", thread="t", outputs=b'"%s"' % (SECRET * 4000), ended=False)
    feedback = Feedback(id=named("f"), run_id=named("a"), key="k", comment=SECRET.decode())
    async with open_staging(path) as staging:
        await staging.stage(a_page([earlier], 1))
        await staging.stage(replace(a_page([secret, a_run("b", thread="u")], 1), feedback=(feedback,)))
        assert holds(tmp_path, SECRET)
        purged = await staging.purge_conversation(PROJECT_ID, "t")
        assert (purged.conversations, purged.runs, purged.files) == (1, 1, ())
        assert not holds(tmp_path, SECRET)
        again = a_page([secret, a_run("c", "a", thread="t"), a_run("d", thread="t", at=5)], 2)
        on_child = replace(feedback, id=named("g"), run_id=named("c"))
        on_trace = replace(feedback, id=named("h"), run_id=None, trace_id=named("d"))
        await staging.stage(replace(again, feedback=(feedback, on_child, on_trace)))
        await staging.stage(replace(a_page([], 3, a_slice(0, 9)), feedback=(replace(feedback, comment=None),)))
        assert set(await activities(staging)) == {"u"}
        assert not holds(tmp_path, SECRET)
        assert (await staging.figures()).projects[0].conversations == {"open": 1, "purged": 1}
        assert await staging.compact(FOREVER) == 0, "what is erased needs no compaction"


async def test_purging_erases_the_copies_that_migrations_left_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    async with open_staging(path) as staging:
        await staging.stage(a_page([a_run("a", thread="t", outputs=b'"%s"' % SECRET)], 1))
    newer = [*migrations(), Migration(migrations()[-1].number + 1, "ALTER TABLE run ADD COLUMN colour TEXT;")]
    for name in ("s.db.before-lunch", "s.db.backup"):
        (tmp_path / name).write_text("the owner's")
    async with open_database(path, newer) as database:
        (copy,) = copies(path)
        holding, linked = copy.read_bytes(), tmp_path / "linked"
        linked.hardlink_to(copy)
        purged = await Staging(database).purge_conversation(PROJECT_ID, "t")
    assert SECRET in holding
    assert purged.copies == (str(copy),)
    assert linked.read_bytes() == bytes(len(holding)), "what was freed still held it"
    assert not holds(tmp_path, SECRET)
    assert {one.name for one in tmp_path.iterdir()} == {
        "s.db", "s.db.lock", "s.db.before-lunch", "s.db.backup", "linked"
    }  # fmt: skip


async def test_a_copy_that_is_a_link_is_not_erased_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("somebody's")
    async with open_staging(tmp_path / "s.db") as staging:
        await staging.stage(a_page([a_run("a", thread="t")], 1))
        (tmp_path / "s.db.before-0002").symlink_to(victim)
        with pytest.raises(PathNotAllowed, match="before-0002"):
            await staging.purge_conversation(PROJECT_ID, "t")
    assert victim.read_text() == "somebody's"


async def test_a_reader_that_keeps_what_was_purged_in_the_log_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "staging.db"
    async with open_staging(path) as staging:
        await staging.stage(a_page([a_run("a", thread="t")], 1))
        with connect_to_read(path) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM run").fetchall()
            with pytest.raises(StagingBusy, match="purge again"):
                await staging.purge_conversation(PROJECT_ID, "t")


async def test_purging_before_a_time_takes_what_was_last_active_before(staging: Staging) -> None:
    await delivered(staging)
    assert (await staging.purge_before(minute(400))).runs == 2
    assert (await staging.figures()).projects[0].runs == 1


async def test_purging_what_is_not_there_says_so(staging: Staging) -> None:
    with pytest.raises(ConversationNotFound):
        await staging.purge_conversation(PROJECT_ID, "nobody")


async def test_settings_that_are_pinned_to_other_values_are_told_with_these(staging: Staging) -> None:
    await staging.pin_settings({"out": "/a", "rules": "1"})
    assert await staging.altered({"out": "/a", "rules": "1", "later": "x"}) == {}
    assert await staging.altered({"out": "/b", "rules": "1"}) == {"out": "/a"}
    await staging.pin_settings({"out": "/b"})
    assert await staging.altered({"out": "/b", "rules": "1"}) == {}
