"""Figures of a trace as sums that add up over traces: tokens, cost, calls, failures and times."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct

from trajworker.model.intervals import union
from trajworker.model.times import SECOND_US
from trajworker.trajectory.tokens import TokenShares


class Figures(Struct, array_like=True, gc=False):
    """Partial sums. Times and intervals are microseconds since the epoch; unknown is None, never 0."""

    llm_calls: int = 0
    llm_errors: int = 0
    uncounted: int = 0
    """Calls without usage."""
    counted: int = 0
    """Calls with usage; the next two are those of them that told input, and output tokens."""
    inputs_counted: int = 0
    outputs_counted: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    tool_calls: int = 0
    tool_results: int = 0
    tool_failures: int = 0
    tool_runs_failed: int = 0
    retrievals: int = 0
    raw: int = 0
    """Messages kept as recorded, since no dialect knows them."""
    cost: float | None = None
    root_tokens: int | None = None
    """Tokens as the root tells them, which may disagree with the sum."""
    start: int | None = None
    end: int | None = None
    llm_times: list[tuple[int, int]] = []
    tool_times: list[tuple[int, int]] = []

    def count(self, usage: dict[str, Any] | None) -> None:
        """Add the tokens of one call."""
        if usage is None:
            self.uncounted += 1
            return
        self.counted += 1
        given, made = usage.get("input_tokens"), usage.get("output_tokens")
        if given is not None:
            self.inputs_counted += 1
            self.input_tokens += given
        if made is not None:
            self.outputs_counted += 1
            self.output_tokens += made
        self.total_tokens += usage.get("total_tokens") or 0
        if "input_token_details" in usage or "output_token_details" in usage:
            shares = TokenShares.of(usage)
            self.cache_read += shares.cache_read
            self.cache_write += shares.cache_write
            self.reasoning += shares.reasoning

    @property
    def complete(self) -> bool:
        """Whether every call told its tokens, of both sides."""
        return not self.uncounted and self.counted == self.inputs_counted == self.outputs_counted


_COUNTS = [
    name for name, value in zip(Figures.__struct_fields__, Figures.__struct_defaults__, strict=True) if value == 0
]
"""Fields that count from nought."""
_counts_of = attrgetter(*_COUNTS)


def seconds(intervals: list[tuple[int, int]]) -> float:
    """Length of a union of intervals."""
    return sum(end - start for start, end in union(intervals)) / SECOND_US


def merge(parts: Sequence[Figures]) -> Figures:
    """Figures of several traces."""
    whole = Figures()
    for name, counts in zip(_COUNTS, zip(*map(_counts_of, parts), strict=True), strict=False):
        setattr(whole, name, sum(counts))
    costs = [part.cost for part in parts if part.cost is not None]
    tokens = [part.root_tokens for part in parts if part.root_tokens is not None]
    whole.cost = sum(costs) if costs else None
    whole.root_tokens = sum(tokens) if tokens else None
    whole.start = min((part.start for part in parts if part.start is not None), default=None)
    whole.end = max((part.end for part in parts if part.end is not None), default=None)
    whole.llm_times = [time for part in parts for time in part.llm_times]
    whole.tool_times = [time for part in parts for time in part.tool_times]
    return whole
