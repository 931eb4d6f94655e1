"""Assertions about trajectories; each fails with a TrajectoryMismatch, an AssertionError that says what differs.

The trap of seed 003: `refute_trajectory(t, [a, b], "superset")` forbids the whole set, so a trajectory with a alone
passes. To forbid each of them use `assert_never_called`.
"""

from typing import Unpack

from trajworker.errors import ConfigError, TrajectoryMismatch
from trajworker.matching.calls import Call, read_calls, refuse_nameless
from trajworker.matching.compare import matches
from trajworker.matching.rendering import render, show_call
from trajworker.matching.rules import MatchOptions
from trajworker.trajectory.order import came_before, tool_name


class NothingForbidden(ConfigError, ValueError):
    """assert_never_called was given no tool names, so it would always pass."""


def assert_trajectory(
    trajectory: object, expected: object, mode: str = "strict", args: str = "exact", **options: Unpack[MatchOptions]
) -> None:
    """Fail unless `matches(trajectory, expected, mode, args, **options)`."""
    __tracebackhide__ = True
    verdict = matches(trajectory, expected, mode, args, **options)
    if not verdict:
        raise TrajectoryMismatch(render(verdict))


def refute_trajectory(
    trajectory: object, expected: object, mode: str = "strict", args: str = "exact", **options: Unpack[MatchOptions]
) -> None:
    """Fail if `matches(trajectory, expected, mode, args, **options)`; with several calls see the trap above."""
    __tracebackhide__ = True
    verdict = matches(trajectory, expected, mode, args, **options)
    if verdict:
        raise TrajectoryMismatch(f"The trajectory matches what it must not.\n{render(verdict)}")


def assert_called_before(trajectory: object, first: str, then: str, *, require_both: bool = False) -> None:
    """Fail unless a call of `first` came before a call of `then`.

    Raises ToolsNotCalled, with `require_both`, where either was never called.
    """
    __tracebackhide__ = True
    names = _names(trajectory)
    if not came_before(names, first, then, require_both=require_both):
        raise TrajectoryMismatch(f"{first} was not called before {then}: {_places(names, first, then)}")


def refute_called_before(trajectory: object, first: str, then: str, *, require_both: bool = False) -> None:
    """Fail if a call of `first` came before a call of `then`; passes where either is missing, unless `require_both`."""
    __tracebackhide__ = True
    names = _names(trajectory)
    if came_before(names, first, then, require_both=require_both):
        raise TrajectoryMismatch(f"{first} was called before {then}: {_places(names, first, then)}")


def assert_never_called(trajectory: object, *names: str) -> None:
    """Fail if any one of these tools was called at all; see `_forbidden` for what is refused."""
    __tracebackhide__ = True
    forbidden = _forbidden(names)
    made = [call for call in _named(trajectory) if call.name in forbidden]
    if made:
        calls = "\n".join(f"  + {call.index + 1:>3} {show_call(call)}" for call in made)
        tools = ", ".join(dict.fromkeys(str(call.name) for call in made))
        raise TrajectoryMismatch(f"Called although it must never be: {tools}\n{calls}")


def called_before(trajectory: object, first: str, then: str, *, require_both: bool = False) -> bool:
    """`Trajectory.called_before` for whatever `matches` takes."""
    return came_before(_names(trajectory), first, then, require_both=require_both)


def _forbidden(names: tuple[str, ...]) -> set[str]:
    """The tools that are forbidden; raises NothingForbidden where none is named, NoToolName for what is no name."""
    if not names:
        raise NothingForbidden("assert_never_called forbids nothing without tool names: name at least one")
    return {tool_name(name) for name in names}


def _named(trajectory: object) -> tuple[Call, ...]:
    """The calls; raises MalformedCall for one without a name, which might be any tool's."""
    calls = read_calls(trajectory).calls
    for call in calls:
        refuse_nameless(call, "recorded")
    return calls


def _names(trajectory: object) -> list[str]:
    return [str(call.name) for call in _named(trajectory)]


def _places(names: list[str], *tools: str) -> str:
    places_by_tool = []
    for tool in dict.fromkeys(tools):
        places = [str(position) for position, name in enumerate(names, 1) if name == tool]
        places_by_tool.append(f"{tool} was call {', '.join(places)}" if places else f"{tool} was never called")
    return "; ".join(places_by_tool)
