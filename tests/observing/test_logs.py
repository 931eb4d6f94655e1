"""Events become log lines: JSON or pretty, levels kept, storms thinned out, nothing dangerous for a terminal."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from trajworker import events
from trajworker.observing.logs import Logs, event_name

RETRY = events.RequestRetried(reason="429", attempt=1, wait_s=2.0, status=429)
STOPPED = events.WorkerStopped(exit_code=0, emitted=1, held=0, quarantined=0, seconds=1.0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def lines_of(stream: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().split(b"\n") if line]


def test_an_event_is_one_json_line_named_after_its_class() -> None:
    stream = io.BytesIO()
    logs = Logs(stream, pretty=False)
    logs(
        events.ProjectStarted(project="p", start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 2, tzinfo=UTC))
    )
    (line,) = lines_of(stream)
    assert datetime.fromisoformat(line.pop("timestamp")).tzinfo is not None
    assert line == {
        "event": "project_started",
        "level": "info",
        "project": "p",
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-01-02T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("level", "names"), [("debug", ["page_staged", "request_retried"]), ("info", ["request_retried"]), ("error", [])]
)
def test_what_is_less_important_than_the_level_is_not_written(level: str, names: list[str]) -> None:
    stream = io.BytesIO()
    logs = Logs(stream, pretty=False, level=level)
    logs(events.PageStaged(project="p", runs=1, changed=1, size_bytes=1, seconds=0.1))
    logs(RETRY)
    assert [line["event"] for line in lines_of(stream)] == names


def test_the_same_complaint_is_written_once_a_minute_with_the_count_of_its_repeats() -> None:
    stream, clock = io.BytesIO(), Clock()
    logs = Logs(stream, pretty=False, clock=clock)
    for second in range(150):
        clock.now = float(second)
        logs(RETRY)
    logs(events.RequestRetried(reason="reset", attempt=1, wait_s=1.0))
    logs(STOPPED)
    told = [(line["event"], line.get("reason"), line.get("repeats")) for line in lines_of(stream)]
    assert told == [
        ("request_retried", "429", None),
        ("request_retried", "429", 59),
        ("request_retried", "429", 59),
        ("request_retried", "reset", None),
        ("worker_stopped", None, None),
        ("complaint_repeated", None, 29),
    ]


def test_memory_for_complaints_is_bounded_and_none_is_lost() -> None:
    stream = io.BytesIO()
    logs = Logs(stream, pretty=False, clock=Clock())
    for number in range(3000):
        logs(events.RunQuarantined(project="p", run_id=None, kind="x", reason=f"reason {number}"))
    assert len(lines_of(stream)) == 3000
    assert len(logs._complaints) <= 1024


def test_after_many_different_complaints_a_new_storm_is_held_back_and_the_old_ones_are_told() -> None:
    stream, clock = io.BytesIO(), Clock()
    logs = Logs(stream, pretty=False, clock=clock)
    for number in range(1024):
        for _ in range(1 + (number == 0)):
            logs(events.ConversationFailed(project="p", conversation_id="c", kind="x", reason=f"reason {number}"))
    clock.now = 3600.0
    for _ in range(1000):
        logs(RETRY)
    told = [(line["event"], line.get("repeats")) for line in lines_of(stream)][1024:]
    assert told == [("complaint_repeated", 1), ("request_retried", None)]
    logs(STOPPED)
    assert lines_of(stream)[-1]["repeats"] == 999


def test_a_fault_that_is_over_is_not_told_again_when_the_worker_stops() -> None:
    stream, clock = io.BytesIO(), Clock()
    logs = Logs(stream, pretty=False, clock=clock)
    gone = events.CorridorFailed(
        corridor=events.Corridor.INTAKE, error="There is no project 'live-*' in this workspace.", exit_code=78
    )
    for second in range(20):
        clock.now = float(second)
        logs(gone)
    clock.now = 100.0
    logs(events.PageStaged(project="live-1", runs=1, changed=1, size_bytes=1, seconds=0.1))
    clock.now = 3600.0
    logs(STOPPED)
    lines = lines_of(stream)
    assert [line["event"] for line in lines] == ["corridor_failed", "complaint_repeated", "worker_stopped"]
    assert (lines[1]["complaint"], lines[1]["repeats"]) == ("corridor_failed", 19)


def test_a_complaint_that_goes_on_is_one_line_a_minute_whatever_else_happens() -> None:
    stream, clock = io.BytesIO(), Clock()
    logs = Logs(stream, pretty=False, clock=clock)
    for second in range(150):
        clock.now = float(second)
        logs(events.PageStaged(project="p", runs=1, changed=1, size_bytes=1, seconds=0.1))
        logs(RETRY)
    told = [(line["event"], line.get("repeats")) for line in lines_of(stream)]
    assert told == [("request_retried", None), ("request_retried", 59), ("request_retried", 59)]


def test_a_terminal_sees_escapes_of_strangers_spelled_out() -> None:
    stream = io.BytesIO()
    Logs(stream, pretty=True)(
        events.ConversationFailed(project="p\x1b[2J\r\n", conversation_id="c\x00", kind="x", reason="bad")
    )
    text = stream.getvalue()
    assert b"\x1b[2J" not in text
    assert b"\x00" not in text
    assert text.count(b"\n") == 1


@pytest.mark.parametrize("pretty", [True, False])
def test_lone_surrogates_and_long_values_are_written_as_something_readable(pretty: bool) -> None:  # noqa: FBT001 - a parameter of the test
    stream = io.BytesIO()
    Logs(stream, pretty=pretty)(
        events.ConversationFailed(project="p", conversation_id="\ud800", kind="x", reason="x" * 100_000)
    )
    assert len(stream.getvalue()) < 2000
    assert b"ud800" in stream.getvalue()


def test_a_stream_that_nobody_reads_does_not_stop_the_worker() -> None:
    class Broken(io.BytesIO):
        def write(self, _data: object) -> int:
            raise BrokenPipeError

    Logs(Broken(), pretty=False)(RETRY)


def test_repeats_are_told_at_the_end_only_where_warnings_are() -> None:
    stream, clock = io.BytesIO(), Clock()
    logs = Logs(stream, pretty=False, level="error", clock=clock)
    for _ in range(3):
        logs(events.ProjectFailed(project="p", error="gone", exit_code=69))
        logs(RETRY)
    logs(STOPPED)
    assert [line["event"] for line in lines_of(stream)] == ["project_failed"]


def test_every_event_can_be_logged_by_name() -> None:
    names = [event_name(kind) for kind in events.Event.__subclasses__()]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and "__" not in name for name in names)
