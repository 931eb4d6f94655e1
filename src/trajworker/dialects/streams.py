"""Other providers' streams that were recorded piece by piece: Gemini, Ollama, Bedrock, Cohere, Vercel, plain texts."""

from itertools import pairwise
from typing import Any

from trajworker.dialects.objects import held

_PIECE = ("delta", "token", "chunk")
"""Names that a text bears only where it grows piece by piece."""
_TYPED = frozenset({"type", "role", "lc", "kwargs"})
"""Fields of a block or a message."""
_WORDS = ("text", "content", "response", "answer")
"""Names that a text bears which may be whole."""
_SPEAKERS = ("assistant", "ai", "model", None)
_KINDS = ("text", "token", "chunk", "delta", "message", "done", "end", "final", None)
"""What apps call a piece, and its end; blocks and messages of other kinds are no pieces."""
_CONVERSE = frozenset({"messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop",
                       "metadata"})  # fmt: skip


def merge(items: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The whole answer of recorded pieces; None where they are of no known stream."""
    if all(isinstance(item.get("candidates"), list) for item in items):
        return _gemini(items)
    if all(isinstance(item.get("message"), dict) and "done" in item for item in items):
        return _ollama(items)
    if all(len(item) == 1 and not _CONVERSE.isdisjoint(item) for item in items):
        return _converse(items)
    kinds = {kind for item in items if isinstance(kind := item.get("type"), str)}
    if "message-start" in kinds or "content-delta" in kinds:
        return _cohere(items)
    if "text-delta" in kinds or "finish" in kinds:
        return _vercel(items)
    return _texts(items)


def _place(value: Any) -> int:  # noqa: ANN401 - recorded JSON
    return value if isinstance(value, int) else 0


def _grow(whole: dict[str, Any], piece: dict[str, Any], *names: str) -> None:
    """Write texts of a piece behind those of the whole."""
    for name in names:
        if isinstance(piece.get(name), str):
            before = whole.get(name)
            whole[name] = (before if isinstance(before, str) else "") + piece[name]


def _told(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if value is not None}


def _gemini(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Parts side by side; those of one text are one part."""
    whole: dict[str, Any] = {}
    first: dict[str, Any] = {}
    parts: list[dict[str, Any]] = []
    for item in items:
        whole |= _told(item)
        for candidate in item["candidates"]:
            if not isinstance(candidate, dict) or candidate.get("index"):
                continue
            first |= _told(candidate)
            for part in held(candidate, "content").get("parts") or ():
                if not isinstance(part, dict):
                    continue
                last = parts[-1] if parts else {}
                if "text" in part and "text" in last and part.get("thought") == last.get("thought"):
                    _grow(last, part, "text")
                else:
                    parts.append(dict(part))
    first["content"] = {"role": "model", "parts": parts}
    whole["candidates"] = [first]
    return whole


def _ollama(items: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    whole: dict[str, Any] = {}
    for item in items:
        whole |= _told(item)
        _grow(message, item["message"], "content", "thinking")
        calls = item["message"].get("tool_calls")
        if isinstance(calls, list):
            message["tool_calls"] = [*message.get("tool_calls", ()), *calls]
    whole["message"] = message
    return whole


def _converse(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Bedrock's blocks; arguments and thoughts stand one level deeper than texts."""
    blocks: dict[int, dict[str, Any]] = {}
    whole: dict[str, Any] = {}
    for item in items:
        ((kind, event),) = item.items()
        if not isinstance(event, dict):
            continue
        block = blocks.setdefault(_place(event.get("contentBlockIndex")), {}) if kind.startswith("contentBlock") else {}
        if kind == "contentBlockStart" and held(event, "start", "toolUse"):
            block["toolUse"] = {**event["start"]["toolUse"], "input": ""}
        elif kind == "contentBlockDelta":
            _grow(block, held(event, "delta"), "text")
            if "toolUse" in block:
                _grow(block["toolUse"], held(event, "delta", "toolUse"), "input")
            if held(event, "delta", "reasoningContent"):
                thought = block.setdefault("reasoningContent", {"reasoningText": {}})["reasoningText"]
                _grow(thought, event["delta"]["reasoningContent"], "text", "signature")
        elif kind in ("messageStop", "metadata"):
            whole |= event
    whole["output"] = {"message": {"role": "assistant", "content": [blocks[place] for place in sorted(blocks)]}}
    return whole


def _cohere(items: list[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {"role": "assistant", "content": ""}
    calls: dict[int, dict[str, Any]] = {}
    for item in items:
        said = held(item, "delta", "message")
        _grow(whole, said, "tool_plan")
        content = held(said, "content")
        if content.get("text"):
            _grow(whole, {"content": content["text"]}, "content")
        made = held(said, "tool_calls")
        if made:
            call = calls.setdefault(_place(item.get("index")), {"type": "function", "function": {}})
            call |= {"id": made["id"]} if made.get("id") else {}
            _grow(call["function"], held(made, "function"), "name", "arguments")
        if item.get("type") == "message-end":
            whole |= held(item, "delta")
    if calls:
        whole["tool_calls"] = [calls[place] for place in sorted(calls)]
    return whole


def _vercel(items: list[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {"text": "", "toolCalls": []}
    for item in items:
        kind = item.get("type")
        if kind in ("text-delta", "reasoning-delta", "reasoning"):
            text = next((item[name] for name in ("text", "delta", "textDelta") if isinstance(item.get(name), str)), "")
            _grow(whole, {"text" if kind == "text-delta" else "reasoning": text}, "text", "reasoning")
        elif kind == "tool-call":
            whole["toolCalls"].append(item)
        elif kind in ("finish", "finish-step", "step-finish"):
            whole |= {name: item[name] for name in ("finishReason", "usage", "totalUsage") if item.get(name)}
    return whole


def _texts(items: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Texts under one name, and what else the last pieces tell."""
    name = _name_of_pieces(items)
    if name is None:
        return None
    texts = [item[name] for item in items if isinstance(item.get(name), str)]
    whole: dict[str, Any] = {}
    for item in items:
        whole |= {key: value for key, value in _told(item).items() if key != name and key not in _TYPED}
    ends_whole = name not in _PIECE and (texts[-1] == "".join(texts[:-1]) or _grow_on(texts))
    return {**whole, "content": texts[-1] if ends_whole else "".join(texts)}


def _name_of_pieces(items: list[dict[str, Any]]) -> str | None:
    """The name under which each item has a piece of one text; None where they are something else."""
    names = (*_PIECE, "response") if "done" in items[0] else _PIECE
    if all(_TYPED.isdisjoint(item) for item in items):
        found = next((name for name in names if isinstance(items[0].get(name), str)), None)
        if found is not None:
            return found if isinstance(items[1].get(found), str) else None
    if any(item.get("role", "assistant") not in _SPEAKERS or item.get("type", "text") not in _KINDS for item in items):
        return None
    for name in _WORDS:
        texts = [item[name] for item in items if isinstance(item.get(name), str)]
        if len(texts) > 1 and len(texts) + 1 >= len(items) and (_grow_on(texts) or _run_on(texts)):
            return name
    return None


def _grow_on(texts: list[str]) -> bool:
    """Whether each text is the one before and more."""
    return all(later.startswith(text) and later != text for text, later in pairwise(texts))


def _run_on(texts: list[str]) -> bool:
    """Whether texts are cut inside a sentence: there is a space at most of the seams."""
    seams = [text[-1:] + later[:1] for text, later in pairwise(texts)]
    return 2 * sum(" " in seam for seam in seams) >= len(seams)
