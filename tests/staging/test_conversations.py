"""Which conversation a trace belongs to, whatever arrives first, and what happens when it moves."""

import itertools
import random

import pytest
from msgspec import structs

from support.looking import activities, conversations, seen, settle
from support.staged import FOREVER, PROJECT_ID, a_page, a_run, an_emission, named
from trajworker.ports import Emission, Line, Part, PartState, Stream
from trajworker.staging import Staging, open_staging


async def emit(staging: Staging, conversation_id: str, revision: int = 1) -> None:
    """Record a line for a conversation, as the sink does."""
    activity = (await activities(staging))[conversation_id]
    parts = await staging.parts()
    if not parts:
        await staging.put(Part(seq=1, stream=Stream.TRAJECTORIES, state=PartState.OPEN))
    offset = parts[0].length if parts else 0
    line = Line(part=1, offset=offset, length=10, sha256=b"s" * 32)
    await staging.record([an_emission(activity, await seen(staging, activity.conversation), line, b"%d" % revision)])


async def test_the_thread_of_the_root_wins(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", thread="root's"), a_run("b", "a", thread="child's", at=1)], 1))
    assert await conversations(staging) == {"root's": ["a", "b"]}


async def test_where_the_root_names_no_thread_that_of_the_first_descendant_wins(staging: Staging) -> None:
    children = [a_run("c", "a", thread="second", at=2), a_run("b", "a", thread="first", at=1)]
    await staging.stage(a_page([a_run("a"), *children], 1))
    assert await conversations(staging) == {"first": ["a", "b", "c"]}


async def test_a_trace_that_names_no_thread_is_a_conversation_of_its_own(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a"), a_run("b", "a", at=1), a_run("c", at=2)], 1))
    assert await conversations(staging) == {named("a"): ["a", "b"], named("c"): ["c"]}


RUNS = [
    a_run("a", thread="t"),
    a_run("b", "a", thread="u", at=1),
    a_run("c", "a", at=2),
    a_run("d", "a", thread="v", at=3),
    a_run("e"),
    a_run("f", "e", thread="t", at=5),
]


@pytest.mark.parametrize("seed", range(12))
async def test_the_order_of_arrival_does_not_matter(seed: int) -> None:
    shuffled = RUNS.copy()
    random.Random(seed).shuffle(shuffled)
    async with open_staging(":memory:") as staging:
        for number, run in enumerate(shuffled):
            await staging.stage(a_page([run], number))
        traces = {named("a"): ["a", "b", "c", "d"], named("e"): ["e", "f"]}
        assert await conversations(staging) == {"t": [name for trace in sorted(traces) for name in traces[trace]]}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_a_descendant_that_names_another_thread_later_is_believed(order: tuple[int, ...]) -> None:
    versions = [
        a_run("b", "a", thread="x", at=1, ended=False),
        a_run("b", "a", thread="y", at=1),
        a_run("c", "a", thread="z", at=2),
    ]
    async with open_staging(":memory:") as staging:
        await staging.stage(a_page([a_run("a")], 1))
        for index in order:
            await staging.stage(a_page([versions[index]], 2 + index))
        assert await conversations(staging) == {"y": ["a", "b", "c"]}


async def test_the_first_descendant_may_lose_its_thread(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a"), a_run("b", "a", thread="x", at=1), a_run("c", "a", thread="z", at=2)], 1))
    await staging.stage(a_page([a_run("b", "a", at=1)], 2))
    assert await conversations(staging) == {"z": ["a", "b", "c"]}


async def test_runs_without_a_place_in_the_tree_keep_one_order_and_a_later_thread_is_followed(staging: Staging) -> None:
    kids = [structs.replace(a_run(name, "root", thread="x", at=1), dotted_order="") for name in ("b", "c")]
    first, second = sorted(kids, key=lambda run: run.id)
    await staging.stage(a_page([a_run("root"), first, second], 1))
    await staging.stage(a_page([structs.replace(first, thread_id=None)], 2))
    await staging.stage(a_page([structs.replace(second, thread_id="y")], 3))
    assert set(await activities(staging)) == {"y"}


async def test_both_conversations_change_when_a_trace_moves(staging: Staging) -> None:
    await staging.stage(
        a_page([a_run("a", thread="t"), a_run("b", "a", thread="u", at=1), a_run("c", thread="u", at=2)], 1)
    )
    await staging.stage(a_page([a_run("d", thread="t", at=3)], 1))
    await settle(staging)
    await staging.stage(a_page([a_run("a", thread="u", outputs=b"1")], 2))
    assert await conversations(staging) == {"u": ["a", "b", "c"], "t": ["d"]}


async def test_an_emitted_conversation_that_becomes_empty_is_told_of_until_its_tombstone(staging: Staging) -> None:
    await staging.stage(a_page([a_run("b", "a", at=1)], 1))
    await emit(staging, named("a"))
    await staging.stage(a_page([a_run("a", thread="t")], 2))
    empty = (await activities(staging))[named("a")]
    assert (empty.empty, empty.revision) == (True, 1)
    await emit(staging, named("a"), revision=2)
    assert set(await activities(staging)) == {"t"}


async def test_a_conversation_that_was_never_emitted_goes_without_a_word(staging: Staging) -> None:
    await staging.stage(a_page([a_run("b", "a", at=1)], 1))
    await staging.stage(a_page([a_run("a", thread="t")], 2))
    assert set(await activities(staging)) == {"t"}
    assert (await staging.figures()).projects[0].conversations == {"open": 1}


async def test_an_emission_on_its_way_when_its_traces_move_is_followed_by_a_tombstone(staging: Staging) -> None:
    await staging.stage(a_page([a_run("b", "a", at=1)], 1))
    activity = (await activities(staging))[named("a")]
    made_of = await seen(staging, activity.conversation)
    await staging.stage(a_page([a_run("a", thread="t")], 2))
    await staging.put(Part(seq=1, stream=Stream.TRAJECTORIES, state=PartState.OPEN))
    line = Line(part=1, offset=0, length=10, sha256=b"s" * 32)
    await staging.record([an_emission(activity, made_of, line, b"1")])
    assert (await activities(staging))[named("a")].empty


async def test_what_changed_while_it_was_assembled_stays_changed(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", thread="t")], 1))
    activity = (await activities(staging))["t"]
    made_of = await seen(staging, activity.conversation)
    await staging.stage(a_page([a_run("b", thread="t", at=1)], 2))
    emission = Emission(conversation=activity.conversation, revision=0, content_hash=b"h", line=None, seen=made_of)
    await staging.record([emission])
    assert set(await activities(staging)) == {"t"}


async def test_folds_are_kept_with_the_version_they_were_made_of(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", thread="t"), a_run("b", thread="t", at=1)], 1))
    activity = (await activities(staging))["t"]
    made_of = await seen(staging, activity.conversation)
    emission = Emission(
        conversation=activity.conversation,
        revision=0,
        content_hash=b"h",
        line=None,
        seen=made_of,
        folds={named("a"): b"A", named("b"): b"B"},
    )
    await staging.record([emission])
    await staging.stage(a_page([a_run("c", "b", at=2)], 2))
    first, second = await staging.traces(activity.conversation)
    assert (first.fold, first.folded_version == first.version) == (b"A", True)
    assert (second.fold, second.folded_version == second.version) == (b"B", False)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_traces_of_the_same_moment_come_in_an_order_that_arrival_does_not_decide(order: tuple[int, int]) -> None:
    runs = [a_run("a", thread="t"), a_run("b", thread="t")]
    async with open_staging(":memory:") as staging:
        for index in order:
            await staging.stage(a_page([runs[index]], index))
        activity = (await activities(staging))["t"]
        traces = [trace.trace_id for trace in await staging.traces(activity.conversation)]
        (material,) = await staging.materials([activity.conversation])
        assert [trace.trace_id for trace in material.traces] == traces == sorted([named("a"), named("b")])


async def test_a_conversation_set_aside_comes_back_when_it_changes(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", thread="t")], 1))
    activity = (await activities(staging))["t"]
    await staging.quarantine(activity.conversation, "no dialect", await seen(staging, activity.conversation))
    assert await activities(staging) == {}
    figures = await staging.figures()
    assert (figures.projects[0].failures, figures.quarantined) == ({"no dialect": 1}, 1)
    await staging.stage(a_page([a_run("b", "a", at=1)], 2))
    assert set(await activities(staging)) == {"t"}
    assert (await staging.figures()).quarantined == 0


async def test_one_that_other_rules_set_aside_comes_back_once(staging: Staging) -> None:
    await staging.try_again("these rules")
    await staging.stage(a_page([a_run("a", thread="t")], 1))
    activity = (await activities(staging))["t"]
    await staging.quarantine(activity.conversation, "no dialect", await seen(staging, activity.conversation))
    await staging.try_again("these rules")
    assert await activities(staging) == {}
    await staging.try_again("other rules")
    assert set(await activities(staging)) == {"t"}
    await staging.quarantine(activity.conversation, "still none", await seen(staging, activity.conversation))
    await staging.try_again("other rules")
    assert await activities(staging) == {}


async def test_one_that_changed_meanwhile_is_not_set_aside(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", thread="t")], 1))
    activity = (await activities(staging))["t"]
    await staging.quarantine(activity.conversation, "no dialect", {named("a"): 0})
    assert set(await activities(staging)) == {"t"}


async def test_the_same_thread_in_two_projects_is_two_conversations(staging: Staging) -> None:
    await staging.stage(a_page([a_run("a", thread="t")], 1))
    await staging.stage(a_page([structs.replace(a_run("b", thread="t"), project_id=named("p2"))], 2))
    found = [(activity.project_id, activity.conversation_id) async for activity in staging.changed(FOREVER)]
    assert sorted(found) == sorted([(PROJECT_ID, "t"), (named("p2"), "t")])
