"""A Trajectory as a map of plain JSON values and back, losing nothing; the maps of seed 003 are read too.

The seed's keys mean what they mean there: `messages`, `tool_calls` (name and arguments), `token_usage` (input, output),
`metadata`. `tool_calls` says what matching compares, so where somebody edited it, it outweighs the messages.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from trajworker.errors import ConfigError
from trajworker.model.message import Message, Role, ToolCall, ToolResponse, TrainableStatus
from trajworker.trajectory.calling import all_calls, made_calls
from trajworker.trajectory.chain import assembled
from trajworker.trajectory.plain import listed
from trajworker.trajectory.recorded import read_messages
from trajworker.trajectory.trajectory import (
    Reward,
    Step,
    Trajectory,
    TrajectoryMetrics,
)
from trajworker.trajectory.view import MessageView

_DERIVED: Final = ("tool_calls", "token_usage")

_TELLING: Final = ("messages", "tool_calls", "token_usage", "metadata", "steps")
"""Keys of which a map has at least one: those of the seed, and the one that every map of ours has."""


class MalformedMap(ConfigError, ValueError):
    """The map tells no trajectory; the message says where it goes wrong."""


class _StepMap(Struct, frozen=True, omit_defaults=True):
    """A step: the messages it saw as ranges [start, stop) of the conversation, or themselves where they are others."""

    ranges: tuple[tuple[int, int], ...] | None = None
    messages: tuple[Message, ...] | None = None
    reward: Reward | None = None
    info: dict[str, Any] | None = None
    trainable_status: TrainableStatus = TrainableStatus.NOT_TRAINABLE


_REPLACED: Final[dict[str, Any]] = {"steps": tuple[_StepMap, ...], "nested": tuple[dict[str, Any], ...]}

_TrajectoryMap: Final[Any] = msgspec.defstruct(
    "_TrajectoryMap",
    [(field.name, _REPLACED.get(field.name, field.type), field.default) for field in structs.fields(Trajectory)],
    frozen=True,
    kw_only=True,
)
"""Every field of a Trajectory, with steps in linear size."""


def map_of_trajectory(trajectory: Trajectory) -> dict[str, Any]:
    """Plain JSON values of a trajectory: what `json.loads` gives of the same map's text."""
    fields = {name: getattr(trajectory, name) for name in trajectory.__struct_fields__}
    pool = (*trajectory.messages, *trajectory.asides)
    fields["steps"] = _step_maps(trajectory.steps, pool)
    fields["nested"] = tuple(map_of_trajectory(nested) for nested in trajectory.nested)
    stored: dict[str, Any] = listed(msgspec.to_builtins(_TrajectoryMap(**fields), str_keys=True))
    usage = trajectory.token_usage
    stored["tool_calls"] = [_call_map(call) for call in trajectory.tool_calls]
    stored["token_usage"] = {"input": usage.input, "output": usage.output} if usage is not None else None
    return stored


def trajectory_from_map(stored: Mapping[str, Any]) -> Trajectory:
    """The trajectory that a map tells; raises MalformedMap where it tells none.

    As in the seed, a `tool_calls` that is no list tells no calls.
    """
    _refuse_strange(stored)
    calls = stored.get("tool_calls", [])
    calls = [_stored_call(call) for call in calls] if isinstance(calls, list | tuple) else None
    if "steps" not in stored:
        return _from_seed(stored, calls or [])
    try:
        decoded = msgspec.convert(
            {name: value for name, value in stored.items() if name not in _DERIVED}, _TrajectoryMap
        )
    except msgspec.ValidationError as error:
        raise MalformedMap(f"the map tells no trajectory: {error}") from error
    messages = decoded.messages if calls is None else _with_calls(decoded.messages, calls)
    pool = (*messages, *decoded.asides)
    fields = {name: getattr(decoded, name) for name in decoded.__struct_fields__} | {
        "messages": messages,
        "steps": tuple(_step(step, pool) for step in decoded.steps),
        "nested": tuple(trajectory_from_map(nested) for nested in decoded.nested),
    }
    return Trajectory(**fields)


def _refuse_strange(stored: object) -> None:
    """Raise MalformedMap for what is no trajectory's map; as an expectation, no calls would be met by anything."""
    if not isinstance(stored, Mapping):
        raise MalformedMap(f"a trajectory's map is an object, not {type(stored).__name__}")
    if not any(name in stored for name in _TELLING):
        found = f"only {', '.join(sorted(map(str, stored)))}" if stored else "nothing"
        raise MalformedMap(f"a trajectory's map has one of {', '.join(_TELLING)}; this object holds {found}")


