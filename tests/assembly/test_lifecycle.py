"""A conversation is finished when nothing runs, nothing new came for long enough, and all up to then was read."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from trajworker.assembly.lifecycle import FEW_TRACES, FinishRule, Held, decide, keeps_folds, pane_at_once
from trajworker.ports import Activity
from trajworker.trajectory import Pane

LAST = datetime(2026, 1, 1, 12, tzinfo=UTC)
RULE = FinishRule(idle=timedelta(minutes=30), pending_timeout=timedelta(hours=24), abandon_roots=True)
HOUR = timedelta(hours=1)


def activity(*, pending: int = 0, since: datetime | None = None, revision: int = 0) -> Activity:
    return Activity(
        conversation=1, project_id="p", conversation_id="t", last_activity=LAST, pending_roots=pending,
        pending_runs=pending, oldest_pending=since, revision=revision,
    )  # fmt: skip


def test_a_quiet_and_covered_conversation_is_delivered_on_time() -> None:
    decision = decide(activity(), LAST + HOUR, LAST + RULE.idle, RULE)
    assert (decision.pane, decision.complete, decision.reason) == (Pane.ON_TIME, True, None)


def test_a_conversation_delivered_before_is_late_whatever_the_time() -> None:
    assert decide(activity(revision=1), LAST + HOUR, LAST + HOUR, RULE).pane is Pane.LATE


@pytest.mark.parametrize(
    ("now", "watermark", "reason"),
    [
        (LAST + timedelta(minutes=29), LAST + HOUR, Held.ACTIVE),
        (LAST + HOUR, LAST + timedelta(minutes=29), Held.UNREAD),
        (LAST + HOUR, None, Held.UNREAD),
    ],
)
def test_what_is_active_or_unread_waits(now: datetime, watermark: datetime | None, reason: Held) -> None:
    decision = decide(activity(), now, watermark, RULE)
    assert (decision.pane, decision.reason) == (None, reason)


def test_a_pending_run_is_waited_for_until_its_timeout_and_then_told_as_incomplete() -> None:
    waiting = activity(pending=1, since=LAST)
    assert decide(waiting, LAST + 23 * HOUR, LAST + 23 * HOUR, RULE).reason is Held.PENDING
    decision = decide(waiting, LAST + 24 * HOUR, LAST + 24 * HOUR, RULE)
    assert (decision.pane, decision.complete) == (Pane.ON_TIME, False)


def test_no_waiting_at_all_delivers_what_was_read() -> None:
    rule = replace(RULE, idle=timedelta(0))
    assert decide(activity(), LAST, LAST, rule).pane is Pane.ON_TIME


@pytest.mark.parametrize(("traces", "silent"), [(1, timedelta(hours=23)), (FEW_TRACES + 1, timedelta(days=900))])
def test_folds_are_kept_where_a_next_turn_is_likely_or_folding_all_again_is_dear(
    traces: int, silent: timedelta
) -> None:
    assert keeps_folds(activity(), traces, LAST + silent)


def test_folds_of_a_short_conversation_that_seems_over_are_not_kept() -> None:
    assert not keeps_folds(activity(), FEW_TRACES, LAST + timedelta(days=2))


@pytest.mark.parametrize(("complete", "pane"), [(True, Pane.ON_TIME), (False, Pane.FORCED)])
def test_what_is_told_as_it_stands_is_on_time_only_where_it_is_complete(complete: bool, pane: Pane) -> None:  # noqa: FBT001 - a parameter of pytest
    assert pane_at_once(complete=complete) is pane
