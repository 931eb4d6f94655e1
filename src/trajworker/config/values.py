"""Text to value and back: durations, sizes and moments, as people write them.

Each reader raises ValueError whose message says what to write instead; it never repeats the text, the caller decides
whether that may be shown.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NewType

from trajworker.model.times import EARLIEST, LATEST, Moment, clamped

ByteSize = NewType("ByteSize", int)
"""A number of bytes, written `64MiB`."""

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
NEVER: Final = timedelta(0)

LONGEST_DURATION_DAYS: Final = 36_500
_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_BYTES: Final = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB, "KB": 1000, "MB": 1000**2, "GB": 1000**3}
_DURATION: Final = re.compile(r"(\d{1,13}(?:\.\d{1,6})?)(ms|s|m|h|d)", re.ASCII)
_SIZE: Final = re.compile(r"(\d{1,12})\s*([KMG]i?B|B)?", re.ASCII)


def duration(text: str) -> timedelta:
    """Read `0s`, `90s`, `10m`, `24h`, `7d`; raises ValueError with advice."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("write a duration as a number with s, m, h or d, such as 90s, 10m, 24h or 7d")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > LONGEST_DURATION_DAYS * _SECONDS["d"]:
        raise ValueError(f"write a duration of at most {LONGEST_DURATION_DAYS}d")
    return timedelta(seconds=seconds)


def duration_text(value: timedelta) -> str:
    """Write a duration in the largest unit that needs no fraction: `timedelta(minutes=90)` is `90m`."""
    milliseconds = round(value.total_seconds() * 1000)
    if milliseconds == 0:
        return "0s"
    for unit in ("d", "h", "m", "s", "ms"):
        whole, rest = divmod(milliseconds, round(_SECONDS[unit] * 1000))
        if rest == 0:
            return f"{whole}{unit}"
    raise AssertionError("every whole number of milliseconds is one of ms")


def size(text: str) -> ByteSize:
    """Read `64MiB`, `10GB` or a plain number of bytes; raises ValueError with advice."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("write a size as a number with B, KiB, MiB or GiB, such as 64MiB")
    return ByteSize(int(match[1]) * _BYTES[match[2] or "B"])


def size_text(value: int) -> str:
    """Write a size in the largest binary unit that needs no fraction."""
    for unit in ("GiB", "MiB", "KiB"):
        if value and value % _BYTES[unit] == 0:
            return f"{value // _BYTES[unit]}{unit}"
    return f"{value}B"


def moment(text: str) -> Moment:
    """Read an ISO 8601 time (without an offset it is UTC), or an age such as `7d`; raises ValueError with advice."""
    stripped = text.strip()
    if _DURATION.fullmatch(stripped):
        return duration(stripped)
    try:
        return aware(datetime.fromisoformat(stripped))
    except ValueError as reason:
        raise ValueError(
            "write a time in ISO 8601, such as 2026-01-31 or 2026-01-31T12:00:00Z, or an age such as 7d"
        ) from reason


def aware(value: datetime) -> datetime:
    """The same moment in UTC; a time without an offset is taken as UTC.

    What lies before or after all runs is the first or last moment that one can have, which can be reckoned with.
    """
    try:
        return clamped(value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))
    except OverflowError:
        return EARLIEST if value.year <= EARLIEST.year else LATEST
