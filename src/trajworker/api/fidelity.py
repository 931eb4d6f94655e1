"""What is saved must load back equal: a trajectory as its line, or the place in it that no file would give back."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from trajworker.decoding import REFUSED
from trajworker.errors import ConfigError
from trajworker.model.message import Message
from trajworker.trajectory import MessageView, Step, Trajectory, decode_line, encode_trajectory

_UNWRITABLE = (TypeError, ValueError, OverflowError, AttributeError)
"""What encoding raises for values that are no JSON, a text that is no UTF-8 among them."""


_PLAIN = tuple(name for name in Trajectory.__struct_fields__ if name not in ("steps", "nested"))
_OF_STEPS = tuple(name for name in Step.__struct_fields__ if name != "messages")


class NotSaveable(ConfigError, ValueError):
    """What was to be saved would not load back equal; names the place in it, never the value."""


def faithful_line(given: object) -> bytes:
    """The line of a trajectory, which is known to load back equal.

    Raises:
        NotSaveable: it is no trajectory, or holds what JSON cannot (nan, a lone surrogate, an object), or a field of
            another type than the declared one.
    """
    if not isinstance(given, Trajectory):
        raise NotSaveable(f"what is saved are Trajectory objects, not {type(given).__name__}")
    try:
        line, reason = _line(given)
    except RecursionError:
        line, reason = b"", "it is nested too deeply, or holds itself"
    if reason is not None:
        raise NotSaveable(f"{_which(given)} would not load back as it is, so it is not saved: {reason}")
    return line


def _line(given: Trajectory) -> tuple[bytes, str | None]:
    """The line, or why there is none."""
    try:
        line = encode_trajectory(given)
    except _UNWRITABLE as fault:
        return b"", next(_unwritable(given, ""), type(fault).__name__)
    try:
        loaded = decode_line(line)
    except REFUSED as fault:
        return b"", str(fault)
    if _Comparison().equal(given, loaded):
        return line, None
    return b"", next(_differences(given, loaded, ""), "it would come back as another")


class _Comparison:
    """`==` of trajectories in time that grows with the messages, not with the square that all steps see of them."""

    def __init__(self) -> None:
        self._same: dict[tuple[int, int], bool] = {}

    def equal(self, given: Trajectory, loaded: Trajectory) -> bool:
        """Whether they are equal."""
        pairs = [(getattr(given, name), getattr(loaded, name)) for name in _PLAIN]
        if any(mine != theirs for mine, theirs in pairs):
            return False
        if len(given.steps) != len(loaded.steps) or len(given.nested) != len(loaded.nested):
            return False
        steps = all(map(self._equal_steps, given.steps, loaded.steps))
        return steps and all(map(self.equal, given.nested, loaded.nested))

    def _equal_steps(self, mine: Step, theirs: Step) -> bool:
        return self._alike(mine.messages, theirs.messages) and all(
            getattr(mine, name) == getattr(theirs, name) for name in _OF_STEPS
        )

    def _alike(self, mine: Sequence[Message], theirs: Sequence[Message]) -> bool:
        """Whether the same is seen; the same ranges of histories that are compared once need not be looked through."""
        if isinstance(mine, MessageView) and isinstance(theirs, MessageView) and mine.ranges == theirs.ranges:
            pair = id(mine.history), id(theirs.history)
            if pair not in self._same:
                self._same[pair] = mine.history == theirs.history
            if self._same[pair]:
                return True
        return mine == theirs


def _which(given: Trajectory) -> str:
    name = given.task.conversation_id if isinstance(given.task, Struct) else None
    return f"conversation {_readable(name)}" if isinstance(name, str) else "a trajectory without an id"


def _members(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any value at all
    """What a value is made of, each with how it is reached; steps, which repeat what stands elsewhere, come last."""
    if isinstance(value, Struct):
        names = sorted(value.__struct_fields__, key=lambda name: name == "steps")
        yield from ((f".{name}", getattr(value, name)) for name in names)
    elif isinstance(value, Mapping):
        yield from ((f".{name}", member) for name, member in value.items())
    elif isinstance(value, list | tuple | MessageView):
        yield from ((f"[{index}]", member) for index, member in enumerate(value))


def _unwritable(value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any value at all
    """Where encoding fails."""
    for step, member in _members(value):
        yield from _unwritable(member, path + step)
    if isinstance(value, Struct | list | tuple | MessageView):
        return
    try:
        msgspec.json.encode(dict.fromkeys(value) if isinstance(value, Mapping) else value)
    except UnicodeEncodeError:
        yield f"{_place(path)} holds half of a surrogate pair, which is no UTF-8: replace it"
    except _UNWRITABLE:
        yield f"{_place(path)} is of type {type(value).__name__}, for which JSON has no word: make it text or a number"


def _differences(given: Any, loaded: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any value at all
    """Where what comes back differs, innermost first."""
    if given == loaded:
        return
    back = dict(_members(loaded))
    for step, member in _members(given):
        if step in back:
            yield from _differences(member, back[step], path + step)
    if isinstance(given, float) and not math.isfinite(given):
        yield f"{_place(path)} is {given}, for which JSON has no word: write None or a text"
    elif isinstance(given, Mapping) and any(not isinstance(name, str) for name in given):
        yield f"{_place(path)} has a key that is no text, and keys come back as texts"
    else:
        yield f"{_place(path)} is of type {type(given).__name__} and would come back as {type(loaded).__name__}"


def _place(path: str) -> str:
    return _readable(path.lstrip(".")) or "it"


def _readable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
