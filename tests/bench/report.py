"""What people and machines read of a measurement: tables of ratios, and everything as JSON."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
from msgspec import Struct

from bench.trials import Trial

_MB: Final = 1_000_000


class Finding(Struct, frozen=True, kw_only=True):
    """A bound and what was measured: `reached` None where nothing could be measured."""

    bound: str
    measured: str
    reached: bool | None
    trials: tuple[Trial, ...] = ()
    detail: str = ""


class Spread(Struct, frozen=True):
    """Smallest, middle and largest of some figures."""

    low: float
    middle: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.2f} / {self.middle:.2f} / {self.high:.2f}"


def spread(figures: Sequence[float]) -> Spread:
    """Of at least one figure."""
    return Spread(min(figures), median(figures), max(figures))


def table(rows: Sequence[Sequence[Any]], heads: Sequence[str]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def trial_row(trial: Trial) -> list[str]:
    """A trial in absolute figures, for a look behind the ratios."""
    if trial.skipped or trial.cost is None or trial.counts is None or trial.verdict is None:
        return [trial.name, trial.corpus, f"skipped: {trial.skipped}", *([""] * 8)]
    cost, counts, verdict = trial.cost, trial.counts, trial.verdict
    return [
        trial.name,
        trial.corpus,
        f"{cost.wall_s:.2f}",
        f"{cost.cpu_s:.2f}",
        f"{trial.cpu_per_100k:.2f}",
        f"{cost.rss_bytes / _MB:.0f}",
        str(counts.requests),
        str(counts.refused),
        f"{counts.bytes_out / _MB:.1f}",
        f"{verdict.share:.1%}" + ("" if verdict.tokens_ratio is None else f", tokens x{verdict.tokens_ratio:.2f}"),
        "timed out" if cost.timed_out else str(cost.exit_code),
        f"{counts.cpu_s / trial.runs * 100_000:.2f}",
    ]


TRIAL_HEADS: Final = (
    *("who", "corpus", "wall s", "CPU s", "CPU-s/100k", "RSS MB", "requests", "429", "MB read"),
    *("turns", "exit", "server CPU-s/100k"),
)


def show(findings: Sequence[Finding], *, verbose: bool) -> str:
    """The report."""
    words = {True: "yes", False: "NO", None: "not measured"}
    parts = [table([(f.bound, f.measured, words[f.reached]) for f in findings], ("bound", "measured", "reached"))]
    parts += [f.detail for f in findings if f.detail]
    if verbose:
        parts.append(table([trial_row(t) for f in findings for t in f.trials], TRIAL_HEADS))
    problems = [
        f"{t.name}, {t.corpus}: {p}" for f in findings for t in f.trials if t.verdict for p in t.verdict.problems
    ]
    if problems:
        parts.append("What was delivered wrong:\n" + "\n".join(f"- {line}" for line in dict.fromkeys(problems)))
    return "\n\n".join(parts)


def write(findings: Sequence[Finding], path: Path) -> None:
    """Everything, as JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(findings)))
