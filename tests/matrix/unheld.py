"""Which promises and rows of the failure matrix nobody held in a run of the tests, because their tests skipped."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from matrix.promises import PROMISES
from matrix.rows import ROWS

ALL_MUST_RUN: Final = "TRAJWORKER_CI_ALL"
"""The environment variable that makes it a failure: set where root, strace and mounts are there."""
HEADLINE: Final = "NOT FULLY HELD HERE"
NOTHING_TO_TEST: Final = "nothing to test: "
"""How the reason begins where skipping leaves no promise open."""


@cache
def claims() -> Mapping[str, tuple[str, ...]]:
    """What each claimed test, `file::function`, stands for: promises such as P1 and numbers of rows."""
    found: dict[str, list[str]] = {}
    for name, row in [*PROMISES.items(), *((str(number), row) for number, row in ROWS.items())]:
        for test in row.tests:
            found.setdefault(test, []).append(name)
    return {test: tuple(names) for test, names in found.items()}


def claimed(nodeid: str) -> tuple[str, ...]:
    """What a test of pytest's name stands for; of a file that skipped as a whole, what all its tests stand for."""
    file, _, inside = nodeid.removeprefix("tests/").partition("::")
    function = inside.partition("[")[0].partition("::")[0]
    return tuple(
        name
        for test, names in claims().items()
        if test == f"{file}::{function}" or (not inside and test.startswith(f"{file}::"))
        for name in names
    )


def told(skipped: Iterable[tuple[str, str]]) -> str | None:
    """A line for people about skipped tests, given as (name, reason); None where no promise and no row is open."""
    names: set[str] = set()
    reasons: dict[str, None] = {}
    count = 0
    for nodeid, reason in skipped:
        reason = reason.removeprefix("Skipped: ")  # noqa: PLW2901 - pytest puts it before what was said
        open_ones = () if reason.startswith(NOTHING_TO_TEST) else claimed(nodeid)
        if open_ones:
            names.update(open_ones)
            reasons[reason] = None
            count += 1
    if not names:
        return None
    promises = sorted((name for name in names if name.startswith("P")), key=lambda name: int(name[1:]))
    rows = sorted(int(name) for name in names if not name.startswith("P"))
    parts = [f"promises {' '.join(promises)}"] if promises else []
    parts += [f"rows {' '.join(map(str, rows))}"] if rows else []
    return f"{HEADLINE}: {', '.join(parts)}: {count} of their tests did not run ({'; '.join(reasons)})"
