"""OpenTelemetry GenAI: flat keys (`gen_ai.prompt.0.role`), JSON text attributes and messages made of parts.

Sources: langsmith-api.md 9.10; OTel GenAI semantic conventions 1.28 (events), 1.37 (`gen_ai.input.messages`);
OpenInference (`llm.input_messages.0.message.role`).
"""

import re
from typing import Any

import msgspec

from trajworker.decoding import REFUSED

NAME = "otel"
_FLAT = re.compile(
    r"^(gen_ai\.(?:prompt|completion)|llm\.(?:input|output)_messages|llm\.(?:prompts|completions))\.(\d+)\.(.+)$"
)
_PROMPTS = ("gen_ai.input.messages", "gen_ai.prompt", "ai.prompt.messages", "ai.prompt", "llm.input_messages",
            "gen_ai.content.prompt", "pydantic_ai.all_messages")  # fmt: skip
_ANSWERS = ("gen_ai.output.messages", "gen_ai.completion", "ai.response", "llm.output_messages",
            "gen_ai.content.completion")  # fmt: skip
_WHOLES = frozenset(
    {*_PROMPTS, *_ANSWERS, "input.value", "output.value", "traceloop.entity.input", "traceloop.entity.output",
     "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "ai.toolCall.args", "ai.toolCall.result",
     "ai.response.text"}
)  # fmt: skip
"""Attributes that hold the whole input or output of a span, mostly as JSON text."""
_SYSTEMS = ("gen_ai.system_instructions", "system_instructions", "systemInstruction", "system_instruction")


def claims(payload: dict[str, Any]) -> bool:
    """Whether a payload is a set of GenAI span attributes."""
    dotted = any(key.startswith(("gen_ai.", "llm.", "ai.prompt", "ai.response")) for key in payload)
    return dotted or bool(_events(payload))


def _events(payload: dict[str, Any]) -> list[Any]:
    """Messages that were logged as events of a span (logfire)."""
    for name in ("events", "all_messages_events"):
        found = decoded(payload.get(name))
        if isinstance(found, list) and found and isinstance(found[0], dict) and "event.name" in found[0]:
            return found
    return []


def unwrapped(payload: Any) -> Any:  # noqa: ANN401 - recorded JSON
    """What the attribute says that carries a span's whole input or output; any other payload as it is."""
    if not isinstance(payload, dict) or payload.keys().isdisjoint(_WHOLES):
        return payload
    return decoded(next(value for name, value in payload.items() if name in _WHOLES))


def decoded(value: Any) -> Any:  # noqa: ANN401 - recorded JSON
    """A value that may be JSON text, once or twice, as what it says; other text as it is."""
    for _ in range(2):
        if not isinstance(value, str) or value[:1] not in ("[", "{", '"'):
            return value
        try:
            value = msgspec.json.decode(value)
        except REFUSED:
            return value
    return value


def _nest(tree: dict[str, Any], path: list[str], value: Any) -> None:  # noqa: ANN401 - recorded JSON
    for key in path[:-1]:
        found = tree.setdefault(key, {})
        if not isinstance(found, dict):
            return
        tree = found
    tree[path[-1]] = value


def _listed(value: Any) -> Any:  # noqa: ANN401 - recorded JSON
    """Dictionaries with keys 0, 1, 2 as lists."""
    if not isinstance(value, dict):
        return value
    value = {key: _listed(child) for key, child in value.items()}
    if value and all(key.isdigit() for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return value


def _flat_messages(payload: dict[str, Any], kinds: tuple[str, ...]) -> list[Any]:
    rows: dict[int, dict[str, Any]] = {}
    for key, value in payload.items():
        match = _FLAT.match(key)
        if match and any(kind in match[1] for kind in kinds):
            _nest(rows.setdefault(int(match[2]), {}), match[3].split("."), value)
    found = []
    for index in sorted(rows):
        row = _listed(rows[index])
        row = row.get("message", row) if isinstance(row, dict) else row
        if isinstance(row, dict):
            row = {key.removeprefix("message."): value for key, value in row.items()}
            row.setdefault("role", "assistant" if "completion" in kinds else "user")
            if _parts_text(row.get("content")):
                row["content"] = decoded(row["content"])
        found.append(row)
    return found


_BLOCK_KEYS = ('"type"', '"text"', '"toolUse"', '"toolResult"')


def _parts_text(value: Any) -> bool:  # noqa: ANN401 - recorded JSON
    """Whether a text is a list of content blocks; Bedrock's are told by their keys."""
    return isinstance(value, str) and value.startswith("[{") and any(key in value for key in _BLOCK_KEYS)


def prompt(payload: dict[str, Any]) -> list[Any] | None:
    """Prompt messages of span attributes, in the words of role dictionaries; None where there are none."""
    found = _flat_messages(payload, ("prompt", "input")) or _events(payload)
    if not found:
        for key in _PROMPTS:
            value = decoded(payload.get(key))
            if isinstance(value, dict) and "messages" in value:
                value = decoded(value["messages"])
            if isinstance(value, list):
                found = value
                break
            if isinstance(value, str) and value:
                found = [{"role": "user", "content": value}]
                break
    for key in _SYSTEMS:
        value = decoded(payload.get(key))
        if value:
            found = [{"role": "system", "content": value}, *found]
            break
    return found or None


def asked_model(payload: dict[str, Any]) -> str | None:
    """The model that a span's attributes say was asked: its own attribute, else what the request itself held."""
    found = payload.get("gen_ai.request.model")
    for name in ("llm.invocation_parameters", "input.value"):
        request = None if found else decoded(payload.get(name))
        found = request.get("model") if isinstance(request, dict) else found
    return found if isinstance(found, str) and found else None


def answer(payload: dict[str, Any]) -> list[Any] | None:
    """Produced messages of span attributes."""
    found = _flat_messages(payload, ("completion", "output")) or _events(payload)
    if found:
        return found
    for key in _ANSWERS:
        value = decoded(payload.get(key))
        if isinstance(value, list) and value:
            return value
        if isinstance(value, dict) and value:
            return [value]
        if isinstance(value, str) and value:
            return [{"role": "assistant", "content": value}]
    text, calls = payload.get("ai.response.text"), decoded(payload.get("ai.response.toolCalls"))
    if text is not None or calls:
        message = {"role": "assistant", "content": text, "tool_calls": calls if isinstance(calls, list) else None}
        return [message]
    return None
