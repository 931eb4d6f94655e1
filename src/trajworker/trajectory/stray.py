"""Calls that stand in a result beside the one answer that was read out of it: they must not count as never made."""

from collections.abc import Iterator
from typing import Any

from trajworker.dialects import Draft, read_one
from trajworker.dialects.otel import decoded
from trajworker.dialects.speech import is_raw
from trajworker.trajectory.calling import made_calls
from trajworker.trajectory.states import BEFORE, NoMessages, is_own_answer

NAMES_SHOWN = 3
"""Tools that an error names."""


def refuse_stray_calls(result: dict[str, Any], answer: Draft) -> None:
    """Raise NoMessages where an assistant's message elsewhere in a result calls a tool that its answer does not."""
    if is_own_answer(result):
        return
    stray = {str(name) for name in _called(result)} - {str(call.name) for call in made_calls(answer)}
    if stray:
        names = ", ".join(sorted(stray)[:NAMES_SHOWN]) + (", ..." if len(stray) > NAMES_SHOWN else "")
        raise NoMessages(f"calls of {names} stand beside the answer of this result: give the messages in one list")


def _called(result: dict[str, Any]) -> Iterator[str | None]:
    """Names of the tools that the messages within a result call, JSON text read as what it says."""
    waiting: list[Any] = [value for name, value in result.items() if name not in BEFORE]
    while waiting:
        value = decoded(waiting.pop())
        drafts = read_one(value) if isinstance(value, dict) else []
        if drafts and not is_raw(drafts):
            yield from (call.name for draft in drafts for call in made_calls(draft))
        elif isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value
