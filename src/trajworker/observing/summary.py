"""The one line at the end: what was emitted, what was held back and why, what was set aside."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

from trajworker.events import Corridor
from trajworker.observing.counting import counted
from trajworker.observing.printable import printable
from trajworker.observing.tally import Tally

MAX_NAMES: Final = 5
MAX_REASONS: Final = 5
SECOND: Final = timedelta(seconds=1)
FAILED: Final = {Corridor.INTAKE: "reading failed", Corridor.OUTLET: "delivering failed"}


def summary(tally: Tally) -> str:
    """One line of plain text, without control characters."""
    parts = [_emitted(tally), _held(tally), _quarantined(tally), _failed(tally), _cut(tally)]
    line = "; ".join(part for part in parts if part)
    stopped = tally.stopped
    return printable(line if stopped is None else f"{line}; {stopped.seconds:.1f} s, exit code {stopped.exit_code}")


def _emitted(tally: Tally) -> str:
    details = []
    if tally.revised:
        details.append(f"{tally.revised:,} of conversations emitted before")
    if tally.incomplete:
        details.append(f"{tally.incomplete:,} not complete")
    text = f"emitted {counted(tally.revisions, 'revision')}"
    if details:
        text += f" ({', '.join(details)})"
    read = f"{counted(tally.runs, 'run')} on {counted(tally.pages, 'page')}"
    return f"{text} in {counted(tally.parts, 'file')} from {read}"


def _held(tally: Tally) -> str:
    if not tally.held_count:
        return "held back none"
    names = [conversation_id for _, conversation_id in list(tally.held)[:MAX_NAMES]]
    more = tally.held_count - len(names)
    named = ", ".join(names) + (f" and {more:,} more" if more else "")
    return f"held back {tally.held_count:,} ({_reasons(Counter(tally.held.values()))}): {named}"


def _quarantined(tally: Tally) -> str:
    count = tally.quarantined.total()
    text = f"quarantined {count:,} ({_reasons(tally.quarantined)})" if count else "quarantined none"
    if tally.recovered:
        text += f", {tally.recovered:,} could be read after all"
    left = 0 if tally.stopped is None else tally.stopped.quarantined
    if before := max(0, left - max(0, count - tally.recovered)):
        text += f", {before:,} set aside before"
    return text


def _failed(tally: Tally) -> str:
    whole = [f"{FAILED[corridor]}: {error}" for corridor, error in tally.corridors.failed.items()]
    projects = [f"project {project} failed: {error}" for project, error in tally.failed_projects.items()]
    return "; ".join([*whole, *projects])


def _cut(tally: Tally) -> str:
    if (cut := tally.cut) is None:
        return ""
    until = cut.until.astimezone(UTC).isoformat().replace("+00:00", "Z")
    read = "nothing of the range is read yet" if cut.read_to is None else f"read up to {_second(cut.read_to)} only"
    return (
        f"{read}: later runs may lag (settle {cut.settle_s:g} s), "
        f"run again after {_second(cut.again_after + SECOND)} with --until {until}"
    )


def _second(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _reasons(times: Counter[str]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in times.most_common(MAX_REASONS))
