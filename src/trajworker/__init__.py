"""trajworker: LangSmith runs in, finished trajectories out. This module holds the public names.

They are imported when they are first used, so that the command line starts at once (PEP 562).
"""

TYPE_CHECKING = False  # type checkers know the name; importing `typing` for it would take longer than all else here

if TYPE_CHECKING:
    from trajworker import aio as aio
    from trajworker.api.blocking import (
        Client,
        import_conversations,
        init,
        iter_conversations,
        list_conversations,
        save,
    )
    from trajworker.api.failures import ImportIncomplete
    from trajworker.api.listing import ConversationSummary
    from trajworker.errors import (
        ConfigError,
        ConversationNotFound,
        NotAllowed,
        NotATrajectory,
        NotInitialised,
        PathNotAllowed,
        ProjectNotFound,
        RedactionFailed,
        SinkError,
        SourceError,
        SourceUnavailable,
        StagingBusy,
        StagingError,
        TrajectoryMismatch,
        TrajworkerError,
    )
    from trajworker.matching import (
        Golden,
        Verdict,
        any_value,
        approx,
        assert_called_before,
        assert_never_called,
        assert_trajectory,
        called_before,
        diff_trajectories,
        matches,
        one_of,
        read_golden,
        refute_called_before,
        refute_trajectory,
        regex,
        render,
        write_golden,
    )
    from trajworker.model.message import Message, Role, ToolCall, ToolDefinition, ToolResponse, TrainableStatus
    from trajworker.redaction import BasePiiRedactor, Finding, PiiRedactor, PresidioRedactor, Preview, Rule
    from trajworker.trajectory import (
        ExecutionMetrics,
        Origin,
        Pane,
        Retrieval,
        Reward,
        RewardComponent,
        Step,
        Task,
        TerminationReason,
        TokenUsage,
        Trajectory,
        TrajectoryMetrics,
        Turn,
    )
    from trajworker.trajectory.line import load

__version__ = "0.1.0"

__all__ = [
    "BasePiiRedactor",
    "Client",
    "ConfigError",
    "ConversationNotFound",
    "ConversationSummary",
    "ExecutionMetrics",
    "Finding",
    "Golden",
    "ImportIncomplete",
    "Message",
    "NotATrajectory",
    "NotAllowed",
    "NotInitialised",
    "Origin",
    "Pane",
    "PathNotAllowed",
    "PiiRedactor",
    "PresidioRedactor",
    "Preview",
    "ProjectNotFound",
    "RedactionFailed",
    "Retrieval",
    "Reward",
    "RewardComponent",
    "Role",
    "Rule",
    "SinkError",
    "SourceError",
    "SourceUnavailable",
    "StagingBusy",
    "StagingError",
    "Step",
    "Task",
    "TerminationReason",
    "TokenUsage",
    "ToolCall",
    "ToolDefinition",
    "ToolResponse",
    "TrainableStatus",
    "Trajectory",
    "TrajectoryMetrics",
    "TrajectoryMismatch",
    "TrajworkerError",
    "Turn",
    "Verdict",
    "any_value",
    "approx",
    "assert_called_before",
    "assert_never_called",
    "assert_trajectory",
    "called_before",
    "diff_trajectories",
    "import_conversations",
    "init",
    "iter_conversations",
    "list_conversations",
    "load",
    "matches",
    "one_of",
    "read_golden",
    "refute_called_before",
    "refute_trajectory",
    "regex",
    "render",
    "save",
    "write_golden",
]

_ROOMS = (
    ("trajworker.errors", ("ConfigError", "ConversationNotFound", "NotATrajectory", "NotAllowed", "NotInitialised")),
    ("trajworker.errors", ("PathNotAllowed", "ProjectNotFound", "RedactionFailed", "SinkError", "SourceError")),
    ("trajworker.errors", ("SourceUnavailable", "StagingBusy", "StagingError", "TrajectoryMismatch")),
    ("trajworker.errors", ("TrajworkerError",)),
    ("trajworker.model.message", ("Message", "Role", "ToolCall", "ToolDefinition", "ToolResponse", "TrainableStatus")),
    ("trajworker.trajectory", ("ExecutionMetrics", "Origin", "Pane", "Retrieval", "Reward", "RewardComponent", "Step")),
    ("trajworker.trajectory", ("Task", "TerminationReason", "TokenUsage", "Trajectory", "TrajectoryMetrics", "Turn")),
    ("trajworker.trajectory.line", ("load",)),
    ("trajworker.redaction", ("BasePiiRedactor", "Finding", "PiiRedactor", "PresidioRedactor", "Preview", "Rule")),
    ("trajworker.matching", ("Golden", "Verdict", "any_value", "approx", "assert_called_before", "matches", "one_of")),
    ("trajworker.matching", ("assert_never_called", "assert_trajectory", "called_before", "diff_trajectories")),
    ("trajworker.matching", ("read_golden", "refute_called_before", "refute_trajectory", "regex", "render")),
    ("trajworker.matching", ("write_golden",)),
    ("trajworker.api.failures", ("ImportIncomplete",)),
    ("trajworker.api.listing", ("ConversationSummary",)),
    ("trajworker.api.blocking", ("Client", "import_conversations", "init", "iter_conversations", "list_conversations")),
    ("trajworker.api.blocking", ("save",)),
)
_ROOM_OF = {name: room for room, names in _ROOMS for name in names}
_MODULES = ("aio",)


def __getattr__(name: str) -> object:
    """Import a public name from its room when it is first used."""
    from importlib import import_module  # noqa: PLC0415 - the command line starts without it

    if name in _MODULES:
        return import_module(f"trajworker.{name}")
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'trajworker' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_ROOM_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES, "__version__"])
