"""Arguments of listing, purging and importing that callers write in several ways, checked at once."""

from datetime import datetime, timedelta

from trajworker.config.values import aware, moment
from trajworker.errors import ConfigError
from trajworker.model.times import EARLIEST, LATEST, Moment, moment_at

When = str | datetime | timedelta
"""A point in time: ISO 8601 or a datetime (naive means UTC); or an age by the server's clock: `7d`, or a timedelta."""


def point_in_time(given: When | None, name: str) -> Moment | None:
    """What `since` or `until` means; raises ConfigError with what to write instead."""
    if given is None:
        return None
    if not isinstance(given, When):
        raise ConfigError(f"{name} is a text, a datetime or a timedelta, not {type(given).__name__}")
    try:
        if isinstance(given, timedelta):
            return _reachable(given)
        return aware(given) if isinstance(given, datetime) else moment(given)
    except OverflowError:
        raise ConfigError(f"{name} is a time that no calendar has") from None
    except ValueError as advice:
        raise ConfigError(f"{name}: {advice}") from None


def _reachable(age: timedelta) -> timedelta:
    """The same age; raises OverflowError where it leaves the calendar, whatever time it is."""
    for present in (EARLIEST, LATEST):
        moment_at(age, present)
    return age


def known_limit(given: int | None) -> int | None:
    """How many conversations are listed; raises ConfigError for what is no number of them."""
    if given is not None and (not isinstance(given, int) or given < 0):
        raise ConfigError(f"limit is a number from 0 on, or None for all, not {given!r}")
    return given
