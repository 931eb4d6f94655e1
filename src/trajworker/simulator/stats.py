"""Figures over a set of runs, as `/runs/stats` and a project's statistics give them."""

from collections.abc import Sequence
from typing import Any

from trajworker.simulator.stored_run import StoredRun
from trajworker.simulator.wire_v2 import own_usage

_MICROSECONDS = 1_000_000


def percentile(sorted_values: Sequence[float], fraction: float) -> float | None:
    """The value below which a fraction of the others lies; None of nothing."""
    if not sorted_values:
        return None
    return sorted_values[min(len(sorted_values) - 1, int(fraction * len(sorted_values)))]


def latencies_s(runs: Sequence[StoredRun]) -> list[float]:
    """Durations of the runs that have ended, ascending."""
    return sorted((run.end_us - run.start_us) / _MICROSECONDS for run in runs if run.end_us is not None)


def costs(runs: Sequence[StoredRun]) -> float | None:
    """Sum of the costs there are; None where there is none."""
    known = [float(run.total_cost) for run in runs if run.total_cost is not None]
    return sum(known) if known else None


def run_stats(runs: Sequence[StoredRun]) -> dict[str, Any]:
    """Counts, latencies, own tokens (no subtree counts twice) and the share of errors."""
    durations = latencies_s(runs)
    usage = [own_usage(run) for run in runs]
    return {
        "run_count": len(runs),
        "latency_p50": percentile(durations, 0.5),
        "latency_p99": percentile(durations, 0.99),
        "first_token_p50": None,
        "first_token_p99": None,
        "prompt_tokens": sum(prompt for prompt, _, _ in usage),
        "completion_tokens": sum(completion for _, completion, _ in usage),
        "total_tokens": sum(total for _, _, total in usage),
        "total_cost": costs([run for run in runs if run.is_root]),
        "error_rate": sum(run.error is not None for run in runs) / len(runs) if runs else None,
        "streaming_rate": None,
        "feedback_stats": {},
        "run_facets": [],
    }
