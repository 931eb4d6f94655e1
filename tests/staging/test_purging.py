"""What was purged leaves no byte in staging nor in its copies, and does not come back."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from support.looking import activities, settle_as_delivered
from support.staged import FOREVER, PROJECT_ID, a_page, a_run, a_slice, minute, named
from trajworker.errors import ConversationNotFound, PathNotAllowed, StagingBusy
from trajworker.model.run import Feedback
from trajworker.staging import Staging, open_staging
from trajworker.staging.copies import copies
from trajworker.staging.database import open_database
from trajworker.staging.migrations import Migration, migrations
from trajworker.staging.read_only import connect_to_read


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
    old = [a_run("a", thread="old"), a_run("b", "a", at=1)]
    await staging.stage(a_page([*old, a_run("c", thread="young", at=500)], 1))
    await settle_as_delivered(staging)
    assert (await staging.purge_before(minute(400))).runs == 2
    assert (await staging.figures()).projects[0].runs == 1


async def test_purging_what_is_not_there_says_so(staging: Staging) -> None:
    with pytest.raises(ConversationNotFound):
        await staging.purge_conversation(PROJECT_ID, "nobody")
