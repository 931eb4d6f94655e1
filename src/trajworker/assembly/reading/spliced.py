"""Parallel calls that a client put together as one: langsmith's JS client does so with those that OpenAI streams.

It knows a call by the place of the choice and not by its own, so names and arguments stand in a row, under one id.
LlamaIndex writes into the pieces that langsmith collects, so that the arguments of one call stand there twice.
"""

import json
from collections.abc import Collection
from functools import cache
from typing import Any

import msgspec
from msgspec import structs

from trajworker.assembly.reading.tooling import definitions
from trajworker.model.message import ToolCall, ToolDefinition

_JSON = json.JSONDecoder()
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_MOST = 64
"""Calls that are looked for in one; an answer with more is kept as it was recorded."""


def parted(calls: tuple[ToolCall, ...], tools: bytes) -> tuple[ToolCall, ...]:
    """Calls, where one is several in a row as these; `tools` are those offered, undecoded."""
    for call in calls:
        if call.invalid is not None:
            return tuple(part for call in calls for part in _parts(call, tools))
    return calls


def _parts(call: ToolCall, tools: bytes) -> list[ToolCall]:
    given = _in_a_row(call.invalid or "")
    if len(given) < 2:  # noqa: PLR2004 - several
        return [call]
    offered = {msgspec.json.decode(chunk, type=ToolDefinition).name for _, chunk in definitions(tools)}
    names = _names(call.name, len(given), offered)
    if not names:
        told_again = call.name in offered and all(one == given[0] for one in given)
        return [ToolCall(name=call.name, arguments=given[0], id=call.id)] if told_again else [call]
    made = [ToolCall(name=name, arguments=one) for name, one in zip(names, given, strict=True)]
    return [structs.replace(made[0], id=call.id), *made[1:]]


def _in_a_row(text: str) -> list[dict[str, Any]]:
    """The objects that a text is; none where it is anything else."""
    found: list[dict[str, Any]] = []
    place = 0
    while place < len(text) and len(found) <= _MOST:
        start = place
        try:
            _, place = _JSON.raw_decode(text, start)
            found.append(_OBJECT.decode(text[start:place]))
        except (ValueError, RecursionError):  # msgspec's are ValueErrors, those of half a surrogate pair too
            return []
    return found if len(found) <= _MOST else []


def _names(name: str, count: int, offered: Collection[str]) -> list[str]:
    """The names that one was put together from: as many, each of them offered, else all the same; else none."""

    @cache
    def apart(rest: str, left: int) -> tuple[str, ...] | None:
        if not left:
            return None if rest else ()
        for one in known:
            behind = apart(rest[len(one) :], left - 1) if one and rest.startswith(one) else None
            if behind is not None:
                return one, *behind
        return None

    known = sorted(offered)
    size = len(name) // count
    found = apart(name, count)
    if found is not None:
        return list(found)
    return [name[:size]] * count if name and name[:size] * count == name else []
