"""The times of runs: which can be true, and times as numbers."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Times that are kept as numbers count microseconds from here."""
MICROSECOND = timedelta(microseconds=1)
"""The finest step of a time: an exclusive bound that lies so far behind a moment still takes it in."""
EARLIEST = EPOCH
"""No run is believed to have started earlier: where reading begins unless something else is asked for."""
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
"""How far ahead of the source's clock runs may begin: it tells whole seconds, and producers' clocks may be fast."""

DAY_US = 86_400_000_000
SECOND_US = 1_000_000


Moment = datetime | timedelta
"""A point in time as it is asked for: a time of the calendar, or an age that counts back from a present told later."""


def moment_at(moment: Moment, now: datetime) -> datetime:
    """The time that is meant, where it is `now`; an age counts back from the whole second.

    Whole seconds are what servers tell of their clocks: an end as long ago as they may lag has settled then, and not a
    fraction of a second later. Raises OverflowError for an age that no calendar reaches back to.
    """
    return clamped(now.replace(microsecond=0) - moment) if isinstance(moment, timedelta) else moment


def micros(time: datetime) -> int:
    """Microseconds since the epoch, exactly; a third of what it takes to divide by a microsecond."""
    age = time - EPOCH
    return age.days * DAY_US + age.seconds * SECOND_US + age.microseconds


def clamped(moment: datetime) -> datetime:
    """The moment, or the nearest one that can be true."""
    return min(max(moment, EARLIEST), LATEST)
