"""A trajectory: one conversation with messages, decision points, rewards and figures; frozen, equal by content.

A default that says something (a status, a weight) has a factory, because msgspec leaves defaults out by identity:
this way they are always written. The fields of seed 002 come first in each struct, ours after;
guides/output.md tells all of them.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Self

from msgspec import Struct, field

from trajworker.model.message import Message, ToolCall, ToolDefinition, TrainableStatus
from trajworker.model.tupled import keep_tuples
from trajworker.trajectory.calling import all_calls, calls_named, made_calls
from trajworker.trajectory.order import came_before
from trajworker.trajectory.tokens import TokenUsage, summed


class TerminationReason(StrEnum):
    """Why a conversation ended; how each is decided is told in `assembly.lines.termination`."""

    TIMEOUT = "TIMEOUT"
    ENV_DONE = "ENV_DONE"
    MAX_STEPS = "MAX_STEPS"
    TRUNCATION = "TRUNCATION"
    STALE = "STALE"
    ERROR = "ERROR"
    NONE = "NONE"


class Pane(StrEnum):
    """When a revision was delivered: at its time, after late data, or because somebody asked too early."""

    ON_TIME = "on_time"
    LATE = "late"
    FORCED = "forced"


class RewardComponent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One piece of feedback: its key, its score, and the words that came with it."""

    name: str
    value: Any = None
    scaled_value: float | None = None
    explanation: str | None = None
    weight: float = field(default_factory=lambda: 1.0)


