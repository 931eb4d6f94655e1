"""Why `trajectory == expected` is false, in words: the calls first, then the messages, then every other field."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from trajworker.errors import ConfigError
from trajworker.matching.compare import matches
from trajworker.matching.rendering import render, show_value, told_apart
from trajworker.model.message import Message
from trajworker.trajectory.trajectory import Trajectory

MESSAGES_SHOWN: Final = 5
"""Differing messages that are told apart."""

WIDTH: Final = 160
"""Characters of a value that are shown."""

_TOLD_BY_CALLS: Final = ("steps", "messages")


def explain_inequality(left: object, right: object) -> str | None:
    """The explanation where one side is a Trajectory, else None."""
    if not isinstance(left, Trajectory) and not isinstance(right, Trajectory):
        return None
    try:
        verdict = matches(left, right)
    except ConfigError:
        return None  # the other side holds no calls at all
    if not isinstance(left, Trajectory) or not isinstance(right, Trajectory):
        return f"A Trajectory equals only a Trajectory; compare calls with matches().\n{render(verdict)}"
    lines = [] if verdict else [render(verdict)]
    lines += _messages(left, right)
    for name in left.__struct_fields__:
        if name not in _TOLD_BY_CALLS:
            lines += _field(name, getattr(left, name), getattr(right, name))
    if not lines:
        lines.append("  steps: they see other messages or carry other rewards")
    return "\n".join(lines)


def _field(name: str, ours: object, theirs: object) -> Iterator[str]:
    """One field, or those of its own fields that differ."""
    if ours == theirs:
        return
    if isinstance(ours, Struct) and type(ours) is type(theirs):
        for inner in ours.__struct_fields__:
            yield from _field(f"{name}.{inner}", getattr(ours, inner), getattr(theirs, inner))
    else:
        yield f"  {name}: {_apart(ours, theirs)}"


def _messages(left: Trajectory, right: Trajectory) -> Iterator[str]:
    shown = 0
    for number, (ours, theirs) in enumerate(zip(left.messages, right.messages, strict=False), 1):
        if ours != theirs and shown < MESSAGES_SHOWN:
            shown += 1
            yield from _fields(number, ours, theirs)
    if len(left.messages) != len(right.messages):
        yield f"  messages: {len(left.messages)} != {len(right.messages)}"


def _fields(number: int, ours: Message, theirs: Message) -> Iterator[str]:
    for name in ours.__struct_fields__:
        mine, other = getattr(ours, name), getattr(theirs, name)
        if mine != other and name != "tool_calls":
            yield f"  message {number} ({ours.role}), {name}: {_apart(mine, other)}"


def _apart(ours: object, theirs: object) -> str:
    one, other = told_apart(_shown(ours), _shown(theirs), WIDTH)
    return f"{one} != {other}"


def _shown(value: object) -> str:
    return show_value(value) if isinstance(value, str | int | float | list | dict | None) else repr(value)
