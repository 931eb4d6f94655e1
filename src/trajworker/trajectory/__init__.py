"""What the product delivers: a Trajectory, and how one is written down and read back."""

from trajworker.trajectory.codec import decode_line, encode_trajectory
from trajworker.trajectory.order import NoToolName, ToolsNotCalled
from trajworker.trajectory.tokens import TokenUsage
from trajworker.trajectory.trajectory import (
    ExecutionMetrics,
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
from trajworker.trajectory.view import MessageView

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
