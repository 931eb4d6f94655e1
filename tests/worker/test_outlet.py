"""What is said of a conversation, when, and where it goes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from anyio import from_thread
from msgspec.structs import replace

from support.published import files_in
from support.staged import a_page, a_run, named
from trajworker.assembly import Fold, FoldSettings, Header
from trajworker.assembly.kept.rewards import RewardRule
from trajworker.assembly.lifecycle import Held
from trajworker.errors import SourceUnavailable
from trajworker.events import (
    ConversationEmitted,
    ConversationFailed,
    ConversationHeld,
    LateDropped,
    PageStaged,
    ProjectFailed,
)
from trajworker.model.run import Feedback, Run, RunStatus
from trajworker.ports import Late
from trajworker.sinks.rotation import Limits
from trajworker.worker import folding, outlet
from worker.workshop import AT_ONCE, day, deliver_and_compact, workshop


async def test_a_conversation_whose_traces_all_moved_away_leaves_a_line_that_says_so(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run("one", thread="before")]
        await shop.work()
        shop.source.runs = [a_run("one", thread="after")]
        await shop.work()
        lines = {(line["task"]["conversation_id"], line.get("revision", 1)): line for line in await shop.lines()}
    assert sorted(lines) == [("after", 1), ("before", 1), ("before", 2)]
    tombstone = lines["before", 2]
    assert not tombstone.get("messages")
    assert "empty" in tombstone["metadata"]
    assert "empty" not in (lines["after", 1].get("metadata") or {})


async def test_a_file_holds_no_more_lines_than_asked_for_however_many_are_due_at_once(tmp_path: Path) -> None:
    async with workshop(tmp_path, limits=Limits(seal_lines=10)) as shop:
        shop.source.runs = [a_run(f"r{number}", thread=f"t{number}", at=number) for number in range(35)]
        await shop.work()
        said = await shop.revisions()
        sizes = [path.read_text().count("\n") for path in files_in(shop.out)]
    assert len(set(said)) == len(said) == 35
    assert sizes == [10, 10, 10, 5]
    assert len(shop.of_kind(ConversationEmitted)) == 35


async def test_what_is_read_again_unchanged_is_not_said_again(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run("one", thread="t")]
        await shop.work()
        await shop.work()
        shop.source.runs = [a_run("one", thread="t", stats=b'{"score":{"n":1}}')]
        await shop.work()
        assert await shop.revisions() == [("t", 1)]


async def test_nothing_is_said_before_all_of_its_time_is_read(tmp_path: Path) -> None:
    rule = replace(AT_ONCE, idle=timedelta(minutes=30))
    async with workshop(tmp_path, finish=rule, settle=timedelta(minutes=10)) as shop:
        shop.source.runs = [a_run("one", thread="t")]
        for minutes, emitted in ((20, 0), (35, 0), (39, 0), (42, 1)):
            shop.source.at = day(0) + timedelta(minutes=minutes)
            await shop.work()
            assert len(shop.of_kind(ConversationEmitted)) == emitted, minutes


@pytest.mark.parametrize(
    ("late", "said", "streams", "dropped"),
    [
        (Late.REVISE, [1, 2], {"trajectories"}, 0),
        (Late.SIDE, [1, 2], {"trajectories", "late"}, 0),
        (Late.DROP, [1], {"trajectories"}, 1),
    ],
)
async def test_what_comes_past_the_horizon_goes_where_it_is_wanted(
    tmp_path: Path, late: Late, said: list[int], streams: set[str], dropped: int
) -> None:
    async with workshop(tmp_path, late=late) as shop:
        shop.source.runs = [a_run("one", thread="t")]
        await shop.work()
        shop.source.at = day(60)
        shop.source.runs.append(a_run("late", thread="t", at=5))
        await shop.work()
        await shop.work()
        assert [revision for _, revision in await shop.revisions()] == said
        assert {path.name.partition("-")[0] for path in files_in(shop.out)} == streams
        assert len(shop.of_kind(LateDropped)) == dropped


async def test_a_root_that_never_ends_is_told_as_incomplete_and_again_when_it_ends(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run("one", thread="t", ended=False, outputs=b"null")]
        shop.source.at = day(0.5)
        await shop.work()
        assert await shop.revisions() == []
        shop.source.at = day(2)
        await shop.work()
        shop.source.runs = [a_run("one", thread="t")]
        shop.source.at = day(2.5)
        await shop.work()
        first, second = await shop.lines()
    assert first["complete"] is False
    assert (second["revision"], second["complete"], second["pane"]) == (2, True, "late")


async def test_a_conversation_that_no_rule_can_read_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold = folding.Conversation.fold

    def break_one(conversation: Any, runs: Any, *rest: Any) -> Any:
        if runs[0].name == "bad":
            raise KeyError("a secret of the payload")
        return fold(conversation, runs, *rest)

    monkeypatch.setattr(folding.Conversation, "fold", break_one)
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run("bad", thread="b"), a_run("good", thread="g", at=1)]
        await shop.work()
        assert await shop.revisions() == [("g", 1)]
        (failed,) = shop.of_kind(ConversationFailed)
        assert failed.conversation_id == "b"
        assert failed.kind == "MalformedRun"
        assert "KeyError" in failed.reason
        assert "secret" not in failed.reason
        assert (await shop.staging.figures()).quarantined == 1
        monkeypatch.setattr(folding.Conversation, "fold", fold)
        shop.source.runs.append(a_run("more", thread="b", at=2))
        await shop.work()
        assert await shop.revisions() == [("g", 1), ("b", 1)]


async def test_what_comes_while_a_conversation_proves_unreadable_is_not_set_aside_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold = folding.Conversation.fold

    def break_old(conversation: Any, runs: Any, *rest: Any) -> Any:
        if bytes(runs[0].outputs) == b'"old"':
            from_thread.run(shop.staging.stage, a_page([a_run("one", thread="t", outputs=b'"new"')], 1000))
            raise KeyError
        return fold(conversation, runs, *rest)

    monkeypatch.setattr(folding.Conversation, "fold", break_old)
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run("one", thread="t", outputs=b'"old"')]
        await shop.read()
        await shop.deliver()
        await shop.deliver()
        assert (await shop.staging.figures()).quarantined == 0
        assert await shop.revisions() == [("t", 1)]


@pytest.mark.parametrize("read_at", [day(0.5), day(3)])
async def test_what_folds_hold_is_hashed_before_the_loop_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_at: datetime
) -> None:
    hashed, asked = outlet.content_hash, []

    def watch(folds: Sequence[Fold], header: Header) -> bytes:
        asked.extend(fold.digest for fold in folds)
        return hashed(folds, header)

    monkeypatch.setattr(outlet, "content_hash", watch)
    async with workshop(tmp_path) as shop:
        shop.source.at = read_at
        shop.source.runs = [a_run("one", thread="t")]
        await shop.work()
    assert len(asked) == 1
    assert all(asked)


@pytest.mark.parametrize(("read_at", "folded"), [(day(0.5), ["one", "two"]), (day(3), ["one", "one", "two"])])
async def test_only_a_turn_that_is_new_is_folded_unless_the_conversation_had_seemed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_at: datetime, folded: list[str]
) -> None:
    fold, seen = folding.Conversation.fold, []

    def watch(conversation: Any, runs: Any, *rest: Any) -> Any:
        seen.append(runs[0].name)
        return fold(conversation, runs, *rest)

    monkeypatch.setattr(folding.Conversation, "fold", watch)
    async with workshop(tmp_path) as shop:
        shop.source.at = read_at
        shop.source.runs = [a_run("one", thread="t")]
        await shop.work()
        shop.source.runs.append(a_run("two", thread="t", at=1))
        await shop.work()
        assert await shop.revisions() == [("t", 1), ("t", 2)]
    assert seen == folded


async def test_payloads_that_were_dropped_are_fetched_again_for_a_new_revision(tmp_path: Path) -> None:
    async with workshop(tmp_path, late=Late.REVISE) as shop:
        await deliver_and_compact(shop)
        shop.source.off_pages = {"one"}
        shop.source.runs.append(a_run("late", thread="t", at=5))
        await shop.work()
        first, second = await shop.lines()
        assert shop.source.by_id, "asked for again by id"
    assert len(second["messages"]) == 2 * len(first["messages"])
    assert second["messages"][: len(first["messages"])] == first["messages"]


async def test_payloads_that_cannot_be_had_now_are_loud_and_tried_again(tmp_path: Path) -> None:
    async with workshop(tmp_path, late=Late.REVISE) as shop:
        shop.source.runs = [a_run("one", thread="t"), a_run("other", thread="o", at=50_000)]
        shop.source.at = day(60)
        await shop.work()
        await shop.outlet.compact(day(65), shop.stop)
        shop.source.off_pages = {"one"}
        shop.source.runs += [a_run("late", thread="t", at=5), a_run("new", thread="n", at=60_000)]
        await shop.read()
        keep, shop.source.runs_by_id = shop.source.runs_by_id, _away  # type: ignore[method-assign] # the point
        await shop.deliver()
        assert isinstance(shop.outlet.failed, SourceUnavailable)
        assert ("n", 1) in await shop.revisions()
        assert [event.project for event in shop.of_kind(ProjectFailed)] == ["p"]
        shop.source.runs_by_id = keep  # type: ignore[method-assign] # back again
        await shop.deliver()
        assert shop.outlet.failed is None
        assert ("t", 2) in await shop.revisions()


async def test_a_finished_conversation_whose_payloads_cannot_be_had_now_is_held_for_that_reason(tmp_path: Path) -> None:
    async with workshop(tmp_path, late=Late.REVISE) as shop:
        await deliver_and_compact(shop)
        shop.source.runs = [a_run("late", thread="t", at=5)]
        await shop.read()
        shop.source.runs_by_id = _away  # type: ignore[method-assign] # the point
        await shop.outlet.deliver_last(shop.source.at, shop.stop, flush=False)
        assert [event.reason for event in shop.of_kind(ConversationHeld)] == [Held.UNFETCHED]


async def _away(_project_id: str, _ids: Any) -> Any:
    raise SourceUnavailable("away")


async def test_payloads_that_are_gone_for_good_set_their_conversation_aside(tmp_path: Path) -> None:
    async with workshop(tmp_path, late=Late.REVISE) as shop:
        await deliver_and_compact(shop)
        shop.source.runs = [a_run("late", thread="t", at=5)]
        await shop.work()
        assert await shop.revisions() == [("t", 1)]
        (failed,) = shop.of_kind(ConversationFailed)
    assert "no longer has" in failed.reason


async def test_every_event_names_its_project_the_same_way(tmp_path: Path) -> None:
    async with workshop(tmp_path, late=Late.DROP) as shop:
        await deliver_and_compact(shop)
        shop.source.runs.append(a_run("late", thread="t", at=5))
        await shop.work()
        shop.source.runs = [a_run("open", thread="u", at=86_399, ended=False), a_run("more", thread="t", at=6)]
        await shop.outlet.compact(shop.source.at, shop.stop)
        await shop.work()
        await shop.outlet.deliver_last(shop.source.at, shop.stop, flush=False)
    observed = {(type(event), event.project) for event in shop.events if hasattr(event, "project")}
    assert {name for _, name in observed} == {"p"}
    assert {ConversationEmitted, LateDropped, ConversationHeld, ConversationFailed, PageStaged} <= {
        kind for kind, _ in observed
    }


async def test_what_is_unfinished_at_the_end_is_named_or_flushed(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        pending = [a_run(f"p{number}", thread=f"t{number}", ended=False, outputs=b"null") for number in range(3)]
        shop.source.runs = [a_run("whole", thread="w"), *pending]
        shop.source.at = day(0.5)
        await shop.read()
        await shop.outlet.deliver_last(shop.source.at, shop.stop, flush=False)
        assert await shop.revisions() == [("w", 1)]
        assert {event.conversation_id for event in shop.of_kind(ConversationHeld)} == {"t0", "t1", "t2"}
        await shop.outlet.deliver_last(shop.source.at, shop.stop, flush=True)
        lines = await shop.lines()
    assert [(line["complete"], line["pane"]) for line in lines[1:]] == [(False, "forced")] * 3


async def test_a_stop_is_heard_between_two_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trajworker.worker.outlet.BATCH", 2)
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run(f"r{number}", thread=f"t{number}", at=number) for number in range(9)]
        await shop.read()
        shop.events.clear()
        tell = shop.events.append

        def stop_at_first(event: Any) -> None:
            tell(event)
            if isinstance(event, ConversationEmitted) and not shop.stop.requested:
                shop.stop.request()

        shop.outlet._observer = stop_at_first
        await shop.deliver()
        assert len(await shop.revisions()) == 2


async def test_the_status_of_a_run_that_changes_makes_a_revision(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop:
        shop.source.runs = [a_run("one", thread="t")]
        await shop.work()
        shop.source.runs = [
            replace(shop.source.runs[0], status=RunStatus.ERROR, error="it broke", outputs=a_run("x").inputs)
        ]
        await shop.work()
        assert await shop.revisions() == [("t", 1), ("t", 2)]


@pytest.mark.parametrize("left", [["tone"], []])
async def test_feedback_that_is_deleted_leaves_the_reward_in_a_new_revision(tmp_path: Path, left: list[str]) -> None:
    def scored(keys: list[str]) -> tuple[Run, list[Feedback]]:
        stats = b"{%s}" % b",".join(b'"%s":{"n":1}' % key.encode() for key in keys) if keys else b"null"
        run = a_run("one", thread="t", stats=stats)
        return run, [Feedback(id=named(key), run_id=run.id, key=key, score=1.0) for key in keys]

    async with workshop(tmp_path) as shop:
        for keys in (["good", "tone"], left):
            run, shop.source.scores = scored(keys)
            shop.source.runs = [run]
            await shop.work()
        first, second = [line["reward"] for line in await shop.lines()]
    assert len(first["components"]) == 2
    assert [component["name"] for component in (second or {"components": []})["components"]] == left


async def test_a_clock_a_year_fast_delays_nothing_by_a_year(tmp_path: Path) -> None:
    rule = replace(AT_ONCE, idle=timedelta(minutes=30))
    ahead = replace(a_run("one", thread="t"), end_time=day(365))
    async with workshop(tmp_path, finish=rule) as shop:
        shop.source.runs = [ahead, a_run("plain", thread="u", at=5)]
        for minutes, emitted in ((10, []), (36, ["u"]), (39, ["u"]), (40, ["t", "u"])):
            shop.source.at = day(0) + timedelta(minutes=minutes)
            await shop.work()
            assert sorted(event.conversation_id for event in shop.of_kind(ConversationEmitted)) == emitted, minutes
        shop.source.runs.append(a_run("two", thread="t", at=60))
        for minutes, revisions in ((61, 1), (89, 1), (91, 2)):
            shop.source.at = day(0) + timedelta(minutes=minutes)
            await shop.work()
            assert [name for name, _ in await shop.revisions()].count("t") == revisions, minutes


async def test_a_conversation_is_told_by_one_set_of_rules_though_they_changed_between_its_turns(tmp_path: Path) -> None:
    def scored(name: str, at: float) -> tuple[Run, list[Feedback]]:
        run = a_run(name, thread="t", at=at, stats=b'{"good":{"n":1},"bad":{"n":1}}')
        return run, [
            Feedback(id=named(f"{key} of {name}"), run_id=run.id, key=key, score=score)
            for key, score in (("good", 1.0), ("bad", 0.0))
        ]

    def weighing(**weights: float) -> FoldSettings:
        return FoldSettings(rewards=RewardRule(keys=tuple(weights), weights=weights))

    first, scores = scored("one", 0)
    second, more = scored("two", 1)
    async with workshop(tmp_path, rules=weighing(good=1.0)) as shop:
        shop.source.runs, shop.source.scores = [first], scores
        await shop.work()
        assert [line["reward"]["aggregated_value"] for line in await shop.lines()] == [1.0]
    async with workshop(tmp_path, rules=weighing(bad=5.0)) as shop:
        shop.source.runs, shop.source.scores = [first, second], [*scores, *more]
        await shop.work()
        reward = (await shop.lines())[-1]["reward"]
    assert [component["name"] for component in reward["components"]] == ["bad", "bad"]
    assert reward["aggregated_value"] == 0.0
