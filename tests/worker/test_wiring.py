"""What the wiring decides itself, beside handing settings on."""

from datetime import UTC, datetime, timedelta

import pytest

from trajworker.config.rewards import fold_settings
from trajworker.config.settings import ConversationSettings, RewardSettings, Settings, SourceSettings, WorkerSettings
from trajworker.errors import ConfigError, NotAllowed, ProjectNotFound, SinkFull, SourceError, SourceUnavailable
from trajworker.model.times import EARLIEST
from trajworker.ports import Aggregation, Late
from trajworker.sinks import JsonlSettings
from trajworker.wiring import delivery, exit_code, reading, sink_settings
from trajworker.worker.planning import Lagging
from trajworker.worker.supervisor import Outcome

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("late", list(Late))
def test_a_backfill_that_is_run_again_revises_however_old_its_data_is(late: Late) -> None:
    asked = ConversationSettings(late=late)
    assert delivery(Settings(conversation=asked, worker=WorkerSettings(once=True))).late is Late.REVISE
    assert delivery(Settings(conversation=asked)).late is late


def test_the_exit_code_is_that_of_what_went_wrong_for_all_projects_alike() -> None:
    one = Outcome(projects=1, failed={"a": NotAllowed("no")})
    assert exit_code(one, stopped=False, quarantined=0) == 77
    some = Outcome(projects=2, failed={"a": NotAllowed("no")})
    assert exit_code(some, stopped=False, quarantined=0) == 75
    mixed = Outcome(projects=2, failed={"a": NotAllowed("no"), "b": ProjectNotFound("b")})
    assert exit_code(mixed, stopped=False, quarantined=0) == 75


def test_a_daemon_that_could_read_or_deliver_nothing_at_last_ends_as_such() -> None:
    full, away = SinkFull("full"), SourceUnavailable("away")
    assert exit_code(Outcome(projects=2, faults=(full,)), stopped=True, quarantined=0) == 74
    assert exit_code(Outcome(projects=2, faults=(full, away)), stopped=True, quarantined=0) == 75
    assert exit_code(Outcome(projects=2, failed={"a": away}, faults=(full,)), stopped=True, quarantined=0) == 75


def test_conversations_that_could_not_be_assembled_are_no_project_of_their_own() -> None:
    def code(failed: dict[str, SourceError], unassembled: SourceError) -> int:
        return exit_code(Outcome(projects=1, failed=failed, unassembled=unassembled), stopped=False, quarantined=0)

    assert code({"a": NotAllowed("no")}, NotAllowed("no")) == 77
    assert code({"a": NotAllowed("no")}, SourceUnavailable("away")) == 75
    assert code({}, NotAllowed("no")) == 75, "the project could be read"


def test_without_failures_it_tells_of_stops_and_of_what_was_set_aside() -> None:
    assert exit_code(Outcome(projects=1), stopped=True, quarantined=3) == 75
    assert exit_code(Outcome(projects=1), stopped=False, quarantined=3) == 65
    assert exit_code(Outcome(projects=1), stopped=False, quarantined=0) == 0


def test_what_could_not_be_read_yet_is_reason_to_run_again() -> None:
    lagging = Lagging(read_to=NOW, until=NOW + timedelta(minutes=1), settle=timedelta(minutes=2))
    for quarantined in (0, 3):
        assert exit_code(Outcome(projects=1, lagging=lagging), stopped=False, quarantined=quarantined) == 75


def test_ages_count_back_from_the_time_of_the_server() -> None:
    asked = Settings(source=SourceSettings(since=timedelta(hours=2), until=timedelta(0)))
    told = reading(asked, NOW.replace(microsecond=7))
    assert (told.since, told.until) == (NOW - timedelta(hours=2), NOW)
    assert (reading(Settings(), NOW).since, reading(Settings(), NOW).until) == (EARLIEST, None)


def test_a_range_that_by_the_time_of_the_server_ends_before_it_begins_is_refused() -> None:
    asked = Settings(source=SourceSettings(since=NOW, until=timedelta(days=1)))
    assert reading(asked, NOW + timedelta(days=2)).until == NOW + timedelta(days=1)
    with pytest.raises(ConfigError, match=r"source.since \(2026-01-01T00:00:00Z\) must be earlier than source.until"):
        reading(asked, NOW + timedelta(days=1))


def test_feedback_counts_as_configured() -> None:
    asked = RewardSettings(weights={"helpful": 2.0}, aggregation=Aggregation.MAX)
    rule = fold_settings(Settings(reward=asked)).rewards
    assert (rule.keys, rule.weights, rule.aggregation) == (("helpful",), {"helpful": 2.0}, Aggregation.MAX)


def test_weights_in_another_order_are_the_same_rules() -> None:
    marks = {
        fold_settings(Settings(reward=RewardSettings(weights=weights))).mark
        for weights in ({"a": 1.0, "b": 2.0}, {"b": 2.0, "a": 1.0})
    }
    assert len(marks) == 1


def test_files_that_nobody_configured_are_sealed_alike_by_the_worker_and_by_the_library() -> None:
    settings = Settings()
    assert sink_settings(settings) == JsonlSettings(out=settings.sink.out)
