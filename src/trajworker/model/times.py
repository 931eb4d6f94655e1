"""Which times can be true, and times as numbers."""

from datetime import UTC, datetime

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""No run is believed to have started earlier: where reading begins unless something else is asked for."""
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_US = 86_400_000_000
SECOND_US = 1_000_000


def micros(time: datetime) -> int:
    """Microseconds since 1970, exactly; a third of what it takes to divide by a microsecond."""
    age = time - EPOCH
    return age.days * DAY_US + age.seconds * SECOND_US + age.microseconds


def clamped(moment: datetime) -> datetime:
    """The moment, or the nearest one that can be true."""
    return min(max(moment, EARLIEST), LATEST)
