"""One trajectory against its golden file: what is compared, what is written, and what to do when they differ."""

import os
from pathlib import Path
from typing import NamedTuple, Unpack

from msgspec import Struct

from trajworker.matching.calls import CallPath, read_calls
from trajworker.matching.compare import matches
from trajworker.matching.golden import MalformedGolden, read_golden, write_golden
from trajworker.matching.json_values import json_path
from trajworker.matching.normalising import Normaliser, normalised
from trajworker.matching.redacting import Redactor, redacted
from trajworker.matching.rendering import render
from trajworker.matching.rules import MatchOptions, read_rules


class GoldenPlan(NamedTuple):
    """How a golden file is treated (`check`, `new` or `update`) and how a run is compared with it."""

    treatment: str = "check"
    mode: str = "strict"
    args: str = "exact"
    normalise: tuple[Normaliser, ...] = ()
    redactor: Redactor | None = None


class Outcome(Struct, frozen=True):
    """Whether the file was written, and what there is to complain about."""

    written: bool = False
    complaint: str | None = None


def check_golden(path: Path, trajectory: object, plan: GoldenPlan, **options: Unpack[MatchOptions]) -> Outcome:
    """Compare with the file, or write it, as the plan says. A file that still matches is never rewritten.

    So matchers that somebody put into it stay. What is compared is what a file can hold: values as JSON
    tells them. Redaction comes before normalising, and both before anything is written.
    """
    read_rules(plan.mode, plan.args, options)  # options are wrong or right whether there is a file or not
    recorded = normalised(redacted(json_path(read_calls(trajectory)), plan.redactor), plan.normalise)
    if not path.exists():
        if plan.treatment == "check":
            return Outcome(complaint=_missing(path, recorded))
        return _write(path, recorded, plan)
    try:
        expected = read_golden(path).path
    except MalformedGolden:
        if plan.treatment != "update":
            raise
        return _write(path, recorded, plan)
    verdict = matches(recorded, expected, plan.mode, plan.args, **options)
    if verdict:
        return Outcome()
    if plan.treatment == "update":
        return _write(path, recorded, plan)
    advice = "If this is how it should be now: pytest --golden=update, read the diff, commit it."
    return Outcome(complaint=f"{render(verdict)}\nGolden file: {_near(path)}\n{advice}")


def _write(path: Path, recorded: CallPath, plan: GoldenPlan) -> Outcome:
    write_golden(path, recorded, [name for name in plan.normalise if isinstance(name, str)])
    return Outcome(written=True)


def _missing(path: Path, recorded: CallPath) -> str:
    advice = "Run pytest --golden=new once, read what it wrote, commit it."
    count = len(recorded.calls)
    calls = "this 1 call" if count == 1 else f"these {count} calls"
    return f"There is no golden file {_near(path)} for {calls}.\n{advice}"


def _near(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
