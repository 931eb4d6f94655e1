"""Streams that were recorded chunk by chunk: OpenAI chat chunks and Anthropic events, put together as one answer."""

from typing import Any

from trajworker.dialects import streams
from trajworker.dialects.objects import held

_EVENT = frozenset({"data"})
"""What Mistral's client puts around each chunk."""


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - recorded JSON
    return value if isinstance(value, list) else []


def _place(value: Any, default: int) -> int:  # noqa: ANN401 - recorded JSON
    return value if isinstance(value, int) else default


def merge(items: list[Any]) -> dict[str, Any] | None:
    """The whole answer of recorded chunks; None where the items are no chunks of a known stream."""
    if not all(isinstance(item, dict) for item in items):
        return None
    if all(item.keys() == _EVENT and isinstance(item["data"], dict) for item in items):
        items = [item["data"] for item in items]
    if all(isinstance(item.get("choices"), list) for item in items):
        return _openai(items)
    kinds = {kind for item in items if isinstance(kind := item.get("type"), str)}
    if "content_block_delta" in kinds or "message_start" in kinds:
        return _anthropic(items)
    if "response.completed" in kinds:
        final = next(item for item in reversed(items) if item.get("type") == "response.completed")
        return final["response"] if isinstance(final.get("response"), dict) else None
    return streams.merge(items) if len(items) > 1 else None


def _openai(items: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None}
    first: dict[str, Any] = {"index": 0, "message": message, "finish_reason": None}
    whole: dict[str, Any] = {"choices": [first]}
    calls: dict[int, dict[str, Any]] = {}
    for item in items:
        whole |= {name: item[name] for name in ("usage", "usage_metadata", "model", "id") if item.get(name)}
        for choice in item["choices"]:
            if isinstance(choice, dict) and not choice.get("index"):
                _openai_delta(choice, message, calls)
                told = choice.get("finish_reason") or choice.get("finishReason")
                first["finish_reason"] = told or first["finish_reason"]
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    return whole


def _openai_delta(choice: dict[str, Any], message: dict[str, Any], calls: dict[int, dict[str, Any]]) -> None:
    delta = held(choice.get("delta")) or held(choice.get("message"))
    if isinstance(choice.get("text"), str):
        delta = {"content": choice["text"]}
    for name in ("content", "refusal", "reasoning_content", "reasoning"):
        if isinstance(delta.get(name), str):
            message[name] = (message.get(name) or "") + delta[name]
    if isinstance(delta.get("function_call"), dict):
        _join(message.setdefault("function_call", {}), delta["function_call"])
    for position, call in enumerate(_list(delta.get("tool_calls") or delta.get("toolCalls"))):
        if isinstance(call, dict):
            _join_call(calls.setdefault(_place(call.get("index"), position), {}), call)


def _join_call(kept: dict[str, Any], delta: dict[str, Any]) -> None:
    kept |= {name: delta[name] for name in ("id", "type") if delta.get(name)}
    for name in ("function", "custom"):
        if isinstance(delta.get(name), dict):
            _join(kept.setdefault(name, {}), delta[name])


def _join(kept: dict[str, Any], delta: dict[str, Any]) -> None:
    for name in ("name", "arguments", "input"):
        if isinstance(delta.get(name), str):
            kept[name] = kept.get(name, "") + delta[name]


def _anthropic(items: list[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {"role": "assistant", "content": []}
    blocks: dict[int, dict[str, Any]] = {}
    counts: dict[str, Any] = {}
    for item in items:
        kind, place = item.get("type"), _place(item.get("index"), 0)
        if kind == "message_start":
            started = held(item.get("message"))
            whole |= {name: started[name] for name in ("id", "model") if name in started}
            counts |= held(started.get("usage"))
        elif kind == "content_block_start":
            blocks[place] = dict(held(item.get("content_block")))
        elif kind == "content_block_delta":
            _block_delta(blocks.setdefault(place, {"type": "text"}), held(item.get("delta")))
        elif kind == "message_delta":
            whole["stop_reason"] = held(item.get("delta")).get("stop_reason")
            counts |= {name: value for name, value in held(item.get("usage")).items() if value is not None}
    whole["content"] = [blocks[index] for index in sorted(blocks)]
    if counts:
        whole["usage"] = counts
    return whole


def _block_delta(block: dict[str, Any], delta: dict[str, Any]) -> None:
    for name in ("text", "thinking", "signature", "partial_json"):
        if isinstance(delta.get(name), str):
            block[name] = str(block.get(name) or "") + delta[name]
