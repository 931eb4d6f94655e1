"""What a line says about the whole conversation: task, metrics, times, reward and origin, out of the folds' figures."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from trajworker.assembly.kept.figures import Figures, merge, seconds
from trajworker.assembly.kept.folds import Fold
from trajworker.assembly.kept.rewards import reward_of
from trajworker.assembly.lines.termination import termination
from trajworker.trajectory import (
    ExecutionMetrics,
    Origin,
    Pane,
    Reward,
    RewardComponent,
    Task,
    TrajectoryMetrics,
    Turn,
)
from trajworker.trajectory.rates import tool_error_rate

_COMPONENT = msgspec.json.Decoder(RewardComponent)
DATA_SOURCE = "langsmith"
MOVED = "its traces belong to other conversations now"
"""What a line says under `empty` that is left of a conversation without traces."""
COST_DIGITS = 12
"""Sums of costs are rounded here, so that adding in another order gives the same bytes."""


class Header(Struct, frozen=True, kw_only=True):
    """What a line says that no trace knows. `complete` is False where something had not ended."""

    conversation_id: str
    project_id: str | None = None
    project: str | None = None
    revision: int = 1
    pane: Pane = Pane.ON_TIME
    complete: bool = True


class Summary(Struct, frozen=True):
    """Everything on a line that is no list of parts."""

    task: Task
    reward: Reward | None
    metrics: TrajectoryMetrics
    execution_metrics: ExecutionMetrics | None
    error: str | None
    origin: Origin
    metadata: dict[str, Any]


def summarise(folds: Sequence[Fold], turns: Sequence[Turn], header: Header) -> Summary:
    """Add up the folds."""
    figures = merge([fold.figures for fold in folds])
    steps = sum(len(fold.steps) for fold in folds)
    reward = None
    if folds:
        reward = reward_of([_COMPONENT.decode(one) for fold in folds for one in fold.rewards], folds[-1].aggregation)
    last = turns[-1] if turns else None
    return Summary(
        task=Task(
            conversation_id=header.conversation_id,
            data_source=DATA_SOURCE,
            num_turns=sum(1 for turn in turns if not turn.resumes),
            num_steps=steps,
            total_tokens=figures.total_tokens if figures.counted else None,
            total_cost=round(figures.cost, COST_DIGITS) if figures.cost is not None else None,
        ),
        reward=reward,
        metrics=_metrics(figures, steps, reward),
        execution_metrics=_times(folds, figures, last, complete=header.complete),
        error=last.error if last is not None and last.status == "error" else None,
        origin=Origin(
            project_id=header.project_id or (folds[-1].project_id if folds else None) or None,
            project=header.project,
            trace_ids=tuple(fold.trace_id for fold in folds),
        ),
        metadata=_metadata(folds, figures),
    )


def _metrics(figures: Figures, steps: int, reward: Reward | None) -> TrajectoryMetrics:
    read, written = figures.inputs_counted > 0, figures.outputs_counted > 0
    disagrees = figures.counted > 0 and figures.root_tokens is not None and figures.root_tokens != figures.total_tokens
    return TrajectoryMetrics(
        steps=steps,
        tokens_generated=figures.output_tokens if written else None,
        num_tool_calls=figures.tool_calls,
        num_tool_failures=figures.tool_failures,
        tool_error_rate=tool_error_rate(figures.tool_failures, figures.tool_calls, figures.tool_results),
        aggregated_reward=reward.aggregated_value if reward is not None else None,
        llm_calls=figures.llm_calls,
        llm_errors=figures.llm_errors,
        input_tokens=figures.input_tokens if read else None,
        output_tokens=figures.output_tokens if written else None,
        cache_read_tokens=figures.cache_read if read else None,
        cache_write_tokens=figures.cache_write if read else None,
        reasoning_tokens=figures.reasoning if written else None,
        tokens_complete=figures.complete,
        num_tool_results=figures.tool_results,
        num_tool_runs_failed=figures.tool_runs_failed,
        num_retrievals=figures.retrievals,
        root_total_tokens=figures.root_tokens if disagrees else None,
    )


def _times(folds: Sequence[Fold], figures: Figures, last: Turn | None, *, complete: bool) -> ExecutionMetrics | None:
    if last is None:
        return None
    spoken = next((fold for fold in reversed(folds) if not all(one.beside for one in fold.entries)), folds[-1])
    total = None
    if figures.start is not None and figures.end is not None:
        total = seconds([(figures.start, figures.end)])
    return ExecutionMetrics(
        env_time=seconds(figures.tool_times) if figures.tool_times else None,
        llm_time=seconds(figures.llm_times) if figures.llm_times else None,
        total_time=total,
        termination_reason=termination(
            last.status, last.error, spoken.finish, out_of_steps=spoken.out_of_steps, complete=complete
        ),
    )


def _metadata(folds: Sequence[Fold], figures: Figures) -> dict[str, Any]:
    metadata: dict[str, Any] = {} if folds else {"empty": MOVED}
    models: dict[str, None] = {}
    for fold in folds:
        metadata |= fold.metadata
        models |= dict.fromkeys(fold.metadata.get("models", ()))
    if models:
        metadata["models"] = list(models)
    if figures.raw:
        metadata["raw_payloads"] = figures.raw
    return metadata
