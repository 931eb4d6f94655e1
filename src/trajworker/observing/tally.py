"""The running count of what happened, out of events: what progress, summary and metrics are read from."""

from collections import Counter
from datetime import datetime
from typing import Final

from trajworker.events import (
    EVERY_PROJECT,
    ConversationEmitted,
    ConversationFailed,
    ConversationHeld,
    ConversationWritten,
    Event,
    LateDropped,
    LateFound,
    PaceChanged,
    PageRead,
    PageStaged,
    PartPublished,
    ProjectFailed,
    ProjectStarted,
    RangeCut,
    RequestRetried,
    RunQuarantined,
    RunsRecovered,
    SliceRead,
    StopRequested,
    WorkerStarted,
    WorkerStopped,
)

MAX_HELD_NAMES: Final = 10_000
"""Held conversations remembered by name; beyond it they are only counted."""


class Tally:
    """Counts since the process began. Memory is bounded: by projects, kinds, tiers and `MAX_HELD_NAMES`."""

    def __init__(self) -> None:
        self.started: WorkerStarted | None = None
        self.stopped: WorkerStopped | None = None
        self.stopping = False
        self.cut: RangeCut | None = None
        """Where the end of the range asked for could not be read yet."""
        self.pages = 0
        self.runs = 0
        self.runs_changed = 0
        self.page_bytes = 0
        self.slices = 0
        self.retries: Counter[int | None] = Counter()
        """Requests made again, by HTTP status; None where there was no answer."""
        self.emitted: Counter[str] = Counter()
        """Revisions by pane."""
        self.revised = 0
        self.incomplete = 0
        self.late_found = 0
        """Runs that turned up where all had been read, further back than each cycle looks again."""
        self.latest_s = 0.0
        """How late the latest of them was: a lookback of as much would have seen it."""
        self.late_dropped = 0
        """Changes past the horizon that were dropped, as configured."""
        self.written = 0
        """Conversations that an import wrote."""
        self.parts = 0
        self.published_lines = 0
        self.published_bytes = 0
        self.quarantined: Counter[str] = Counter()
        """Runs and conversations set aside, by kind."""
        self.recovered = 0
        """Runs set aside, now or by an earlier worker, that could be read after all."""
        self.failed_projects: dict[str, str] = {}
        self.pace: dict[str, float] = {}
        """Requests per second by tier."""
        self.held: dict[tuple[str, str], str] = {}
        """Why a conversation is held back, by project and conversation id."""
        self._held_unnamed = 0
        self._asked: dict[str, tuple[datetime, datetime]] = {}
        self._read_s: Counter[str] = Counter()

    @property
    def revisions(self) -> int:
        """Revisions that are in the ledger."""
        return self.emitted.total()

    @property
    def held_count(self) -> int:
        """Conversations that are held back."""
        return len(self.held) + self._held_unnamed

    @property
    def share_read(self) -> float | None:
        """How much of the time asked for is read, 0 to 1; None before anything is planned."""
        asked = tuple(self._asked.items())  # at one go, since progress looks from a thread of its own
        asked_s = sum((end - start).total_seconds() for _, (start, end) in asked)
        if asked_s <= 0:
            return None
        return min(1.0, sum(self._read_s[project] for project, _ in asked) / asked_s)

    @property
    def requests_left(self) -> int | None:
        """An estimate of the pages still to come, from the density of what is read; None while nothing is."""
        share = self.share_read
        if not share:
            return None
        return round(self.pages * (1 - share) / share)

    def __call__(self, event: Event) -> None:
        """Take in one event; what is unknown here counts for nothing."""
        self._life(event)
        self._intake(event)
        self._outlet(event)

    def _life(self, event: Event) -> None:
        match event:
            case WorkerStarted():
                self.started = event
            case StopRequested():
                self.stopping = True
            case RangeCut():
                self.cut = event
            case WorkerStopped():
                self.stopped = event
            case _:
                pass

    def _intake(self, event: Event) -> None:
        match event:
            case ProjectStarted():
                self._asked[event.project] = (event.start, event.end)
                self._read_s[event.project] = 0
                self.failed_projects.pop(event.project, None)
                self.failed_projects.pop(EVERY_PROJECT, None)
            case ProjectFailed():
                self.failed_projects[event.project] = event.error
            case PageStaged():
                self._page(event)
            case PageRead():
                self.pages += 1
                self.runs += event.runs
            case LateFound():
                self.late_found += event.runs
                self.latest_s = max(self.latest_s, event.late_s)
            case SliceRead():
                self.slices += 1
                self._read_s[event.project] += round((event.end - event.start).total_seconds())
            case RequestRetried():
                self.retries[event.status] += 1
            case PaceChanged():
                self.pace[event.tier] = event.requests_per_s
            case _:
                pass

    def _outlet(self, event: Event) -> None:
        match event:
            case ConversationEmitted():
                self._emission(event)
            case ConversationWritten():
                self.written += 1
            case ConversationHeld():
                self._hold(event)
            case RunQuarantined() | ConversationFailed():
                self.quarantined[event.kind] += 1
            case RunsRecovered():
                self.recovered += event.runs
            case LateDropped():
                self.late_dropped += 1
            case PartPublished():
                self.parts += 1
                self.published_lines += event.lines
                self.published_bytes += event.size_bytes
            case _:
                pass

    def _page(self, event: PageStaged) -> None:
        self.pages += 1
        self.runs += event.runs
        self.runs_changed += event.changed
        self.page_bytes += event.size_bytes

    def _emission(self, event: ConversationEmitted) -> None:
        self.emitted[event.pane] += 1
        self.revised += event.revision > 1
        self.incomplete += not event.complete
        self.held.pop((event.project, event.conversation_id), None)

    def _hold(self, event: ConversationHeld) -> None:
        name = (event.project, event.conversation_id)
        if name in self.held or len(self.held) < MAX_HELD_NAMES:
            self.held[name] = event.reason
        else:
            self._held_unnamed += 1
