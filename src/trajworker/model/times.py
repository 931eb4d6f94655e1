"""Which times can be true."""

from datetime import UTC, datetime

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""No run is believed to have started earlier: where reading begins unless something else is asked for."""
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def clamped(moment: datetime) -> datetime:
    """The moment, or the nearest one that can be true."""
    return min(max(moment, EARLIEST), LATEST)
