"""Events as log lines: JSON for collectors, pretty for people.

No exception, local variable, header or URL is ever logged: events carry ids, counts and durations. The same complaint
is written at most once a minute, with the number of its repeats, so that a storm cannot fill a disk. Repeats of one
that is over are told in a line of another name, `complaint_repeated`: who alerts on a complaint is not called again.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from time import monotonic
from typing import Any, BinaryIO, Final

import msgspec

from trajworker.events import (
    ConversationEmitted,
    ConversationFailed,
    ConversationHeld,
    ConversationWritten,
    CorridorFailed,
    Event,
    PaceChanged,
    PageRead,
    PageStaged,
    ProjectFailed,
    RangeCut,
    RequestRetried,
    RunQuarantined,
    SliceRead,
    SliceSplit,
    WorkerStopped,
)

REPEAT_AFTER_S: Final = 60.0
MAX_COMPLAINTS: Final = 1024
"""Different complaints remembered; of more than these within `REPEAT_AFTER_S` the rest are written, each time."""
REPEATED: Final = "complaint_repeated"
"""Name of the line that tells how often a complaint was repeated and not written."""

MAX_TEXT_CHARS: Final = 500
"""Longer values are cut: a log line names a fault, it does not carry a payload."""

_LEVELS: Final = ("debug", "info", "warning", "error")
_LEVEL_OF: Final[dict[type[Event], str]] = {
    PageStaged: "debug",
    PageRead: "debug",
    ConversationWritten: "debug",
    SliceSplit: "debug",
    SliceRead: "debug",
    PaceChanged: "debug",
    ConversationEmitted: "debug",
    ConversationHeld: "debug",
    RangeCut: "warning",
    RequestRetried: "warning",
    RunQuarantined: "warning",
    ConversationFailed: "error",
    CorridorFailed: "error",
    ProjectFailed: "error",
}
_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

Fields = dict[str, Any]
"""What a line tells: what the event holds, then its name as `event`, its `level` and its `timestamp`."""
Complaint = tuple[str, ...]
"""What makes two complaints the same: the name of the event, and the words in it that tell a cause."""


class _Said(msgspec.Struct):
    """A complaint that was written: when, when it was heard last, and how often since it was written."""

    logged_at: float
    heard_at: float
    repeats: int = 0


class Logs:
    """An observer that writes one line per event.

    Args:
        stream: where bytes go, as a rule stderr.
        pretty: text for people instead of JSON.
        colours: whether that text is coloured.
        level: the least important level that is written: debug, info, warning or error.
        clock: seconds on a clock that never goes back.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        pretty: bool,
        colours: bool = False,
        level: str = "info",
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._stream = stream
        self._one_at_a_time = Lock()
        self._least = _LEVELS.index(level)
        self._render = _pretty_renderer(colours=colours) if pretty else _json
        self._clock = clock
        self._complaints: dict[Complaint, _Said] = {}

    def __call__(self, event: Event) -> None:
        """Write the event, unless its level is too low or it was said a moment ago."""
        level = _LEVEL_OF.get(type(event), "info")
        self._forget(self._clock() - REPEAT_AFTER_S)
        if self._is_heard(level):
            self._log(level, event)
        if isinstance(event, WorkerStopped):
            self._forget(self._clock())

    def _is_heard(self, level: str) -> bool:
        return _LEVELS.index(level) >= self._least

    def _log(self, level: str, event: Event) -> None:
        fields = _fields(event)
        if level in ("warning", "error"):
            repeats = self._repeats(event)
            if repeats is None:
                return
            if repeats:
                fields["repeats"] = repeats
        self._write(level, event_name(type(event)), fields)

    def _repeats(self, event: Event) -> int | None:
        """How many like it were not written before this one; None if this one is not to be written either."""
        now, complaint = self._clock(), _complaint(event)
        said = self._complaints.pop(complaint, None)  # what was heard last stands last
        if said is not None and now - said.logged_at < REPEAT_AFTER_S:
            self._complaints[complaint] = _Said(said.logged_at, now, said.repeats + 1)
            return None
        if len(self._complaints) < MAX_COMPLAINTS:
            self._complaints[complaint] = _Said(now, now)
        return said.repeats if said else 0

    def _forget(self, until: float) -> None:
        """Forget complaints that were heard last by then, and tell how often they were repeated."""
        while self._complaints:
            complaint, said = next(iter(self._complaints.items()))
            if said.heard_at > until:
                return
            del self._complaints[complaint]
            if said.repeats and self._is_heard("warning"):
                name, *words = complaint
                self._write("warning", REPEATED, {"complaint": name, "about": " ".join(words), "repeats": said.repeats})

    def _write(self, level: str, name: str, fields: Fields) -> None:
        shortened = {name: _short(value) for name, value in fields.items()}
        line = self._render({**shortened, "event": name, "level": level, "timestamp": _now()})
        try:
            with self._one_at_a_time:
                self._stream.write(line + b"\n")
                self._stream.flush()
        except OSError:
            # Nobody can be told that nobody is listening; work goes on.
            return


def event_name(kind: type[Event]) -> str:
    """The class name in snake case: `PageStaged` is `page_staged`."""
    return _WORD_START.sub("_", kind.__name__).lower()


def _complaint(event: Event) -> Complaint:
    words = (str(getattr(event, name, "")) for name in ("project", "corridor", "reason", "error", "status"))
    return (event_name(type(event)), *(word[:MAX_TEXT_CHARS] for word in words if word))


def _fields(event: Event) -> Fields:
    fields: Fields = msgspec.to_builtins(event)
    return {name: value for name, value in fields.items() if value is not None}


def _short(value: object) -> object:
    if isinstance(value, str) and len(value) > MAX_TEXT_CHARS:
        return f"{value[:MAX_TEXT_CHARS]}... ({len(value)} characters)"
    return value


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _pretty_renderer(*, colours: bool) -> Callable[[Fields], bytes]:
    from trajworker.observing.pretty import pretty_renderer  # noqa: PLC0415 - rich, which a collector's lines do not need

    return pretty_renderer(colours=colours)


def _json(fields: Fields) -> bytes:
    try:
        return msgspec.json.encode(fields)
    except UnicodeEncodeError:  # a lone surrogate in an id
        return msgspec.json.encode({name: _mended(value) for name, value in fields.items()})


def _mended(value: object) -> object:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