def _step_maps(steps: Iterable[Step], pool: tuple[Message, ...]) -> tuple[_StepMap, ...]:
    """Steps whose messages are views on the pool, or on the beginning of it, as ranges."""
    shared: dict[int, bool] = {}
    maps: list[_StepMap] = []
    for step in steps:
        seen, ranges = step.messages, None
        if isinstance(seen, MessageView):
            history = seen.history
            known = shared.get(id(history))
            if known is None:
                known = shared[id(history)] = tuple(history) == pool[: len(history)]
            ranges = seen.ranges if known else None
        whole = tuple(seen) if ranges is None else None
        maps.append(_StepMap(ranges, whole, step.reward, step.info, step.trainable_status))
    return tuple(maps)


def _step(step: _StepMap, history: tuple[Message, ...]) -> Step:
    own = step.messages or ()
    seen = MessageView(own, ((0, len(own)),)) if step.ranges is None else MessageView(history, step.ranges)
    return Step(messages=seen, reward=step.reward, info=step.info, trainable_status=step.trainable_status)


def _call_map(call: ToolCall) -> dict[str, Any]:
    arguments = call.arguments if call.invalid is None else call.invalid
    return {"name": call.name, "arguments": listed(msgspec.to_builtins(arguments, str_keys=True))}


def _stored_call(call: Any) -> ToolCall:  # noqa: ANN401 - JSON
    """A call of a stored map; without arguments it is, as an expectation, a call with any."""
    if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
        raise MalformedMap(f"tool_calls holds what is no call with a name: {type(call).__name__}")
    arguments = call.get("arguments")
    if arguments is None or isinstance(arguments, Mapping):
        return ToolCall(name=call["name"], arguments=None if arguments is None else dict(arguments))
    return ToolCall(name=call["name"], invalid=arguments if isinstance(arguments, str) else str(arguments))


def _from_seed(stored: Mapping[str, Any], calls: list[ToolCall]) -> Trajectory:
    given = stored.get("messages") or ()
    if not isinstance(given, list | tuple):
        raise MalformedMap(f"messages is a list, not {type(given).__name__}")
    messages = tuple(_seed_messages(given))
    if "tool_calls" in stored:
        messages = _with_calls(messages, calls)
    metadata = stored.get("metadata")
    built = assembled(messages, dict(metadata) if isinstance(metadata, Mapping) else {})
    usage = stored.get("token_usage")
    if built.token_usage is not None or not isinstance(usage, Mapping):
        return built
    read, written = (usage.get(name, usage.get(f"{name}_tokens")) for name in ("input", "output"))
    metrics = structs.replace(built.metrics or TrajectoryMetrics(), input_tokens=read, output_tokens=written)
    return structs.replace(built, metrics=metrics)


def _seed_messages(stored: Iterable[Any]) -> Iterable[Message]:
    """The seed's messages: results stand in one tool message (`tool_results`, empty in others), ours one by one."""
    for item in stored:
        results = item.get("tool_results") if isinstance(item, Mapping) else None
        if isinstance(item, Message):
            yield item
            continue
        if not results or item.get("role") != "tool":
            yield from (draft.seal() for draft in read_messages([item]))
        if isinstance(results, list):
            yield from (_result(result) for result in results if isinstance(result, Mapping))


def _result(result: Mapping[str, Any]) -> Message:
    text = result.get("content")
    text = text if isinstance(text, str) else None
    failed = result.get("is_error") is True
    response = ToolResponse(name=result.get("name"), error=(text or "error") if failed else None)
    return Message(role=Role.TOOL, content=text, name=result.get("name"), tool_response=response)


def _with_calls(messages: tuple[Message, ...], calls: list[ToolCall]) -> tuple[Message, ...]:
    """The messages with these calls: in place of their own where the names agree, else in messages of their own."""
    own = all_calls(messages)
    if [_call_map(call) for call in own] == [_call_map(call) for call in calls]:
        return messages
    if [call.name for call in own] == [call.name for call in calls]:
        edited = iter(calls)
        return tuple(_edited(message, edited) for message in messages)
    given = tuple(structs.replace(message, tool_calls=None) if made_calls(message) else message for message in messages)
    return given + tuple(Message(role=Role.ASSISTANT, tool_calls=(call,)) for call in calls)


def _edited(message: Message, edited: Iterable[ToolCall]) -> Message:
    made = made_calls(message)
    if not made:
        return message
    calls = tuple(structs.replace(next(iter(edited)), id=call.id, error=call.error) for call in made)
    return structs.replace(message, tool_calls=calls)
