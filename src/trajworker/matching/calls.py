"""The one door for what is compared: whatever holds tool calls becomes a `CallPath`; what is given is never changed.

A side may be a Trajectory, what `Trajectory.from_chain` takes, or calls in a list or a generator: mappings with `name`
and `arguments`, ToolCalls, calls as LangChain (`args`), OpenAI (`function`) and Anthropic (`input`) write them; a list
of such lists says which calls were made in one message. A list holds calls or messages, never both: a call among
messages is refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from trajworker.decoding import REFUSED
from trajworker.errors import ConfigError
from trajworker.model.message import Message, ToolCall
from trajworker.trajectory.calling import made_calls
from trajworker.trajectory.chain import messages_of
from trajworker.trajectory.known import is_unknown
from trajworker.trajectory.plain import plain, run_through
from trajworker.trajectory.recorded import read_messages
from trajworker.trajectory.states import NoMessages, streamed_messages
from trajworker.trajectory.trajectory import Trajectory


class Missing(Struct, frozen=True):
    """Stands where a call has no such field: an error before anything is compared."""

    def __repr__(self) -> str:
        return "<missing>"


MISSING: Final = Missing()


DEEPEST: Final = 200
"""Levels of arguments that are compared; each costs the comparison a few frames of Python's stack."""


class MalformedCall(ConfigError, ValueError):
    """A call without a name or arguments, or with such as cannot be compared or written; the message says which."""


class NoTextReturned(ConfigError, TypeError):
    """A normaliser or a redactor of one's own returned something else than a text; the message names it."""


class NoCalls(ConfigError, TypeError):
    """What was given holds no tool calls; the message says what may be given."""


class Call(Struct, frozen=True):
    """A tool call as it is compared.

    Args:
        index: its position among the calls of its side, from 0.
        name: tool name.
        arguments: as recorded: an object, raw text, or None (as an expectation: any).
    """

    index: int
    name: Any
    arguments: Any


class CallPath(Struct, frozen=True):
    """The calls of one side in order.

    Args:
        calls: all calls.
        turns: positions of the calls of each message that made any; None where the messages are not known.
        roles: role of each message with the positions of its calls; None where the messages are not known.
        json: whether the arguments are as JSON tells them, because they come out of a golden file or go into one.
    """

    calls: tuple[Call, ...]
    turns: tuple[tuple[int, ...], ...] | None = None
    roles: tuple[tuple[str, tuple[int, ...]], ...] | None = None
    json: bool = False


def read_calls(side: object) -> CallPath:
    """The calls of one side of a comparison; raises NoCalls where it holds none that could be recognised."""
    if isinstance(side, CallPath):
        return side
    try:
        return _read_side(run_through(side))
    except NoMessages as error:
        raise NoCalls(str(error)) from error


def _read_side(side: Any) -> CallPath:  # noqa: ANN401 - any object at all
    if isinstance(side, Trajectory):
        return _path_of_messages(side.messages)
    if isinstance(side, Sequence) and not isinstance(side, str | bytes):
        return _path_of_list(list(side))
    if isinstance(side, Mapping) and "role" not in side and isinstance(side.get("tool_calls"), list):
        return _path_of_messages(Trajectory.from_map(side).messages)
    if isinstance(side, ToolCall | Call) or (isinstance(side, Mapping) and _is_named_call(side)):
        raise NoCalls("this is one call: put it into a list")
    if side is None or isinstance(side, str | bytes | int | float):
        raise NoCalls(
            f"no tool calls in {type(side).__name__}: give a Trajectory, a list of calls or a list of messages"
        )
    return _path_of_conversation(messages_of(side))


def _is_list(side: object) -> bool:
    return isinstance(side, Sequence) and not isinstance(side, str | bytes)


def _path_of_list(items: list[Any]) -> CallPath:
    if items and all(_is_list(item) and not _is_pair(item) for item in items):
        return _path_of_turns(items)
    streamed = _streamed(items)
    if streamed is not None:
        return _path_of_conversation(streamed)
    if all(_is_call(item) for item in items) and not _are_items(items):
        return CallPath(tuple(_read_call(index, item) for index, item in enumerate(items)))
    for index, item in enumerate(items):
        if isinstance(item, str | bytes | int | float | None) or (_is_list(item) and not _is_pair(item)):
            raise NoCalls(f"item {index} is {type(item).__name__}, neither a call nor a message")
    return _path_of_conversation(items)


def _streamed(items: list[Any]) -> list[Any] | None:
    if all(isinstance(item, Mapping) and "function" not in item and not _is_named_call(item) for item in items):
        return streamed_messages([plain(item) for item in items])
    return None


def _path_of_conversation(items: list[Any]) -> CallPath:
    """The calls of messages; raises NoCalls for a call that stands among them, where it would silently not count."""
    for index, item in enumerate(items):
        if _is_list(item) and _is_pair(item) and (isinstance(item[-1], Mapping | None) or is_unknown(plain(item))):
            form = "a call as {'name': ..., 'arguments': ...}, a message as (role, text)"
            raise NoCalls(f"item {index} is a {type(item).__name__}, neither a call nor a message: write {form}")
        if not _is_list(item) and _is_call(item) and is_unknown(plain(item)):
            advice = "give calls alone, or in the tool_calls of an assistant message"
            raise NoCalls(f"item {index} stands among messages and is none: {advice}")
    return _path_of_messages(Trajectory.from_messages(items).messages)


def _is_pair(item: Sequence[Any]) -> bool:
    """Whether this may be a message as LangChain abbreviates it: `("user", "text")`."""
    return bool(item) and isinstance(item[0], str)


