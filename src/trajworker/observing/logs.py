"""Events as log lines: JSON for collectors, pretty for people. The only import of structlog.

No exception, local variable, header or URL is ever logged: events carry ids, counts and durations. The same complaint
is written at most once a minute, with the number of times it was held back, so that a storm cannot fill a disk.
"""

import logging
import re
from collections.abc import Callable, MutableMapping
from time import monotonic
from typing import Any, BinaryIO, Final

import msgspec
import structlog

from trajworker.events import (
    ConversationEmitted,
    ConversationFailed,
    ConversationHeld,
    Event,
    PaceChanged,
    PageStaged,
    ProjectFailed,
    RequestRetried,
    RunQuarantined,
    SliceRead,
    SliceSplit,
    WorkerStopped,
)
from trajworker.observing.printable import printable

REPEAT_AFTER_S: Final = 60.0
MAX_COMPLAINTS: Final = 1024
"""Different complaints remembered; more than these at once are written without holding any back."""

MAX_TEXT_CHARS: Final = 500
"""Longer values are cut: a log line names a fault, it does not carry a payload."""

_CHATTY: Final = ("httpx", "httpcore", "aiosqlite", "uvicorn", "asyncio")
_LEVELS: Final[dict[type[Event], str]] = {
    PageStaged: "debug",
    SliceSplit: "debug",
    SliceRead: "debug",
    PaceChanged: "debug",
    ConversationEmitted: "debug",
    ConversationHeld: "debug",
    RequestRetried: "warning",
    RunQuarantined: "warning",
    ConversationFailed: "error",
    ProjectFailed: "error",
}
_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

Fields = MutableMapping[str, Any]


class Logs:
    """An observer that writes one line per event.

    Args:
        stream: where bytes go, as a rule stderr.
        pretty: coloured text instead of JSON.
        level: the least important level that is written: debug, info, warning or error.
        clock: seconds on a clock that never goes back.
    """

    def __init__(
        self, stream: BinaryIO, *, pretty: bool, level: str = "info", clock: Callable[[], float] = monotonic
    ) -> None:
        self._logger = structlog.wrap_logger(
            structlog.BytesLogger(stream),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _short,
                _pretty_renderer() if pretty else _json,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(level),
        )
        self._clock = clock
        self._complaints: dict[tuple[str, ...], tuple[float, int]] = {}
        quiet_libraries()

    def __call__(self, event: Event) -> None:
        """Write the event, unless its level is too low or it was said a moment ago."""
        level = _LEVELS.get(type(event), "info")
        fields = _fields(event)
        if level in ("warning", "error"):
            held_back = self._held_back(event)
            if held_back is None:
                return
            if held_back:
                fields["held_back"] = held_back
        self._write(level, event_name(type(event)), fields)
        if isinstance(event, WorkerStopped):
            self._flush()

    def _held_back(self, event: Event) -> int | None:
        """How many like it were held back before this one; None if this one is to be held back too."""
        said, count = self._complaints.get(complaint := _complaint(event), (None, 0))
        now = self._clock()
        if said is not None and now - said < REPEAT_AFTER_S:
            self._complaints[complaint] = (said, count + 1)
            return None
        if len(self._complaints) < MAX_COMPLAINTS or complaint in self._complaints:
            self._complaints[complaint] = (now, 0)
        return count

    def _flush(self) -> None:
        for (name, *words), (_, count) in self._complaints.items():
            if count:
                self._write("warning", name, {"about": " ".join(words), "held_back": count})
        self._complaints.clear()

    def _write(self, level: str, name: str, fields: Fields) -> None:
        try:
            getattr(self._logger, level)(name, **fields)
        except OSError:
            # Nobody can be told that nobody is listening; work goes on.
            return


def event_name(kind: type[Event]) -> str:
    """The class name in snake case: `PageStaged` is `page_staged`."""
    return _WORD_START.sub("_", kind.__name__).lower()


def quiet_libraries() -> None:
    """Keep libraries from logging what events do not tell: httpx would log whole URLs at INFO."""
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _complaint(event: Event) -> tuple[str, ...]:
    words = (str(getattr(event, name, "")) for name in ("project", "reason", "error", "status"))
    return (event_name(type(event)), *(word[:MAX_TEXT_CHARS] for word in words if word))


def _fields(event: Event) -> Fields:
    fields: Fields = msgspec.to_builtins(event)
    return {name: value for name, value in fields.items() if value is not None}


def _short(_logger: object, _method: str, fields: Fields) -> Fields:
    for name, value in fields.items():
        if isinstance(value, str) and len(value) > MAX_TEXT_CHARS:
            fields[name] = f"{value[:MAX_TEXT_CHARS]}... ({len(value)} characters)"
    return fields


def _pretty_renderer() -> Callable[[object, str, Fields], bytes]:
    console = structlog.dev.ConsoleRenderer(sort_keys=False)

    def render(logger: object, method: str, fields: Fields) -> bytes:
        safe = {name: printable(value) if isinstance(value, str) else value for name, value in fields.items()}
        return console(logger, method, safe).encode("utf-8", "backslashreplace")

    return render


def _json(_logger: object, _method: str, fields: Fields) -> bytes:
    try:
        return msgspec.json.encode(fields)
    except UnicodeEncodeError:  # a lone surrogate in an id
        return msgspec.json.encode({name: _mended(value) for name, value in fields.items()})


def _mended(value: object) -> object:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
