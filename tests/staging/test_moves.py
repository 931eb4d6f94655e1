"""What changes place after it was staged: a run whose trace is told later, a trace that comes to what was purged."""

from pathlib import Path

from msgspec.structs import replace

from support.looking import activities, conversations, settle, settle_as_delivered
from support.staged import FOREVER, PROJECT_ID, a_page, a_run, named
from trajworker.model.run import Feedback, Run
from trajworker.staging import Staging, open_staging

SECRET = b"correct horse battery staple"
LONG = b'"%s"' % (SECRET * 2000)


def alone(run: Run) -> Run:
    """An early version of a run, which tells neither its end nor its trace."""
    own = a_run(run.name, thread=run.thread_id, at=1, ended=False)
    return replace(own, dotted_order="", outputs=run.outputs)


def holds(folder: Path, text: bytes) -> bool:
    return any(text in file.read_bytes() for file in folder.iterdir())


async def purged(staging: Staging, thread: str) -> None:
    """Stage a conversation, and purge it."""
    await staging.stage(a_page([a_run(f"first of {thread}", thread=thread)], 1))
    await staging.purge_conversation(PROJECT_ID, thread)


async def test_a_run_whose_trace_is_told_later_goes_to_that(staging: Staging) -> None:
    kid = a_run("kid", "root", at=1)
    await staging.stage(a_page([alone(kid)], 1))
    assert await conversations(staging) == {named("kid"): ["kid"]}
    await staging.stage(a_page([a_run("root", thread="t"), kid], 2))
    assert await conversations(staging) == {"t": ["root", "kid"]}


async def test_the_conversation_that_a_run_left_is_told_of_once_more(staging: Staging) -> None:
    kid = a_run("kid", "root", at=1)
    await staging.stage(a_page([alone(kid), a_run("root", thread="t")], 1))
    await settle_as_delivered(staging)
    await staging.stage(a_page([kid], 2))
    assert (await activities(staging))[named("kid")].empty
    assert (await conversations(staging))["t"] == ["root", "kid"]


async def test_what_stays_in_a_trace_goes_by_the_threads_that_are_left(staging: Staging) -> None:
    early = alone(a_run("top", thread="u"))
    await staging.stage(a_page([early, a_run("below", "top", thread="v", at=2, outputs=LONG)], 1))
    assert await conversations(staging) == {"u": ["top", "below"]}
    await staging.stage(a_page([a_run("top", "root", thread="u", at=1), a_run("root", thread="t")], 2))
    assert await conversations(staging) == {"t": ["root", "top"], "v": ["below"]}


async def test_a_run_that_left_leaves_no_payload_behind(tmp_path: Path) -> None:
    kid = a_run("kid", "root", thread="t", at=1, outputs=LONG)
    async with open_staging(tmp_path / "s.db") as staging:
        await staging.stage(a_page([replace(alone(kid), thread_id="u"), a_run("other", thread="u", outputs=LONG)], 1))
        await staging.stage(a_page([kid, a_run("root", thread="t")], 2))
        assert await conversations(staging) == {"t": ["root", "kid"], "u": ["other"]}
        await staging.purge_conversation(PROJECT_ID, "u")
        assert await conversations(staging) == {"t": ["root", "kid"]}
        await staging.purge_conversation(PROJECT_ID, "t")
    assert not holds(tmp_path, SECRET)


async def test_a_trace_that_comes_to_a_purged_conversation_goes_and_the_one_it_left_is_told_without_it(
    tmp_path: Path,
) -> None:
    going = [a_run("going", thread="a", at=1, outputs=LONG), a_run("kid", "going", at=2, outputs=b'"%s"' % SECRET)]
    about = Feedback(id=named("f"), run_id=named("kid"), key="k", comment=SECRET.decode())
    async with open_staging(tmp_path / "s.db") as staging:
        await purged(staging, "b")
        page = a_page([a_run("staying", thread="a", outputs=b'"%s"' % (b"mine" * 4000)), *going], 2)
        await staging.stage(replace(page, feedback=(about,)))
        await settle_as_delivered(staging)
        moved = replace(going[0], thread_id="b")
        outcome = await staging.stage(replace(a_page([moved], 3), feedback=(replace(about, run_id=moved.id),)))
        assert outcome.changed == 0, "nothing of it is taken in"
        assert await conversations(staging) == {"a": ["staying"]}
        await staging.stage(a_page(going, 4))
        assert await conversations(staging) == {"a": ["staying"]}, "what went to a purged conversation is purged"
    assert not holds(tmp_path, SECRET)


async def test_a_conversation_whose_last_trace_comes_to_a_purged_one_is_told_of_as_empty(tmp_path: Path) -> None:
    async with open_staging(tmp_path / "s.db") as staging:
        await purged(staging, "b")
        await staging.stage(a_page([a_run("going", thread="a", outputs=LONG)], 2))
        await settle_as_delivered(staging)
        await staging.stage(a_page([a_run("going", thread="b", outputs=LONG)], 3))
        assert [(name, one.empty) for name, one in (await activities(staging)).items()] == [("a", True)]
        figures = (await staging.figures()).projects[0]
        assert (figures.runs, figures.conversations) == (0, {"open": 1, "purged": 1})
    assert not holds(tmp_path, SECRET)


async def test_all_that_a_page_brings_of_a_trace_that_comes_to_a_purged_conversation_is_left_out(
    staging: Staging,
) -> None:
    await purged(staging, "b")
    root, same = a_run("root", thread="a"), a_run("same", "root", at=2, outputs=LONG)
    longer = a_run("longer", "root", at=1, ended=False)
    scored = a_run("scored", "root", at=3)
    await staging.stage(a_page([root, longer, same, scored], 2))
    await settle_as_delivered(staging)
    assert await staging.compact(FOREVER) == 1
    ended = a_run("longer", "root", at=1, outputs=LONG)
    page = [a_run("root", thread="b"), ended, same, replace(scored, feedback_stats=ended.outputs)]
    await staging.stage(a_page([*page, a_run("new", "root", at=4)], 3))
    assert [(name, one.empty) for name, one in (await activities(staging)).items()] == [("a", True)]
    assert (await staging.figures()).projects[0].runs == 0


async def test_runs_that_name_no_thread_are_left_out_once_their_root_named_a_purged_one(staging: Staging) -> None:
    await purged(staging, "b")
    await staging.stage(a_page([a_run("root", thread="b", at=5)], 2))
    await staging.stage(a_page([a_run("kid", "root", at=6)], 3))
    assert await activities(staging) == {}
    assert (await staging.figures()).projects[0].runs == 0


async def test_a_run_whose_trace_told_later_is_of_a_purged_conversation_goes(tmp_path: Path) -> None:
    kid = a_run("kid", "first of b", at=1, outputs=LONG)
    async with open_staging(tmp_path / "s.db") as staging:
        await purged(staging, "b")
        await staging.stage(a_page([alone(kid)], 2))
        await settle(staging)
        await staging.stage(a_page([kid], 3))
        assert await activities(staging) == {}, "it was never told"
        assert (await staging.figures()).projects[0].runs == 0
    assert not holds(tmp_path, SECRET)