def _path_of_turns(turns: list[list[Any]]) -> CallPath:
    flat = [call for turn in turns for call in turn]
    if not all(_is_call(item) for item in flat):
        raise NoCalls("a list of lists must hold calls: one inner list for each message that made calls")
    return _path(tuple(_read_call(index, item) for index, item in enumerate(flat)), [len(turn) for turn in turns])


def _path(calls: tuple[Call, ...], sizes: Iterable[int]) -> CallPath:
    return CallPath(calls, tuple(turn for turn in _runs(sizes) if turn))


def _runs(sizes: Iterable[int]) -> Iterable[tuple[int, ...]]:
    start = 0
    for size in sizes:
        yield tuple(range(start, start + size))
        start += size


def _path_of_messages(messages: Sequence[Message]) -> CallPath:
    made = [made_calls(message) for message in messages]
    flat = [call for calls in made for call in calls]
    groups = list(_runs(len(calls) for calls in made))
    return CallPath(
        calls=tuple(_read_call(index, call) for index, call in enumerate(flat)),
        turns=tuple(group for group in groups if group),
        roles=tuple((str(message.role), group) for message, group in zip(messages, groups, strict=True)),
    )


_MESSAGE_KEYS: Final = ("role", "content", "lc", "kwargs", "messages", "output", "summary", "data")
_NAMING: Final = frozenset({"name", "function", "custom"})
_ARGUMENT_KEYS: Final = ("arguments", "args", "input")


def _is_call(item: object) -> bool:
    """Whether this is a call, complete or not, and no message."""
    if isinstance(item, ToolCall | Call):
        return True
    if isinstance(item, Mapping):
        return _is_named_call(item) or not any(key in item for key in _MESSAGE_KEYS)
    return (hasattr(item, "name") or hasattr(item, "function")) and not hasattr(item, "content")


def _are_items(items: Sequence[Any]) -> bool:
    """Whether some are messages all the same: a provider's own calls (`shell_call`), and those that it runs itself."""
    if any(_is_hosted(item) for item in items):
        return True
    nameless = [item for item in items if isinstance(item, Mapping) and _NAMING.isdisjoint(item)]
    return bool(nameless) and not any(is_unknown(plain(item)) for item in nameless)


def _is_hosted(item: object) -> bool:
    """Whether this is an item of an answer that bears a name and is no call for the program (`mcp_call`)."""
    if not isinstance(item, Mapping) or not isinstance(item.get("type"), str):
        return False
    told = plain(item)
    return not is_unknown(told) and not any(map(made_calls, read_messages([told])))


def _is_named_call(item: Mapping[Any, Any]) -> bool:
    return "name" in item and any(key in item for key in _ARGUMENT_KEYS) and "role" not in item


def _read_call(index: int, item: Any) -> Call:  # noqa: ANN401 - a call in any of its spellings
    call = _spelt(index, item)
    if _is_bottomless(call.arguments):
        fault = f"nest deeper than {DEEPEST} levels, or hold themselves"
        raise MalformedCall(f"call {index + 1} ({call.name}) has arguments that {fault}: they cannot be compared")
    if call.name is MISSING or isinstance(call.name, str):
        return call
    raise MalformedCall(f"call {index + 1} has a name that is no text but {type(call.name).__name__}: {call.name!r}")


def _spelt(index: int, item: Any) -> Call:  # noqa: ANN401 - as above
    if isinstance(item, Call):
        return Call(index, item.name, item.arguments)
    if isinstance(item, ToolCall):
        return Call(index, item.name or MISSING, item.arguments if item.invalid is None else item.invalid)
    if not isinstance(item, Mapping):
        item = plain(item)
    function = item.get("function")
    if isinstance(function, Mapping):
        return Call(index, function.get("name", MISSING), _parsed(function.get("arguments", MISSING)))
    custom = item.get("custom")
    if isinstance(custom, Mapping):
        return Call(index, custom.get("name", MISSING), custom.get("input", MISSING))
    name = item.get("name", MISSING)
    if "arguments" in item:
        spoken = item["arguments"]
        return Call(index, name, _parsed(spoken) if item.get("type") == "function_call" else spoken)
    return Call(index, name, item["args"] if "args" in item else item.get("input", MISSING))


def _is_bottomless(value: object) -> bool:
    level = {id(value): value}
    for _ in range(DEEPEST):
        inner = (part for whole in level.values() for part in _parts(whole))
        level = {id(part): part for part in inner if isinstance(part, Mapping | list | tuple)}
        if not level:
            return False
    return True


def _parts(whole: object) -> Iterable[object]:
    if isinstance(whole, Mapping):
        return whole.values()
    return whole if isinstance(whole, list | tuple) else ()


def _parsed(arguments: object) -> object:
    """Arguments that their dialect writes as JSON text; text that is no JSON object stays text."""
    if not isinstance(arguments, str):
        return arguments
    try:
        value = msgspec.json.decode(arguments)
    except REFUSED:
        return arguments
    return value if isinstance(value, dict) else arguments


def refuse_nameless(call: Call, side: str) -> None:
    """Raise MalformedCall where nobody can say which tool `call` is one of."""
    if call.name is MISSING:
        raise MalformedCall(f"{side} call {call.index + 1} has no name")


def refuse_malformed(call: Call, side: str) -> None:
    """Raise MalformedCall where `call` lacks what a comparison needs."""
    refuse_nameless(call, side)
    if call.arguments is MISSING:
        advice = "write None to accept any arguments, {} for none"
        raise MalformedCall(f"{side} call {call.index + 1} ({call.name}) has no arguments: {advice}")
