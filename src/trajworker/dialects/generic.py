"""Shapes without a dialect of their own: tuples, nested envelopes, AutoGen and LlamaIndex messages, Gemini contents.

Everything else is kept raw.
"""

from typing import Any

from trajworker.dialects.blocks import read_content
from trajworker.dialects.draft import Draft
from trajworker.dialects.speech import Said, raw, speak, tool_draft
from trajworker.dialects.vocabulary import role_of

_PAIR = 2
_KEYED = frozenset({"system", "user", "assistant", "human", "ai"})
"""Roles that are the one key of a message: `{"user": "text"}`."""
_PYDANTIC = {
    "system-prompt": "system",
    "user-prompt": "user",
    "tool-return": "tool",
    "retry-prompt": "tool",
}
_AUTOGEN = {
    "SystemMessage": "system",
    "UserMessage": "user",
    "AssistantMessage": "assistant",
    "FunctionExecutionResultMessage": "tool",
}


def pair(item: list[Any]) -> list[Draft] | None:
    """A `("user", "text")` tuple."""
    if len(item) == _PAIR and role_of(item[0]) is not None and isinstance(item[0], str):
        return speak(item[0], item[1])
    return None


def claims(item: dict[str, Any]) -> bool:
    """Whether a dictionary tells its speaker under another name than `role`: chat logs, ShareGPT."""
    return "role" not in item and _spoken(item) is not None


def _spoken(item: dict[str, Any]) -> tuple[Any, Any] | None:
    """Who speaks and what is said, None where that is not told."""
    author = item.get("author") or item.get("speaker") or item.get("from") or item.get("sender")
    content = item.get("content", item.get("text", item.get("value", item.get("parts"))))
    return None if role_of(author) is None or content is None else (author, content)


def messages(item: dict[str, Any]) -> list[Draft] | None:
    """Messages of a dictionary that no dialect claims; None where its shape is unknown."""
    autogen = item.get("type")
    if isinstance(autogen, str) and autogen in _AUTOGEN and "content" in item:
        return _autogen(autogen, item)
    if item.get("kind") in ("request", "response") and isinstance(item.get("parts"), list):
        return _pydantic_ai(item)
    blocks = item.get("blocks")
    if isinstance(blocks, list) and role_of(item.get("role")):
        return speak(item["role"], blocks)
    spoken = _spoken(item)
    if spoken is not None:
        return speak(*spoken)
    if isinstance(item.get("parts"), list):
        return speak("user", item["parts"])
    word, text = next(iter(item.items())) if len(item) == 1 else (None, None)
    return speak(word, text) if word in _KEYED and isinstance(text, str) else None


def _autogen(kind: str, item: dict[str, Any]) -> list[Draft]:
    content = item["content"]
    if kind == "FunctionExecutionResultMessage" and isinstance(content, list):
        found = [part | {"type": "tool_result"} for part in content if isinstance(part, dict)]
        return [tool_draft(result) for result in read_content(found).results]
    if kind == "AssistantMessage" and isinstance(content, list):
        content = [part | {"type": "tool_call"} if isinstance(part, dict) and "arguments" in part else part
                   for part in content]  # fmt: skip
    thought = item.get("thought")
    source = item.get("source")
    said = Said(
        reasoning=thought if isinstance(thought, str) else None, name=source if isinstance(source, str) else None
    )
    return speak(_AUTOGEN[kind], content, said)


def _pydantic_ai(item: dict[str, Any]) -> list[Draft]:
    """pydantic-ai's own history: requests and responses made of parts."""
    if item["kind"] == "response":
        parts = [_part(part) for part in item["parts"] if isinstance(part, dict)]
        return speak("assistant", parts)
    drafts: list[Draft] = []
    for part in item["parts"]:
        if not isinstance(part, dict):
            continue
        word = _PYDANTIC.get(str(part.get("part_kind")))
        if word is None:
            drafts.append(raw(part))
            continue
        call_id = part.get("tool_call_id")
        name = part.get("tool_name")
        said = Said(
            tool_call_id=call_id if isinstance(call_id, str) else None,
            name=name if isinstance(name, str) else None,
            failed=part.get("part_kind") == "retry-prompt",
        )
        if word == "tool" and not name:
            word = "user"
        drafts += speak(word, part.get("content"), said)
    return drafts


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kind = part.get("part_kind")
    if kind == "tool-call":
        return {"type": "tool_call", "name": part.get("tool_name"), "args": part.get("args"),
                "id": part.get("tool_call_id")}  # fmt: skip
    if kind == "thinking":
        return {"type": "thinking", "thinking": part.get("content")}
    if kind == "text":
        return {"type": "text", "text": part.get("content")}
    return part
