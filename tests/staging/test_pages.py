"""Pages of runs: taken in once, the newest version of each, whatever the order of arrival."""

from datetime import timedelta

import msgspec
import pytest
from msgspec import Raw

from support.looking import activities, conversations, feedback_of, runs_of, seen, settle
from support.staged import PROJECT_ID, a_page, a_run, a_slice, minute, named
from trajworker.model.run import Feedback, Project, Run, RunStatus
from trajworker.ports import Page, StagedPage, Unreadable
from trajworker.staging import Staging


async def only_run(staging: Staging) -> Run:
    (activity,) = (await activities(staging)).values()
    (run,) = await runs_of(staging, activity.conversation)
    return run


async def test_a_run_comes_back_as_it_was_staged(staging: Staging) -> None:
    run = a_run("a", thread="t", stats=b'{"quality":{"n":1}}')
    await staging.stage(a_page([run], 1))
    assert await only_run(staging) == run


async def test_the_same_page_again_changes_nothing(staging: Staging) -> None:
    runs = [a_run("a", thread="t"), a_run("b", "a", at=1)]
    assert (await staging.stage(a_page(runs, 1))).changed == 2
    assert len(await activities(staging)) == 1
    await settle(staging)
    for number in range(2, 6):
        assert (await staging.stage(a_page(runs, number))).changed == 0
    assert await conversations(staging) == {}


async def test_a_run_twice_on_one_page_is_one_run_and_the_ended_one_stands(staging: Staging) -> None:
    outcome = await staging.stage(a_page([a_run("a"), a_run("a", ended=False)], 1))
    assert outcome.changed == 1
    assert (await only_run(staging)).ended


