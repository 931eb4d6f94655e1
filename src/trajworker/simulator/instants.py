"""Instants as whole microseconds since 1970 UTC, read from and written in the shapes of LangSmith's API."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - v1 writes UTC without a zone, and replace() is slow
_MICROSECOND = timedelta(microseconds=1)
_MILLISECONDS_FROM = 100_000_000_000
"""A number above this is milliseconds (JavaScript SDK), below it seconds."""


class BadInstant(ValueError):
    """A text or number that is no instant."""


def parse(value: object) -> int:
    """Read ISO 8601 (no zone means UTC) or epoch seconds or milliseconds.

    Raises:
        BadInstant: the value is none of these.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadInstant(f"not a time: {value!r}")
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return (moment - (_NAIVE_EPOCH if moment.tzinfo is None else _EPOCH)) // _MICROSECOND
        return round(value * 1_000) if value > _MILLISECONDS_FROM else round(value * 1_000_000)
    except (ValueError, OverflowError) as error:
        raise BadInstant(f"not a time: {value!r}") from error


def parse_optional(value: object) -> int | None:
    """Read an instant, or None for null and the empty text."""
    return None if value is None or value == "" else parse(value)


def naive(moment_us: int) -> str:
    """Write as v1 does: UTC without a zone, fraction only where there is one."""
    return (_NAIVE_EPOCH + timedelta(microseconds=moment_us)).isoformat()


def zoned(moment_us: int) -> str:
    """Write as v2 does: RFC 3339 with a zone."""
    return naive(moment_us) + "Z"


def from_dotted_order(dotted_order: str) -> int | None:
    """Start of a run as the last segment of its dotted order tells it (`20260105T164601068924Z<id>`)."""
    segment = dotted_order.rpartition(".")[2]
    stamp, zone, _ = segment.partition("Z")
    if not zone:
        return None
    try:
        moment = datetime.strptime(stamp.ljust(21, "0"), "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        return None
    return (moment - _EPOCH) // _MICROSECOND
