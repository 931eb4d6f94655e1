"""What a run learns about a server spares the next one requests."""

from datetime import UTC, datetime, timedelta

from trajworker.events import ApiChosen, PageStaged
from trajworker.worker.server_profile import ASK_AGAIN, ProfileObserver, ServerProfile

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def staged(project: str, runs: int, size_bytes: int) -> PageStaged:
    return PageStaged(project=project, runs=runs, changed=0, size_bytes=size_bytes, seconds=0.0)


def learnt(*events: ApiChosen | PageStaged, before: str | None = None) -> ServerProfile:
    first = ProfileObserver(before)
    for event in events:
        first.notice(event)
    return ProfileObserver(first.to_remember(NOW)).known


def test_the_new_api_is_trusted_for_good_and_the_old_one_for_a_day() -> None:
    assert learnt(ApiChosen(api="v2", reason="")) == ServerProfile(api="v2")
    assert learnt(ApiChosen(api="v1", reason="")) == ServerProfile(api="v1", ask_again=NOW + ASK_AGAIN)


def test_what_was_not_asked_again_is_doubted_when_it_was_to_be() -> None:
    before = ProfileObserver(None)
    before.notice(ApiChosen(api="v1", reason=""))
    later = ProfileObserver(before.to_remember(NOW))
    later.notice(staged("p", 1, 1))
    assert ProfileObserver(later.to_remember(NOW + timedelta(days=3))).known.ask_again == NOW + ASK_AGAIN


def test_the_heaviest_runs_count_and_a_few_tell_nothing() -> None:
    assert learnt(staged("light", 100, 1000), staged("heavy", 20, 2000), staged("few", 3, 9000)).run_bytes == 100.0
    assert learnt(staged("few", 3, 9000)).run_bytes is None


def test_pages_without_a_weight_tell_nothing_of_it() -> None:
    assert learnt(staged("p", 50, 0)).run_bytes is None
    assert learnt(staged("p", 50, 0), staged("p", 50, 5000)).run_bytes == 100.0


def test_what_another_release_wrote_counts_for_nothing() -> None:
    assert ProfileObserver("v2").known == ServerProfile()
    assert not ProfileObserver('{"api": 7}').met