async def test_a_run_that_ended_never_becomes_pending_again(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a")], 1))
    outcome = await staging.stage(a_page([a_run("a", ended=False)], 9))
    assert (outcome.changed, (await only_run(staging)).ended) == (0, True)


async def test_a_slow_old_answer_does_not_beat_a_newer_one(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", outputs=b'"new"')], 5))
    outcome = await staging.stage(a_page([a_run("a", outputs=b'"old"')], 4))
    assert (outcome.changed, (await only_run(staging)).outputs) == (0, Raw(b'"new"'))


async def test_an_answer_that_only_confirmed_a_run_also_beats_older_ones(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", outputs=b'"now"')], 1))
    await staging.stage(a_page([a_run("a", outputs=b'"now"')], 3))
    outcome = await staging.stage(a_page([a_run("a", outputs=b'"before"')], 2))
    assert (outcome.changed, (await only_run(staging)).outputs) == (0, Raw(b'"now"'))


async def test_an_older_answer_with_an_end_beats_a_newer_one_without(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", ended=False)], 5))
    await staging.stage(a_page([a_run("a")], 4))
    assert (await only_run(staging)).ended


async def test_new_feedback_figures_change_the_conversation_but_not_the_run(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", stats=b"{}")], 1))
    before = await activities(staging)
    await settle(staging)
    assert (await staging.stage(a_page([a_run("a", stats=b'{"quality":{"n":1}}')], 2))).changed == 1
    assert set(await activities(staging)) == set(before)
    assert (await only_run(staging)).feedback_stats == Raw(b'{"quality":{"n":1}}')


@pytest.mark.parametrize(
    "name", ["x", "Ünïcode", "0" * 36, named("a").upper(), "../../etc", "with\x00nul", "-rf", "a" * 400]
)
async def test_ids_need_not_be_uuids(staging: Staging, name: str) -> None:
    run = msgspec.structs.replace(a_run("a"), id=name, trace_id=name, dotted_order="", thread_id=name + "t")
    await staging.stage(a_page([run], 1))
    assert (await staging.stage(a_page([run], 2))).changed == 0
    (activity,) = (await activities(staging)).values()
    assert activity.conversation_id == name + "t"
    assert await runs_of(staging, activity.conversation) == [run]


async def test_runs_of_a_trace_come_in_tree_order(staging: Staging) -> None:
    runs = [a_run(name, "root", at=at) for name, at in (("d", 4), ("b", 2), ("c", 3), ("root", 0), ("a", 1))]
    for number, run in enumerate(runs):
        await staging.stage(a_page([run], number))
    assert await conversations(staging) == {named("root"): ["root", "a", "b", "c", "d"]}


async def test_a_long_trace_is_read_whole_in_portions(staging: Staging) -> None:
    runs = [a_run(f"r{number:04}", "r0000", at=number) for number in range(1000)]
    await staging.stage(a_page(runs, 1))
    (names,) = (await conversations(staging)).values()
    assert names == [run.name for run in runs]


async def test_times_before_1970_and_to_the_microsecond_come_back(staging: Staging) -> None:
    early = minute(0).replace(year=1, microsecond=1)
    run = msgspec.structs.replace(a_run("a"), start_time=early, end_time=minute(0).replace(year=8999))
    await staging.stage(a_page([run], 1))
    assert await only_run(staging) == run


async def test_activity_counts_what_has_not_ended(staging: Staging) -> None:
    await staging.stage(
        a_page([a_run("a", ended=False, thread="t"), a_run("b", "a", at=5, ended=False), a_run("c", "a")], 1)
    )
    activity = (await activities(staging))["t"]
    assert (activity.pending_roots, activity.pending_runs, activity.oldest_pending) == (1, 2, minute(0))
    assert activity.last_activity == minute(5)
    await staging.stage(a_page([a_run("a", thread="t"), a_run("b", "a", at=5)], 2))
    activity = (await activities(staging))["t"]
    assert (activity.pending_roots, activity.pending_runs, activity.oldest_pending) == (0, 0, None)
    assert activity.last_activity == minute(5) + timedelta(seconds=1)


async def test_the_longest_idle_conversation_comes_first_and_busy_ones_not_at_all(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", at=30), a_run("b", at=10), a_run("c", at=20)], 1))
    found = [activity.conversation_id async for activity in staging.changed(minute(25))]
    assert found == [named("b"), named("c")]


async def test_many_changed_conversations_are_told_of_in_portions(staging: Staging) -> None:
    await staging.stage(a_page([a_run(f"r{number}", at=number // 3) for number in range(700)], 1))
    assert len(await activities(staging)) == 700


async def test_feedback_marks_its_conversation_changed_once(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a"), a_run("b", "a", at=1)], 1))
    await settle(staging)
    on_run = Feedback(id=named("f1"), run_id=named("b"), key="quality", score=1.0)
    on_trace = Feedback(id=named("f2"), run_id=None, trace_id=named("a"), key="tone", score=0.5)
    page = msgspec.structs.replace(a_page([a_run("a")], 2), feedback=(on_run, on_trace))
    await staging.stage(page)
    (activity,) = (await activities(staging)).values()
    assert sorted(f.id for f in await feedback_of(staging, activity.conversation, named("a"))) == sorted(
        [named("f1"), named("f2")]
    )
    await settle(staging)
    await staging.stage(page)
    assert await activities(staging) == {}


async def test_feedback_that_comes_before_its_run_is_found_with_it(staging: Staging) -> None:
    feedback = Feedback(id=named("f"), run_id=named("b"), key="quality", score=1.0)
    await staging.stage(msgspec.structs.replace(a_page([a_run("a")], 1), feedback=(feedback,)))
    await staging.stage(a_page([a_run("b", "a")], 2))
    (activity,) = (await activities(staging)).values()
    assert await feedback_of(staging, activity.conversation, named("a")) == [feedback]


def scored(run: Run, fetch_seq: int, *scores: str) -> StagedPage:
    """A page of one run, and all the feedback there is on it."""
    given = tuple(Feedback(id=named(score), run_id=run.id, trace_id=run.trace_id, key=score) for score in scores)
    return msgspec.structs.replace(a_page([run], fetch_seq), feedback=given)


@pytest.mark.parametrize("left", [(), ("tone",)])
async def test_feedback_that_was_deleted_leaves_and_its_conversation_is_changed(
    staging: Staging, left: tuple[str, ...]
) -> None:
    child = a_run("b", "a", at=1)
    await staging.stage(scored(a_run("a"), 1, "kept"))
    await staging.stage(scored(child, 2, "quality", "tone"))
    await settle(staging)
    await staging.stage(scored(child, 3, *left))
    (activity,) = (await activities(staging)).values()
    found = await feedback_of(staging, activity.conversation, named("a"))
    assert {one.key for one in found} == {"kept", *left}, "what is on other runs stays"
    await settle(staging)
    await staging.stage(scored(child, 4, *left))
    assert await activities(staging) == {}


async def test_a_slow_old_answer_neither_brings_back_feedback_nor_takes_it_away(staging: Staging) -> None:
    run = a_run("a", stats=b'{"tone":{"n":1}}')
    await staging.stage(scored(run, 1, "deleted"))
    await staging.stage(scored(run, 3, "new"))
    await settle(staging)
    await staging.stage(scored(run, 2, "deleted"))
    assert await activities(staging) == {}
    await staging.stage(scored(msgspec.structs.replace(run, feedback_stats=msgspec.Raw(b"null")), 2))
    assert await activities(staging) == {}


async def test_feedback_on_a_child_is_taken_though_its_root_was_read_again_since(staging: Staging) -> None:
    root, child = a_run("a"), a_run("b", "a", at=1)
    await staging.stage(a_page([root], 3))
    page = scored(child, 2, "tone")
    await staging.stage(msgspec.structs.replace(page, page=Page(runs=(root, child))))
    (activity,) = (await activities(staging)).values()
    assert [one.key for one in await feedback_of(staging, activity.conversation, named("a"))] == ["tone"]


async def test_a_page_of_which_nobody_asked_for_feedback_leaves_it_as_it_is(staging: Staging) -> None:
    await staging.stage(scored(a_run("a"), 1, "tone"))
    await settle(staging)
    await staging.stage(a_page([a_run("a")], 2))
    assert await activities(staging) == {}


async def test_an_unreadable_run_is_kept_raw_once_and_blocks_nothing(staging: Staging) -> None:
    bad = Unreadable(project_id=PROJECT_ID, run_id=named("x"), reason="nested too deep", raw=b"[" * 2000)
    page = StagedPage(page=Page(runs=(a_run("a"),), unreadable=(bad,)), fetch_seq=1)
    for _ in range(3):
        await staging.stage(page)
    figures = await staging.figures()
    assert figures.projects[0].unreadable == {"nested too deep": 1}
    assert (figures.quarantined, len(await conversations(staging))) == (1, 1)


async def test_a_run_that_can_be_read_after_all_is_not_set_aside_any_more(staging: Staging) -> None:
    for raw in (b"[1", b"[2"):
        bad = Unreadable(project_id=PROJECT_ID, run_id=named("a"), reason="cut", raw=raw)
        await staging.stage(StagedPage(page=Page(runs=(), unreadable=(bad,)), fetch_seq=1))
    assert (await staging.figures()).quarantined == 1
    await staging.stage(a_page([a_run("a")], 2))
    assert (await staging.figures()).quarantined == 0


async def test_an_empty_page_of_no_project_is_nothing(staging: Staging) -> None:
    assert (await staging.stage(a_page([], 1))).changed == 0


async def test_a_late_run_is_told_from_one_that_was_to_be_expected(staging: Staging) -> None:
    await staging.plan(Project(PROJECT_ID, "p"), [a_slice(0, 10)])
    (part,) = await staging.unread(PROJECT_ID)
    first = await staging.stage(a_page([a_run("a", at=1)], 1, part, done=True))
    await staging.plan(Project(PROJECT_ID, "p"), [a_slice(0, 20, purpose="catch_up")])
    (part,) = await staging.unread(PROJECT_ID)
    again = await staging.stage(a_page([a_run("a", at=1), a_run("b", at=2), a_run("c", at=15)], 2, part, done=True))
    assert (first.late, again.late) == (0, 1)


async def test_pending_is_status_not_end_time(staging: Staging) -> None:
    run = msgspec.structs.replace(a_run("a", ended=False), status=RunStatus.ERROR)
    await staging.stage(a_page([run], 1))
    assert (await activities(staging))[named("a")].pending_runs == 0
    assert (await seen(staging, 1)) == {named("a"): 1}
