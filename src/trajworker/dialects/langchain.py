"""LangChain's messages: lc constructors (Python and JS), the flattened form of chains, generations and prompts.

Recorded shapes: payload-shapes.md section 2 (`lc_create_agent`, `lc_llmchain`, `js_langgraph`), langsmith-api.md 9.5.
"""

from typing import Any

from trajworker.dialects.attachments import with_attachments
from trajworker.dialects.calls import call_of, calls_of, tool_call
from trajworker.dialects.draft import Draft
from trajworker.dialects.speech import Said, speak
from trajworker.dialects.vocabulary import role_of
from trajworker.model.message import ToolCall

NAME = "langchain"
_REMOVE = "remove"
_TYPES = frozenset(
    {"human", "ai", "system", "tool", "function", "chat", "developer", "generic", _REMOVE,
     "HumanMessage", "AIMessage", "SystemMessage", "ToolMessage", "FunctionMessage", "ChatMessage",
     "HumanMessageChunk", "AIMessageChunk", "SystemMessageChunk", "ToolMessageChunk", "FunctionMessageChunk",
     "ChatMessageChunk"}
)  # fmt: skip


def claims(item: dict[str, Any]) -> bool:
    """Whether a recorded message is written the LangChain way."""
    if "lc" in item and isinstance(item.get("kwargs"), dict):
        return True
    kind = item.get("type")
    if not isinstance(kind, str) or kind not in _TYPES or ("role" in item and _belies(item["role"], kind)):
        return False
    return "content" in item or "data" in item or kind == _REMOVE


def _belies(word: Any, kind: str) -> bool:  # noqa: ANN401 - recorded JSON
    """Whether a message bears another role than its type stands for: the type is that of a call it makes, say."""
    role, other = role_of(word), role_of(kind)
    return role is not None and other is not None and other is not role


def _body(item: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Type word and fields, whichever of the three envelopes they are in."""
    kwargs = item.get("kwargs")
    if "lc" in item and isinstance(kwargs, dict):
        path = item.get("id")
        word = path[-1] if isinstance(path, list) and path else kwargs.get("type")
        return str(word), kwargs
    data = item.get("data")
    if isinstance(data, dict) and "content" in data:
        return str(item["type"]), data
    return str(item["type"]), item


def _calls(body: dict[str, Any]) -> tuple[ToolCall, ...]:
    extra = body.get("additional_kwargs")
    extra = extra if isinstance(extra, dict) else {}
    given = body.get("tool_calls")
    calls: list[ToolCall] = []
    if isinstance(given, list):
        calls = calls_of(given)
    invalid = body.get("invalid_tool_calls")
    if isinstance(invalid, list):
        for entry in invalid:
            if isinstance(entry, dict) and (entry.get("name") or entry.get("id")):  # else a hosted tool's arguments
                broken = tool_call(entry.get("name"), entry.get("args"), entry.get("id"), entry.get("error"))
                calls.append(broken)
    if not calls and isinstance(extra.get("tool_calls"), list):
        calls = calls_of(extra["tool_calls"])
    if not calls and isinstance(extra.get("function_call"), dict):
        legacy = call_of(extra["function_call"])
        calls = [legacy] if legacy is not None else []
    return tuple(calls)


def messages(item: dict[str, Any]) -> list[Draft]:
    """The messages a recorded one holds; a RemoveMessage is an instruction to the graph, not a message."""
    word, body = _body(item)
    if word in (_REMOVE, "RemoveMessage"):
        return []
    if word in ("chat", "ChatMessage", "ChatMessageChunk", "generic"):
        word = body.get("role") or "user"
    extra = body.get("additional_kwargs")
    extra = extra if isinstance(extra, dict) else {}
    reasoning = extra.get("reasoning_content")
    if not isinstance(reasoning, str):
        summary = extra.get("reasoning")
        reasoning = _summary(summary) if isinstance(summary, dict) else None
    refusal = extra.get("refusal")
    tool_call_id = body.get("tool_call_id")
    content = with_attachments(body.get("content"), extra)
    given_id = body.get("id")
    name = body.get("name")
    drafts = speak(
        word if role_of(word) else body.get("role"),
        "" if content is None else content,
        Said(
            calls=_calls(body),
            id=given_id if isinstance(given_id, str) else None,
            name=name if isinstance(name, str) else None,
            reasoning=reasoning or None,
            refusal=refusal if isinstance(refusal, str) and refusal else None,
            tool_call_id=str(tool_call_id) if tool_call_id is not None else None,
            failed=body.get("status") == "error",
        ),
    )
    if extra.get("lc_source") == "summarization":
        for draft in drafts:
            draft.flags = ("summary",)
    return drafts


def _summary(reasoning: dict[str, Any]) -> str | None:
    """Responses' reasoning as LangChain keeps it beside the message."""
    parts = reasoning.get("summary")
    if not isinstance(parts, list):
        return None
    return " ".join(str(part["text"]) for part in parts if isinstance(part, dict) and part.get("text")) or None
