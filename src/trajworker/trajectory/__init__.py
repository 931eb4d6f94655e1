"""What the product delivers: a Trajectory, and how one is written down and read back."""

from trajworker.trajectory.trajectory import (
    ExecutionMetrics,
    Origin,
    Pane,
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
    "Origin",
    "Pane",
    "Reward",
    "RewardComponent",
    "Step",
    "Task",
    "TerminationReason",
    "Trajectory",
    "TrajectoryMetrics",
    "Turn",
]