class Reward(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A reward signal out of LangSmith feedback; `aggregated_value` is None where no component has a number."""

    aggregated_value: float | None = None
    aggregation_method: str = field(default_factory=lambda: "weighted_mean")
    components: tuple[RewardComponent, ...] = ()

    def __post_init__(self) -> None:
        """Keep lists as tuples."""
        keep_tuples(self, "components")


class Task(Struct, frozen=True, kw_only=True):
    """Conversation metadata. Unknown is None, never 0."""

    conversation_id: str | None = None
    data_source: str | None = None
    num_turns: int | None = None
    num_steps: int | None = None
    total_tokens: int | None = None
    total_cost: float | None = None


class TrajectoryMetrics(Struct, frozen=True, kw_only=True):
    """Computed content metrics; token figures are sums over all llm calls, sub-agents' and internal ones too."""

    steps: int | None = None
    tokens_generated: int | None = None
    num_tool_calls: int | None = None
    num_tool_failures: int | None = None
    tool_error_rate: float | None = None
    aggregated_reward: float | None = None
    llm_calls: int | None = None
    llm_errors: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    tokens_complete: bool | None = None
    num_tool_results: int | None = None
    num_tool_runs_failed: int | None = None
    num_retrievals: int | None = None
    root_total_tokens: int | None = None
    """What the roots claim, set only where it disagrees with the sum over llm calls."""


class ExecutionMetrics(Struct, frozen=True, kw_only=True):
    """Timing, in seconds; `env_time` and `llm_time` are unions of intervals, so parallel work counts once."""

    env_time: float | None = None
    llm_time: float | None = None
    total_time: float | None = None
    termination_reason: TerminationReason | None = None


class Turn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What follows one user message; `status` is success, error, pending or interrupted (waits for a human).

    `resumes` tells that a human answered an interrupt: the entry goes on with the turn before it and is not counted in
    `Task.num_turns`.
    """

    trace_ids: tuple[str, ...] = ()
    status: str = field(default_factory=lambda: "success")
    start_time: str | None = None
    end_time: str | None = None
    error: str | None = None
    resumes: bool = False

    def __post_init__(self) -> None:
        """Keep lists as tuples."""
        keep_tuples(self, "trace_ids")


class Retrieval(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a retriever run was asked and what it found; documents as they were recorded."""

    query: str | None = None
    documents: tuple[Any, ...] = ()
    turn: int | None = None
    run_id: str | None = None
    error: str | None = None

    def __post_init__(self) -> None:
        """Keep lists as tuples."""
        keep_tuples(self, "documents")


class Origin(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a trajectory came from."""

    project_id: str | None = None
    project: str | None = None
    trace_ids: tuple[str, ...] = ()
    run_id: str | None = None
    """For a nested trajectory: the run that started it."""
    tool_call_id: str | None = None
    """For a nested trajectory: the tool call that started it."""
    agent: str | None = None

    def __post_init__(self) -> None:
        """Keep lists as tuples."""
        keep_tuples(self, "trace_ids")


class Step(Struct, frozen=True, kw_only=True):
    """A decision of the agent: one llm call of the main agent.

    It holds the messages the agent saw and, last, the one it produced.

    Args:
        messages: cumulative messages up to and including this decision (a view on the conversation's messages).
        reward: reward from feedback on the step's run.
        info: its run: run_id, trace_id, name, start_time; where known end_time, first_token_time, model.
        trainable_status: training suitability.
    """

    messages: Sequence[Message]
    reward: Reward | None = None
    info: dict[str, Any] | None = None
    trainable_status: TrainableStatus = TrainableStatus.NOT_TRAINABLE

    def __post_init__(self) -> None:
        """Keep lists as tuples."""
        keep_tuples(self, "messages")


_SEQUENCES = ("steps", "messages", "turns", "tools", "nested", "internal", "asides", "retrieved")


class Trajectory(Struct, frozen=True, kw_only=True):
    """One conversation revision.

    Args:
        task: conversation metadata.
        steps: ordered decision points with cumulative messages.
        reward: aggregate reward signal.
        metrics: computed content metrics.
        execution_metrics: timing data.
        error: what failed, if the conversation failed.
        messages: every message of the conversation once, in order of first appearance.
        turns: what followed each user message.
        tools: tool definitions offered to the main agent.
        nested: trajectories of sub-agents, linked by `origin`.
        internal: llm calls of routers, summarisers and middleware: part of the traces, not of the conversation.
        asides: what the agent was shown beside or in place of `messages`: summaries, context that a template or the
            app put in, edited copies of earlier messages. Steps refer to them.
        retrieved: queries and documents of retriever runs.
        revision: 1, 2, ...: one more only when the content changed.
        pane: when it was delivered.
        complete: whether everything the conversation started had ended.
        origin: project and traces it came from.
        metadata: model, provider and the caller's own keys (seed 003).
    """

    task: Task = Task()
    steps: tuple[Step, ...] = ()
    reward: Reward | None = None
    metrics: TrajectoryMetrics | None = None
    execution_metrics: ExecutionMetrics | None = None
    error: str | None = None
    messages: tuple[Message, ...] = ()
    turns: tuple[Turn, ...] = ()
    tools: tuple[ToolDefinition, ...] = ()
    nested: tuple[Self, ...] = ()
    internal: tuple[Message, ...] = ()
    asides: tuple[Message, ...] = ()
    retrieved: tuple[Retrieval, ...] = ()
    revision: int = 1
    pane: Pane = Pane.ON_TIME
    complete: bool = True
    origin: Origin = Origin()
    metadata: dict[str, Any] = {}

    def __post_init__(self) -> None:
        """Keep lists as tuples."""
        keep_tuples(self, *_SEQUENCES)

    @classmethod
    def from_chain(cls, run: object, exclude: object = (), metadata: object = None) -> "Trajectory":
        """A chain run's trajectory (seed 003); `exclude` was there before. Forms, errors: see `chain.messages_of`."""
        from trajworker.trajectory.chain import trajectory_from_chain  # noqa: PLC0415 - chain builds on this module

        return trajectory_from_chain(run, exclude, metadata)

    @classmethod
    def from_messages(cls, messages: object, metadata: object = None) -> "Trajectory":
        """The trajectory of exactly these messages (seed 003), in any form that `from_chain` takes."""
        from trajworker.trajectory.chain import trajectory_from_messages  # noqa: PLC0415 - chain builds on this module

        return trajectory_from_messages(messages, metadata)

    @classmethod
    def from_map(cls, stored: Mapping[str, Any]) -> "Trajectory":
        """The trajectory a map of `to_map` tells, or one that seed 003 wrote; raises MalformedMap where it is none."""
        from trajworker.trajectory.maps import trajectory_from_map  # noqa: PLC0415 - maps builds on this module

        return trajectory_from_map(stored)

    def to_map(self) -> dict[str, Any]:
        """Plain JSON values: those of seed 003 (messages, tool_calls, token_usage, metadata) and all else there is."""
        from trajworker.trajectory.maps import map_of_trajectory  # noqa: PLC0415 - maps builds on this module

        return map_of_trajectory(self)

    @property
    def token_usage(self) -> TokenUsage | None:
        """Tokens summed over every message that tells them; else what the metrics know; None where nobody does."""
        metrics = self.metrics or TrajectoryMetrics()
        return summed(self.messages) or TokenUsage.of(metrics.input_tokens, metrics.output_tokens)

    @property
    def tool_calls(self) -> list[ToolCall]:
        """Tool calls of all assistant messages that are whole, flat, in order; see `calling`."""
        return all_calls(self.messages)

    def calls_by_name(self, name: str) -> list[ToolCall]:
        """Tool calls of that name, in order (seed 003); raises NoToolName where it is no text."""
        return calls_named(self.messages, name)

    def calls_by_turn(self) -> list[tuple[int, list[ToolCall]]]:
        """Calls by assistant message, numbered from 0 over those that have calls (seed 003)."""
        return list(enumerate(list(calls) for calls in map(made_calls, self.messages) if calls))

    def called_before(self, first: str, then: str, *, require_both: bool = False) -> bool:
        """Whether some call of `first` came before some call of `then` (seed 003); see `order.came_before`."""
        return came_before([call.name for call in self.tool_calls], first, then, require_both=require_both)
