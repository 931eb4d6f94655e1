"""A trajectory as one line and back: `encode_trajectory` and `decode_line`, which undo each other.

The fields are those of `Trajectory`, all of them on every line. A step's `messages` on disk is a list of
`[start, stop]` (messages), `[k]` (aside k) or whole message objects, so that a line grows linearly with the
conversation (guides/output.md). A line is one JSON object; U+2028, U+2029 and U+0085 are escaped, because some
readers take them for line ends.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from trajworker.model.message import Message, ToolDefinition, TrainableStatus
from trajworker.trajectory.trajectory import (
    ExecutionMetrics,
    Origin,
    Pane,
    Retrieval,
    Reward,
    Step,
    Task,
    Trajectory,
    TrajectoryMetrics,
    Turn,
)
from trajworker.trajectory.view import MessageView

_ENCODER = msgspec.json.Encoder()
_SEPARATORS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))


class LineStep(Struct, kw_only=True, gc=False):
    """A step on disk."""

    messages: list[Any] = []
    reward: Reward | None = None
    info: dict[str, Any] | None = None
    trainable_status: TrainableStatus = TrainableStatus.NOT_TRAINABLE


class _Line(Struct, kw_only=True):
    """A trajectory on disk; the order of the fields is the order on the line."""

    task: Task = Task()
    steps: tuple[LineStep, ...] = ()
    reward: Reward | None = None
    metrics: TrajectoryMetrics | None = None
    execution_metrics: ExecutionMetrics | None = None
    error: str | None = None
    messages: tuple[Message, ...] = ()
    turns: tuple[Turn, ...] = ()
    tools: tuple[ToolDefinition, ...] = ()
    nested: "tuple[_Line, ...]" = ()
    internal: tuple[Message, ...] = ()
    asides: tuple[Message, ...] = ()
    retrieved: tuple[Retrieval, ...] = ()
    revision: int = 1
    pane: Pane = Pane.ON_TIME
    complete: bool = True
    origin: Origin = Origin()
    metadata: dict[str, Any] = {}


_NO_TASK = Task()
_TELLING = frozenset({"messages", "steps", "task"})
"""Fields of which what is a trajectory has one."""
_DECODER = msgspec.json.Decoder(_Line)
_MESSAGE = msgspec.json.Decoder(Message)
_STEP = msgspec.json.Decoder(LineStep)
_SHARED = tuple(name for name in Trajectory.__struct_fields__ if name not in ("steps", "nested"))


def encode_chunk(value: Any) -> bytes:  # noqa: ANN401 - any encodable struct
    """A part of a line: JSON without the characters that some readers take for line ends."""
    return _escaped(_ENCODER.encode(value))


def message_of(chunk: bytes) -> Message:
    """The message of a part of a line."""
    return _MESSAGE.decode(chunk)


def step_of(chunk: bytes) -> LineStep:
    """The step of a part of a line, as it stands there."""
    return _STEP.decode(chunk)


def encode_chunks(values: Sequence[Any]) -> list[bytes]:
    """Parts of a line, encoded and looked through at once; JSON holds no line feed of its own."""
    if not values:
        return []
    return _escaped(_ENCODER.encode_lines(values)).split(b"\n")[:-1]


def _escaped(data: bytes) -> bytes:
    """JSON without line separators; single bytes are looked for first, which is twenty times as fast."""
    if data.isascii():
        return data
    for character, escape in _SEPARATORS:
        if character[0] in data and character[-1] in data:
            data = data.replace(character, escape)
    return data


def completed(data: bytes) -> bytes:
    """A line with all its fields, out of one that holds only those that say something."""
    return encode_chunk(_DECODER.decode(data))


def line_step(view: Sequence[tuple[int, int]]) -> list[list[int]]:
    """A step's references on disk: ranges [start, stop), an aside (r, r) with r = -1 - k as [k]."""
    return [[-1 - start] if start < 0 else [start, stop] for start, stop in view]


def _history(messages: tuple[Message, ...], asides: tuple[Message, ...]) -> tuple[Message, ...]:
    return messages + asides if asides else messages


