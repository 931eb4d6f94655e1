"""Ratios among the figures of a trajectory, told the same way however it was made."""


def tool_error_rate(failures: int, calls: int, results: int) -> float | None:
    """Failed tool calls per tool call (seed 002, "failure ratio"); None where no tool was called.

    A result whose call is missing stands for a call, so that the ratio never exceeds 1.
    """
    called = max(calls, results)
    return failures / called if called else None
