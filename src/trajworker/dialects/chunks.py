"""Streams that were recorded chunk by chunk: OpenAI chat chunks and Anthropic events, put together as one answer."""

from typing import Any


def merge(items: list[Any]) -> dict[str, Any] | None:
    """The whole answer of recorded chunks; None where the items are no chunks of a known stream."""
    if not all(isinstance(item, dict) for item in items):
        return None
    if all("choices" in item for item in items):
        return _openai(items)
    kinds = {item.get("type") for item in items}
    if "content_block_delta" in kinds or "message_start" in kinds:
        return _anthropic(items)
    if "response.completed" in kinds:
        final = next(item for item in reversed(items) if item.get("type") == "response.completed")
        return final["response"] if isinstance(final.get("response"), dict) else None
    return None


def _openai(items: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None}
    whole: dict[str, Any] = {"choices": [{"index": 0, "message": message, "finish_reason": None}]}
    calls: dict[int, dict[str, Any]] = {}
    for item in items:
        for name in ("usage", "usage_metadata", "model", "id"):
            if item.get(name):
                whole[name] = item[name]
        for choice in item["choices"] or []:
            if not isinstance(choice, dict) or choice.get("index"):
                continue
            delta = choice.get("delta") or choice.get("message") or {}
            if choice.get("text"):
                delta = {"content": choice["text"]}
            for name in ("content", "refusal", "reasoning_content", "reasoning"):
                if isinstance(delta.get(name), str):
                    message[name] = (message.get(name) or "") + delta[name]
            if isinstance(delta.get("function_call"), dict):
                _join(message.setdefault("function_call", {}), delta["function_call"])
            for position, call in enumerate(delta.get("tool_calls") or []):
                kept = calls.setdefault(call.get("index", position), {"type": "function", "function": {}})
                if call.get("id"):
                    kept["id"] = call["id"]
                _join(kept["function"], call.get("function") or {})
            if choice.get("finish_reason"):
                whole["choices"][0]["finish_reason"] = choice["finish_reason"]
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    return whole


def _join(kept: dict[str, Any], delta: dict[str, Any]) -> None:
    if delta.get("name"):
        kept["name"] = kept.get("name", "") + delta["name"]
    if isinstance(delta.get("arguments"), str):
        kept["arguments"] = kept.get("arguments", "") + delta["arguments"]


def _anthropic(items: list[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {"role": "assistant", "content": []}
    blocks: dict[int, dict[str, Any]] = {}
    counts: dict[str, Any] = {}
    for item in items:
        started = item.get("message")
        if item.get("type") == "message_start" and isinstance(started, dict):
            whole |= {name: started[name] for name in ("id", "model") if name in started}
            counts |= started.get("usage") or {}
        elif item.get("type") == "content_block_start":
            blocks[item.get("index", len(blocks))] = dict(item.get("content_block") or {})
        elif item.get("type") == "content_block_delta":
            _block_delta(blocks.setdefault(item.get("index", 0), {"type": "text"}), item.get("delta") or {})
        elif item.get("type") == "message_delta":
            whole |= {"stop_reason": (item.get("delta") or {}).get("stop_reason")}
            counts |= {name: value for name, value in (item.get("usage") or {}).items() if value is not None}
    whole["content"] = [blocks[index] for index in sorted(blocks)]
    if counts:
        whole["usage"] = counts
    return whole


def _block_delta(block: dict[str, Any], delta: dict[str, Any]) -> None:
    for name in ("text", "thinking", "signature", "partial_json"):
        if isinstance(delta.get(name), str):
            block[name] = block.get(name, "") + delta[name]
