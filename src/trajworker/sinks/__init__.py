"""Where trajectories go: files that are exactly once, chained, and never changed after they were published."""

from trajworker.sinks.jsonl import JsonlSink, open_sink
from trajworker.sinks.purging import purge_parts
from trajworker.sinks.repairing import Repaired, repair
from trajworker.sinks.rotation import Limits
from trajworker.sinks.settings import JsonlSettings
from trajworker.sinks.striking import Struck
from trajworker.sinks.verification import verify

__all__ = [
    "JsonlSettings",
    "JsonlSink",
    "Limits",
    "Repaired",
    "Struck",
    "open_sink",
    "purge_parts",
    "repair",
    "verify",
]
