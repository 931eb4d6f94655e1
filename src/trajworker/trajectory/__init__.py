"""What the product delivers: a Trajectory, and how one is written down and read back."""

from trajworker.trajectory.codec import decode_line, encode_trajectory
from trajworker.trajectory.order import NoToolName, ToolsNotCalled
from trajworker.trajectory.tokens import TokenUsage
from trajworker.trajectory.trajectory import (
    ExecutionMetrics,
    MessageView,
    Origin,
    Pane,
    Retrieval,
    Reward,
    RewardComponent,
    Step,
    Task,
    TerminationReason,
    Trajectory,
    TrajectoryMetrics,
    Turn,
)

__all__ = [
    "ExecutionMetrics",
    "MessageView",
    "NoToolName",
    "Origin",
    "Pane",
    "Retrieval",
    "Reward",
    "RewardComponent",
    "Step",
    "Task",
    "TerminationReason",
    "TokenUsage",
    "ToolsNotCalled",
    "Trajectory",
    "TrajectoryMetrics",
    "Turn",
    "decode_line",
    "encode_trajectory",
]
