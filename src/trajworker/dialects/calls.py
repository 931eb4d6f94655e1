"""A tool call as any vendor writes it: its name, its arguments and its id."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import structs

from trajworker.decoding import REFUSED
from trajworker.dialects.draft import as_text
from trajworker.model.message import ToolCall

_TOOL_USE = frozenset({"type", "id", "name", "input"})
"""Anthropic's block as it nearly always is, read without looking for what other vendors write."""

_OBJECT = msgspec.json.Decoder(dict[str, Any])


def arguments(value: Any) -> tuple[dict[str, Any], str | None]:  # noqa: ANN401 - recorded JSON
    """Arguments of a call as an object, or what was written where they are none."""
    if isinstance(value, dict):
        return value, None
    if value is None or value == "":
        return {}, None
    return _written(value) if isinstance(value, str) else ({}, as_text(value))


def _written(text: str) -> tuple[dict[str, Any], str | None]:
    """Arguments written as JSON text, by some exporters once more as JSON."""
    try:
        if text[0] == "{":
            return _OBJECT.decode(text), None
        decoded = msgspec.json.decode(text)
        if isinstance(decoded, str) and decoded[:1] == "{":
            decoded = _OBJECT.decode(decoded)
    except REFUSED:
        return {}, text
    if isinstance(decoded, dict) or decoded is None:
        return decoded or {}, None
    return {}, text


def tool_call(name: Any, given: Any, call_id: Any, error: Any = None) -> ToolCall:  # noqa: ANN401 - recorded JSON
    """A tool call; missing names and numbers as ids are tolerated."""
    parsed, invalid = arguments(given)
    return ToolCall(
        name=name if isinstance(name, str) else (as_text(name) or ""),
        arguments=parsed,
        id=None if call_id is None or call_id == "" else str(call_id),
        invalid=invalid,
        error=error if isinstance(error, str) else None,
    )


def first_of(block: dict[str, Any], *names: str) -> Any:  # noqa: ANN401 - recorded JSON
    """The value under the first of these names that holds one."""
    for name in names:
        value = block.get(name)
        if value is not None:
            return value
    return None


def call_of(block: dict[str, Any]) -> ToolCall | None:
    """The call a block or an entry of `tool_calls` stands for, None where it is none."""
    if block.keys() == _TOOL_USE and type(block["input"]) is dict and type(block["name"]) is str:
        return tool_call(block["name"], block["input"], block["id"])
    plain = block.get("function")
    if type(plain) is dict and type(plain.get("name")) is str and type(plain.get("arguments")) is str:
        return tool_call(plain["name"], plain["arguments"], block.get("id"))
    held = block.get("tool_call")
    if isinstance(held, dict):
        return call_of(held)
    inner = block.get("function") or block.get("function_call") or block.get("functionCall") or block.get("toolUse")
    kind = block.get("type")
    if not inner and isinstance(kind, str):
        inner = block.get(kind)  # a custom tool's, which OpenAI has under that name
    if not isinstance(inner, dict):
        inner = block
    name = first_of(inner, "name", "toolName", "tool_name", "function_name") or first_of(block, "name", "toolName")
    if name is None:
        return None
    given = first_of(inner, "arguments", "args", "input", "parameters", "tool_kwargs", "toolInput")
    if not given and isinstance(block.get("partial_json"), str):
        given = block["partial_json"]
    if given is None:
        given = first_of(block, "args", "arguments", "input")
    call_id = first_of(block, "call_id", "callId", "toolCallId", "tool_call_id", "id") or first_of(
        inner, "id", "toolUseId"
    )
    return tool_call(name, given, call_id, block.get("error"))


def calls_of(entries: Iterable[Any]) -> list[ToolCall]:
    """The calls of a message; one that no vendor is known to write so has no name, and is kept as it came."""
    calls: list[ToolCall] = []
    for entry in filter(None, entries):
        held = entry.get("tool_call", entry) if isinstance(entry, dict) else None  # OpenInference wraps
        fields = held if isinstance(held, dict) else {}
        calls.append(call_of(fields) or _unread(entry, fields.get("id")))
    return calls


def _unread(entry: Any, given_id: Any) -> ToolCall:  # noqa: ANN401 - recorded JSON
    return ToolCall(name="", arguments={}, id=str(given_id) if given_id else None, invalid=as_text(entry))


def lacks_arguments(call: ToolCall) -> bool:
    """Whether a call was recorded without arguments."""
    return call.arguments == {} and call.invalid is None


def with_arguments(calls: Iterable[ToolCall], told: dict[str, dict[str, Any]]) -> tuple[ToolCall, ...]:
    """Calls, those of them that lack arguments with the ones that are told of them, by id."""
    return tuple(
        structs.replace(call, arguments=told[call.id]) if call.id in told and lacks_arguments(call) else call
        for call in calls
    )
