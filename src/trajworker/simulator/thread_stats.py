"""Figures of one thread, as the v2 API computes them from its turns."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from trajworker.simulator import instants
from trajworker.simulator.stats import latencies_s, percentile
from trajworker.simulator.stored_run import StoredRun, decode

Turns: TypeAlias = Sequence[StoredRun]
"""Roots, oldest first; each carries the sums of its trace."""
Figure: TypeAlias = tuple[str, Callable[[Turns], Any]]
"""The name of a field and how it is computed."""


def figures(selects: Iterable[str], turns: Turns) -> dict[str, Any]:
    """The fields that are selected."""
    return {name: compute(turns) for name, compute in (FIGURES[select] for select in selects)}


def _count(name: str) -> Callable[[Turns], int]:
    return lambda turns: sum(getattr(turn, name) or 0 for turn in turns)


def _cost(name: str) -> Callable[[Turns], float | None]:
    def total(turns: Turns) -> float | None:
        costs = [float(cost) for turn in turns if (cost := getattr(turn, name)) is not None]
        return sum(costs) if costs else None

    return total


def _details(name: str) -> Callable[[Turns], dict[str, Any]]:
    def total(turns: Turns) -> dict[str, Any]:
        sums: dict[str, float] = {}
        for turn in turns:
            for kind, number in (decode(getattr(turn, name)) or {}).items():
                sums[kind] = sums.get(kind, 0) + number
        return {"raw": sums}

    return total


def _latency(share: float) -> Callable[[Turns], float | None]:
    return lambda turns: percentile(latencies_s(turns), share)


def _start(index: int) -> Callable[[Turns], str | None]:
    return lambda turns: instants.zoned(turns[index].start_us) if turns else None


def _last_end(turns: Turns) -> str | None:
    ends = [turn.end_us for turn in turns if turn.end_us is not None]
    return instants.zoned(max(ends)) if ends else None


_DETAILS = tuple(f"{side}_{what}_details" for side in ("prompt", "completion") for what in ("token", "cost"))
FIGURES: dict[str, Figure] = {
    "TURNS": ("turns", len),
    "FIRST_START_TIME": ("first_start_time", _start(0)),
    "LAST_START_TIME": ("last_start_time", _start(-1)),
    "LAST_END_TIME": ("last_end_time", _last_end),
    "LATENCY_P50": ("latency_p50_seconds", _latency(0.5)),
    "LATENCY_P99": ("latency_p99_seconds", _latency(0.99)),
    **{name.upper(): (name, _count(name)) for name in ("prompt_tokens", "completion_tokens", "total_tokens")},
    **{name.upper(): (name, _cost(name)) for name in ("prompt_cost", "completion_cost", "total_cost")},
    **{name.upper(): (name, _details(name)) for name in _DETAILS},
}
