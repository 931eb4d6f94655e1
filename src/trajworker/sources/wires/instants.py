"""Times on the wire: naive means UTC, impossible ones are clamped, filters and bodies want RFC 3339."""

import re
from datetime import UTC, datetime, timedelta

from trajworker.model.times import EARLIEST, EPOCH, LATEST

MARGIN = timedelta(milliseconds=1)
"""Added to both ends of every window, so that it does not matter which end a server includes; what comes twice is
the same row and deduplicated downstream."""

_LEAP_SECOND = re.compile(r"(?<=:\d\d:)60(\.\d+)?")
_YEAR_END = re.compile(r"^\d{5,}-")
_ORDER_TIME = re.compile(r"(\d{8}T\d{12})Z")


def text_of(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_on(start: datetime) -> str:
    """The lower bound of a window, no earlier than any run: servers reckon from 1970."""
    return text_of(max(start - MARGIN, EARLIEST))


def utc(moment: datetime) -> datetime:
    """The same moment, aware and in UTC; moments outside the calendar become impossible ones inside it."""
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return EARLIEST - MARGIN if moment.year <= EARLIEST.year else LATEST + MARGIN


def moment_of(micros: int) -> datetime:
    """The moment so many microseconds after the epoch; one outside the calendar becomes an impossible one inside it."""
    try:
        return EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return EARLIEST - MARGIN if micros < 0 else LATEST + MARGIN


def mended(text: str) -> datetime | None:
    """The moment that a malformed time must have meant (leap second, five-digit year), None where it cannot be told."""
    if _YEAR_END.match(text):
        return LATEST
    try:
        return utc(datetime.fromisoformat(_LEAP_SECOND.sub("59.999999", text.strip())))
    except ValueError:
        return None


def start_in(dotted_order: str) -> datetime | None:
    """Start time of a run as its dotted order tells it, None where it does not."""
    times = _ORDER_TIME.findall(dotted_order)
    if not times:
        return None
    try:
        return datetime.strptime(times[-1], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        return None
