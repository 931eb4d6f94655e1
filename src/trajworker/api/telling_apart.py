"""Projects as a person can tell them apart, and write them: by name, by id where names are the same or missing."""

from collections import Counter
from collections.abc import Mapping


def told_apart(titles: Mapping[str, str]) -> list[str]:
    """What to call projects, whose names are given by id."""
    times = Counter(titles.values())
    return sorted(title if title and times[title] == 1 else home for home, title in titles.items())
