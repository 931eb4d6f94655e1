"""Why a conversation ended: its `termination_reason`, by the first rule that fits its last turn.

| rule | reason |
|---|---|
| a run of it has not ended (or waits for a human) | NONE; STALE where it was delivered without waiting further |
| it failed, and the error tells of a recursion or iteration limit | MAX_STEPS |
| it failed, and the error tells of a time limit | TIMEOUT |
| it failed otherwise | ERROR |
| its last answer was cut off (`finish_reason` length) | TRUNCATION |
| the agent ran out of steps inside a successful run | MAX_STEPS |
| else | ENV_DONE |
"""

from trajworker.trajectory import TerminationReason

_MAX_STEPS = (
    "recursion",
    "max_iterations",
    "max_turns",
    "maxturns",
    "iteration limit",
    "maximum number of",
    "step limit",
)
_TIMEOUT = ("timeout", "timed out", "deadline exceeded")


def termination(
    status: str, error: str | None, finish: str | None, *, out_of_steps: bool, complete: bool
) -> TerminationReason:
    """Why a conversation ended; see the table above."""
    if status in ("pending", "interrupted"):
        return TerminationReason.NONE if complete or status == "interrupted" else TerminationReason.STALE
    if status == "error":
        words = (error or "").lower()
        if any(word in words for word in _MAX_STEPS):
            return TerminationReason.MAX_STEPS
        if any(word in words for word in _TIMEOUT):
            return TerminationReason.TIMEOUT
        return TerminationReason.ERROR
    if finish == "length":
        return TerminationReason.TRUNCATION
    return TerminationReason.MAX_STEPS if out_of_steps else TerminationReason.ENV_DONE