def _to_trajectory(line: _Line) -> Trajectory:
    history = _history(line.messages, line.asides)
    count = len(line.messages)
    steps = []
    for step in line.steps:
        if any(isinstance(entry, dict) for entry in step.messages):
            own = tuple(message for entry in step.messages for message in _literal(entry, history, count))
            seen = MessageView(own, ((0, len(own)),))  # equal to a list and to a tuple of them
        else:
            seen = MessageView(history, tuple(_range(entry, count, len(history)) for entry in step.messages))
        steps.append(Step(messages=seen, reward=step.reward, info=step.info, trainable_status=step.trainable_status))
    nested = tuple(_to_trajectory(inner) for inner in line.nested)
    return Trajectory(steps=tuple(steps), nested=nested, **_shared(line))


def _shared(source: _Line | Trajectory) -> dict[str, Any]:
    """The fields that are the same on a line and in a trajectory."""
    return {name: getattr(source, name) for name in _SHARED}


def _range(entry: Any, count: int, size: int) -> tuple[int, int]:  # noqa: ANN401 - decoded JSON
    if not isinstance(entry, list) or not all(type(number) is int for number in entry):
        raise msgspec.ValidationError("a step refers to messages by [start, stop] or [aside]")
    if len(entry) == 1:
        start, stop = count + entry[0], count + entry[0] + 1
    elif len(entry) == 2:  # noqa: PLR2004 - start and stop
        start, stop = entry
        if stop > count:
            raise msgspec.ValidationError(f"a step refers to message {stop - 1} of {count}")
    else:
        raise msgspec.ValidationError("a step refers to messages by [start, stop] or [aside]")
    if not 0 <= start <= stop <= size:
        raise msgspec.ValidationError(f"a step refers to messages {start} to {stop} of {size}")
    return start, stop


def _literal(entry: Any, history: tuple[Message, ...], count: int) -> Sequence[Message]:  # noqa: ANN401 - decoded JSON
    if isinstance(entry, dict):
        return [msgspec.convert(entry, Message)]
    start, stop = _range(entry, count, len(history))
    return history[start:stop]


def decode_line(line: bytes) -> Trajectory:
    """The trajectory of a line; raises msgspec.DecodeError where it is none."""
    decoded = _DECODER.decode(line)
    if not decoded.messages and not decoded.steps and decoded.task == _NO_TASK:
        _refuse_other(line)
    return _to_trajectory(decoded)


def _refuse_other(line: bytes) -> None:
    """Raise where a line that tells nothing is an object of another kind, of which every field was passed over."""
    if _TELLING.isdisjoint(msgspec.json.decode(line, type=dict[str, msgspec.Raw])):
        raise msgspec.ValidationError("an object without messages, steps and a task")


def line_of(trajectory: Trajectory, *, cumulative: bool = False) -> _Line:
    """What is written of a trajectory; `cumulative` writes out each step's messages instead of referring to them."""
    history = _history(trajectory.messages, trajectory.asides)
    steps = tuple(
        LineStep(
            messages=list(step.messages)
            if cumulative
            else _references(step.messages, history, len(trajectory.messages)),
            reward=step.reward,
            info=step.info,
            trainable_status=step.trainable_status,
        )
        for step in trajectory.steps
    )
    nested = tuple(line_of(inner, cumulative=cumulative) for inner in trajectory.nested)
    return _Line(steps=steps, nested=nested, **_shared(trajectory))


def _references(seen: Sequence[Message], history: tuple[Message, ...], count: int) -> list[Any]:
    """References of a step's messages; messages that stand nowhere in the trajectory are written out."""
    if isinstance(seen, MessageView) and seen.reads(history):
        return [
            [place - count] if place >= count else [place, min(stop, count)]
            for start, stop in seen.ranges
            for place, stop in _split(start, stop, count)
        ]
    found: list[Any] = []
    place = 0
    for message in seen:
        at = next((index for index in range(place, len(history)) if history[index] == message), None)
        if at is None:
            found.append(message)
            continue
        if at >= count:
            found.append([at - count])
        elif found and isinstance(found[-1], list) and len(found[-1]) == 2 and found[-1][1] == at:  # noqa: PLR2004
            found[-1][1] = at + 1
        else:
            found.append([at, at + 1])
        place = at + 1 if at < count else place
    return found


def _split(start: int, stop: int, count: int) -> list[tuple[int, int]]:
    """A range cut where the asides begin, the asides one by one."""
    if stop <= count:
        return [(start, stop)]
    below = [(start, count)] if start < count else []
    return below + [(place, place + 1) for place in range(max(start, count), stop)]


def encode_trajectory(trajectory: Trajectory) -> bytes:
    """A trajectory as a line, without its line feed."""
    return encode_chunk(line_of(trajectory))
