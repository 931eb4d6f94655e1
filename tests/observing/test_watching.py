"""Logs and progress share stderr: JSON where nobody looks, live progress with log lines above it on a terminal."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from trajworker import events
from trajworker.observing.progress import Progress
from trajworker.observing.tally import Tally
from trajworker.observing.watching import watching

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = events.PageStaged(project="p", runs=1500, changed=90, size_bytes=1000, seconds=0.1)
STARTED = events.ProjectStarted(project="p", start=T0, end=T0 + timedelta(hours=2))


class Stderr(io.TextIOWrapper):
    """Stderr into memory, that says whether it is a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        self.memory = io.BytesIO()
        super().__init__(self.memory, encoding="utf-8", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def test_without_a_terminal_there_is_json_and_no_progress() -> None:
    stderr = Stderr(terminal=False)
    with watching(stderr) as watch:
        watch.observer(STARTED)
        watch.observer(PAGE)
    (line,) = stderr.memory.getvalue().splitlines()
    assert json.loads(line)["event"] == "project_started"
    assert watch.tally.runs == 1500


def test_on_a_terminal_logs_are_pretty_and_stand_above_the_progress() -> None:
    stderr = Stderr(terminal=True)
    with watching(stderr) as watch:
        watch.observer(STARTED)
        watch.observer(PAGE)
    text = stderr.memory.getvalue().decode()
    assert "project_started" in text
    assert "{" not in text
    assert "1,500 runs" in text


@pytest.mark.parametrize(
    ("terminal", "no_color", "coloured"),
    [(True, None, True), (True, "", True), (True, "1", False), (False, None, False), (False, "1", False)],
)
def test_pretty_lines_are_coloured_where_a_terminal_takes_colours(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool, no_color: str | None, coloured: bool
) -> None:
    """A file that was asked to be pretty is read in an editor; NO_COLOR counts unless empty (no-color.org)."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    stderr = Stderr(terminal=terminal)
    with watching(stderr, style="pretty", progress="off") as watch:
        watch.observer(STARTED)
    text = stderr.memory.getvalue()
    assert b"project_started" in text
    assert (b"\x1b[" in text) is coloured


def test_progress_can_be_turned_off() -> None:
    stderr = Stderr(terminal=True)
    with watching(stderr, progress="off", style="json") as watch:
        watch.observer(STARTED)
    assert json.loads(stderr.memory.getvalue())["event"] == "project_started"


@contextmanager
def drawing(clock: Callable[[], float] = lambda: 0.0) -> Iterator[tuple[Callable[[events.Event], None], io.StringIO]]:
    """Progress on a terminal of 120 columns: what tells it of an event, and what it drew."""
    tally, drawn = Tally(), io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=120, color_system=None)
    with Progress(tally, console, clock=clock) as progress:

        def tell(event: events.Event) -> None:
            tally(event)
            progress(event)

        yield tell, drawn


def test_progress_shows_time_slices_runs_rate_and_requests_left() -> None:
    now = 0.0
    with drawing(lambda: now) as (tell, drawn):
        happened = [STARTED, PAGE, PAGE, events.SliceRead(project="p", start=T0, end=T0 + timedelta(hours=1), pages=2)]
        for event in happened:
            now += 0.5
            tell(event)
    assert " 50% 2 s · 1 slice · 3,000 runs · 1,500 runs/s · about 2 requests left" in drawn.getvalue()


def test_the_last_frame_shows_what_came_in_since_the_one_before() -> None:
    with drawing() as (tell, drawn):
        tell(PAGE)
        tell(PAGE)
    assert "3,000 runs" in drawn.getvalue()


def test_progress_is_drawn_at_most_ten_times_a_second() -> None:
    with drawing() as (tell, drawn):
        before = drawn.getvalue()
        for _ in range(1000):
            tell(PAGE)
        assert drawn.getvalue() == before
