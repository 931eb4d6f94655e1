"""What happened, told once: the one hook for logs, progress, metrics, health and tests.

Rooms call an `Observer` with one of these structs and know nothing of who listens. Events carry ids, counts and
durations, never transcripts or secrets. Nothing is emitted per run.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True):
    """Base of all events; the log event's name is the class name in snake case."""


class WorkerStarted(Event, frozen=True):
    """The worker owns its staging file and begins."""

    version: str
    sqlite_version: str
    epoch: int
    config_fingerprint: str


class ProjectStarted(Event, frozen=True):
    """A project's slices are planned."""

    project: str
    start: datetime | None
    """None where it is read from its first run, whenever that was."""
    end: datetime


class ProjectFailed(Event, frozen=True):
    """One project cannot go on; the others do."""

    project: str
    error: str
    exit_code: int


class Corridor(StrEnum):
    """What a worker does at the same time, each for all projects."""

    INTAKE = "intake"
    """Reading."""
    OUTLET = "outlet"
    """Delivering."""


class CorridorFailed(Event, frozen=True):
    """A daemon cannot read, or cannot deliver, anything for now: the source is away, or a disk is full."""

    corridor: Corridor
    error: str
    exit_code: int


class CorridorRecovered(Event, frozen=True):
    """What had failed as a whole goes on."""

    corridor: Corridor


class RangeCut(Event, frozen=True):
    """The end of the range asked for cannot be read yet, since the API may still lag there."""

    read_to: datetime | None
    """None where nothing of it can be read yet."""
    until: datetime
    settle_s: float
    again_after: datetime
    """When all of it will have settled."""


class PageStaged(Event, frozen=True):
    """A page and its cursor are durable."""

    project: str
    runs: int
    changed: int
    size_bytes: int
    seconds: float


class PageRead(Event, frozen=True):
    """An import or a listing read a page; the pages of a project that is read whole are told as `PageStaged`."""

    runs: int


class ConversationWritten(Event, frozen=True):
    """An import wrote a conversation to its file."""

    size_bytes: int


class SliceSplit(Event, frozen=True):
    """A slice turned out dense and was cut, so that more pagers have work."""

    project: str
    slices: int


class SliceRead(Event, frozen=True):
    """A slice was read to its end."""

    project: str
    start: datetime
    end: datetime
    pages: int


class LateFound(Event, frozen=True):
    """Runs turned up (or ended) where all had been read, further back than each cycle looks again."""

    project: str
    purpose: str
    runs: int
    late_s: float
    """How far the earliest of them lay behind the end of what was read: the lookback that would have seen it."""


class RequestRetried(Event, frozen=True):
    """A request failed in a way that passes; it is made again after `wait_s`."""

    reason: str
    attempt: int
    wait_s: float
    status: int | None = None


class PaceChanged(Event, frozen=True):
    """The shared pace went down after a 429, or up again."""

    tier: str
    requests_per_s: float


class ApiChosen(Event, frozen=True):
    """Which API generation is spoken, and why."""

    api: str
    reason: str


class RunQuarantined(Event, frozen=True):
    """Something could not be read and was kept raw."""

    project: str
    run_id: str | None
    kind: str
    """What it is counted as: one of a few words, while the reason may name ids and times."""
    reason: str


class RunsRecovered(Event, frozen=True):
    """Runs set aside before could be read after all."""

    project: str
    runs: int


class ConversationEmitted(Event, frozen=True):
    """A revision is in the ledger."""

    project: str
    conversation_id: str
    revision: int
    pane: str
    complete: bool
    messages: int
    size_bytes: int


class LateDropped(Event, frozen=True):
    """A conversation changed past the horizon, and late data is to be dropped."""

    project: str
    conversation_id: str


class ConversationHeld(Event, frozen=True):
    """A conversation was held back: it is not finished, or cannot be assembled while the source is away."""

    project: str
    conversation_id: str
    reason: str


class ConversationFailed(Event, frozen=True):
    """A conversation could not be assembled; its runs stay in staging and it is quarantined."""

    project: str
    conversation_id: str
    kind: str
    """As in `RunQuarantined`."""
    reason: str


class PartPublished(Event, frozen=True):
    """A file and its manifest can be consumed."""

    name: str
    lines: int
    size_bytes: int
    sha256: str


class StopRequested(Event, frozen=True):
    """A signal came: the first drains, the second ends at once."""

    signal: str
    grace_s: float


class WorkerStopped(Event, frozen=True):
    """The last event of a worker."""

    exit_code: int
    emitted: int
    """Revisions."""
    held: int
    quarantined: int
    seconds: float


Observer = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """Observe nothing."""
