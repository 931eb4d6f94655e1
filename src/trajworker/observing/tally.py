"""The running count of what happened, out of events: what progress, summary and metrics are read from."""

from collections import Counter
from typing import Final

from trajworker.events import (
    ConversationEmitted,
    ConversationFailed,
    ConversationHeld,
    ConversationWritten,
    Corridor,
    CorridorFailed,
    CorridorRecovered,
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
from trajworker.observing.share import ReadShare

MAX_HELD_NAMES: Final = 10_000
"""Held conversations remembered by name; beyond it they are only counted."""


class Corridors:
    """Which corridors fail as a whole and why, and how often they did."""

    def __init__(self) -> None:
        self.failed: dict[Corridor, str] = {}
        self.failures: Counter[Corridor] = Counter()

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case CorridorFailed():
                self.failed[event.corridor] = event.error
                self.failures[event.corridor] += 1
            case CorridorRecovered():
                self.failed.pop(event.corridor, None)
            case _:
                pass


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
        self.corridors = Corridors()
        self.pace: dict[str, float] = {}
        """Requests per second by tier."""
        self.held: dict[tuple[str, str], str] = {}
        """Why a conversation is held back, by project and conversation id."""
        self._held_unnamed = 0
        self._share = ReadShare()

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
        """How much of the time asked for is read, 0 to 1; None where that is not known."""
        return self._share.told

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
        self._share(event)
        self.corridors(event)
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
                self.failed_projects.pop(event.project, None)
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
