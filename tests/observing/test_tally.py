"""Counts, estimates and the summary line follow from events alone."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from trajworker import events
from trajworker.observing import tally as tally_module
from trajworker.observing.metrics import metrics
from trajworker.observing.summary import summary
from trajworker.observing.tally import Tally

T0 = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def emitted(conversation_id: str, revision: int = 1, *, complete: bool = True, pane: str = "on_time") -> events.Event:
    return events.ConversationEmitted(
        project="p",
        conversation_id=conversation_id,
        revision=revision,
        pane=pane,
        complete=complete,
        messages=2,
        size_bytes=9,
    )


def held(conversation_id: str, reason: str) -> events.Event:
    return events.ConversationHeld(project="p", conversation_id=conversation_id, reason=reason)


def told(*happened: events.Event) -> Tally:
    tally = Tally()
    for event in happened:
        tally(event)
    return tally


CUT = events.RangeCut(
    read_to=T0, until=T0 + HOUR / 2, settle_s=3600, again_after=T0 + 1.5 * HOUR + timedelta(milliseconds=1)
)
PAGE = events.PageStaged(project="p", runs=100, changed=90, size_bytes=1000, seconds=0.1)


def test_a_conversation_that_was_held_and_then_emitted_is_no_longer_held() -> None:
    tally = told(held("a", "open root"), held("a", "not idle"), held("b", "open root"), emitted("a"))
    assert tally.held == {("p", "b"): "open root"}
    assert (tally.revisions, tally.held_count) == (1, 1)


def test_names_of_held_conversations_are_bounded_but_all_are_counted() -> None:
    tally = told(*(held(str(number), "open root") for number in range(tally_module.MAX_HELD_NAMES + 5)))
    assert len(tally.held) == tally_module.MAX_HELD_NAMES
    assert tally.held_count == tally_module.MAX_HELD_NAMES + 5


def test_what_was_set_aside_is_counted_by_kind_so_that_ids_in_reasons_take_no_memory() -> None:
    failed = (
        events.ConversationFailed(project="p", conversation_id=f"c{n}", kind="MalformedRun", reason=f"trace t{n}")
        for n in range(5000)
    )
    never = (
        events.RunQuarantined(project="p", run_id=f"r{n}", kind="never came", reason=f"between {n} and {n + 1}")
        for n in range(5000)
    )
    assert told(*failed, *never).quarantined == {"MalformedRun": 5000, "never came": 5000}


def test_requests_left_are_estimated_from_the_density_of_what_is_read() -> None:
    tally = told(events.ProjectStarted(project="p", start=T0, end=T0 + 4 * HOUR))
    assert (tally.share_read, tally.requests_left) == (0.0, None)
    tally(PAGE)
    tally(PAGE)
    tally(events.SliceRead(project="p", start=T0, end=T0 + HOUR, pages=2))
    assert (tally.share_read, tally.requests_left) == (0.25, 6)
    tally(events.SliceRead(project="p", start=T0 + HOUR, end=T0 + 4 * HOUR, pages=1))
    assert (tally.share_read, tally.requests_left) == (1.0, 0)


def test_where_a_project_is_read_from_its_unknown_beginning_nothing_is_estimated() -> None:
    known = events.ProjectStarted(project="p", start=T0, end=T0 + 4 * HOUR)
    tally = told(known, events.ProjectStarted(project="q", start=None, end=T0 + 4 * HOUR), PAGE)
    tally(events.SliceRead(project="p", start=T0, end=T0 + HOUR, pages=1))
    assert (tally.share_read, tally.requests_left) == (None, None)


def test_nothing_planned_means_nothing_known() -> None:
    assert (Tally().share_read, Tally().requests_left) == (None, None)


def test_the_summary_says_what_was_emitted_held_back_and_why_and_quarantined() -> None:
    tally = told(
        PAGE,
        emitted("a"),
        emitted("b", 2),
        emitted("c", complete=False, pane="forced"),
        events.PartPublished(name="f", lines=3, size_bytes=27, sha256="0"),
        *(held(f"h{number}", "a root run has not ended" if number else "not idle yet") for number in range(7)),
        events.RunQuarantined(project="p", run_id="r", kind="no start time", reason="no start time"),
        events.ProjectFailed(project="q", error="not allowed", exit_code=77),
        events.WorkerStopped(exit_code=65, emitted=3, held=7, quarantined=1, seconds=12.34),
    )
    assert summary(tally) == (
        "emitted 3 revisions (1 of conversations emitted before, 1 not complete) in 1 file from 100 runs on 1 page; "
        "held back 7 (6 a root run has not ended, 1 not idle yet): h0, h1, h2, h3, h4 and 2 more; "
        "quarantined 1 (1 no start time); project q failed: not allowed; 12.3 s, exit code 65"
    )


def test_the_summary_tells_what_left_the_quarantine_and_what_lay_in_it_before() -> None:
    tally = told(
        *(events.RunQuarantined(project="p", run_id=f"r{n}", kind="never came", reason="never came") for n in range(2)),
        events.RunsRecovered(project="p", runs=1),
        events.WorkerStopped(exit_code=65, emitted=0, held=0, quarantined=4, seconds=1.0),
    )
    assert "; quarantined 2 (2 never came), 1 could be read after all, 3 set aside before; " in summary(tally)


def test_the_summary_of_nothing_is_calm() -> None:
    assert summary(Tally()) == (
        "emitted 0 revisions in 0 files from 0 runs on 0 pages; held back none; quarantined none"
    )


def test_the_summary_names_a_disk_that_is_full_until_it_is_not() -> None:
    full = events.CorridorFailed(corridor=events.Corridor.OUTLET, error="out: no space left", exit_code=74)
    tally = told(full, events.ProjectStarted(project="p", start=T0, end=T0))
    assert summary(tally).endswith("; quarantined none; delivering failed: out: no space left")
    tally(events.CorridorRecovered(corridor=events.Corridor.OUTLET))
    assert summary(tally).endswith("; quarantined none")


def test_the_summary_is_one_line_whatever_ids_hold() -> None:
    assert summary(told(held("a\n\x1b[2Jb", "open root"))).isprintable()


def test_metrics_are_prometheus_text_without_ids_or_reasons() -> None:
    text = metrics(
        told(
            events.WorkerStarted(version='1"\n', sqlite_version="3", epoch=1, config_fingerprint="canary-print"),
            PAGE,
            emitted("canary-id"),
            held("canary-held", "canary reason"),
            events.RequestRetried(reason="canary", attempt=1, wait_s=1, status=429),
            events.RequestRetried(reason="canary", attempt=1, wait_s=1),
            events.PaceChanged(tier="runs", requests_per_s=1.5),
            events.CorridorFailed(corridor=events.Corridor.OUTLET, error="canary", exit_code=74),
            events.CorridorFailed(corridor=events.Corridor.OUTLET, error="canary", exit_code=74),
        )
    )
    assert "canary" not in text
    lines = text.splitlines()
    assert "trajworker_runs_staged_total 100" in lines
    assert 'trajworker_emissions_total{pane="on_time"} 1' in lines
    assert 'trajworker_requests_retried_total{status="429"} 1' in lines
    assert 'trajworker_requests_retried_total{status="none"} 1' in lines
    assert 'trajworker_pace_requests_per_second{tier="runs"} 1.5' in lines
    assert "trajworker_conversations_held 1" in lines
    assert 'trajworker_corridor_failures_total{corridor="outlet"} 2' in lines
    assert 'trajworker_corridor_failed{corridor="outlet"} 1' in lines
    assert 'trajworker_corridor_failed{corridor="intake"} 0' in lines
    assert 'trajworker_info{version="1\\"\\n"} 1' in lines
    helped = {line.split()[2] for line in lines if line.startswith("# HELP")}
    typed = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    samples = {line.split("{")[0].split()[0] for line in lines if not line.startswith("#")}
    assert samples <= helped == typed


def test_the_summary_says_how_far_a_range_was_read_and_what_to_do_about_the_rest() -> None:
    assert (
        "; read up to 2026-01-01T00:00:00Z only: later runs may lag (settle 3600 s), "
        "run again after 2026-01-01T01:30:01Z with --until 2026-01-01T00:30:00Z"
    ) in summary(told(PAGE, CUT))
    ahead = replace(CUT, read_to=None)
    assert "; nothing of the range is read yet: later runs may lag (settle 3600 s), run again" in summary(told(ahead))
    assert "read up to" not in summary(told(PAGE))
