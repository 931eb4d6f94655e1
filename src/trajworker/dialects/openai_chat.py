"""Role dictionaries: OpenAI chat completions, Anthropic's messages, and everybody who copied them.

`{"role", "content", "tool_calls" | "function_call", "tool_call_id", "reasoning_content", "refusal"}`; contents may be
blocks in any vendor's words. Recorded shapes: payload-shapes.md (`wrap_openai_chat`, `wrap_anthropic_create`).
"""

from typing import Any

from trajworker.dialects import ui_messages
from trajworker.dialects.attachments import with_attachments
from trajworker.dialects.calls import call_of, calls_of
from trajworker.dialects.draft import Draft
from trajworker.dialects.otel import decoded
from trajworker.dialects.speech import Said, speak
from trajworker.dialects.vocabulary import ROLES
from trajworker.model.message import ASSISTANT, TOOL, ToolCall

NAME = "openai_chat"
_PLAIN = frozenset({"role", "content"})
_TEXTUAL = (str, type(None))


_THOUGHT_TEXTS = ("reasoning_content", "reasoning", "thinking", "reasoningText", "tool_plan", "toolPlan")
"""Fields in which a message's reasoning is a text, the likeliest first."""
_THOUGHTS = frozenset({*_THOUGHT_TEXTS, "reasoning_details", "thinking_blocks"})

_RARE = _THOUGHTS | {
    "parts", "contents", "blocks", "text", "name", "toolName", "tool_name", "id", "source", "is_summary", "toolCalls",
    "tool_call", "additional_kwargs", "audio", "images", "message", "toolInvocations",
}  # fmt: skip
"""Fields of a role dictionary that take more than a look."""


def claims(item: dict[str, Any]) -> bool:
    """Whether a recorded message is a role dictionary."""
    return isinstance(item.get("role"), str)


def _calls(item: dict[str, Any]) -> tuple[ToolCall, ...]:
    given = item.get("tool_calls") or item.get("toolCalls") or item.get("tool_call")
    calls: list[ToolCall] = []
    if isinstance(given, str):  # written once more as JSON
        held = decoded(given)
        given = held if isinstance(held, list) else [held]
    if isinstance(given, dict):
        given = list(given.values()) if all(isinstance(value, dict) for value in given.values()) else [given]
    if isinstance(given, list):
        calls = calls_of(given)
    legacy = item.get("function_call")
    if not calls and isinstance(legacy, dict):
        call = call_of(legacy)
        calls = [call] if call is not None else []
    return tuple(calls)


def _reasoning(item: dict[str, Any]) -> str | None:
    if _THOUGHTS.isdisjoint(item):
        return None
    for name in _THOUGHT_TEXTS:
        value = item.get(name)
        if isinstance(value, str) and value:
            return value
    details = item.get("reasoning_details") or item.get("thinking_blocks")
    if isinstance(details, list):
        texts = [part.get("text") or part.get("summary") or part.get("thinking") for part in details
                 if isinstance(part, dict)]  # fmt: skip
        return "\n".join(text for text in texts if isinstance(text, str) and text) or None
    return None


def _content(item: dict[str, Any]) -> Any:  # noqa: ANN401 - recorded JSON
    for name in ("content", "parts", "contents", "blocks", "text"):
        if item.get(name) is not None:
            return with_attachments(item[name], item)
    if isinstance(item.get("message"), str):  # Cohere's first API
        return item["message"]
    return with_attachments(None, item)


def _plain(item: dict[str, Any]) -> Draft | None:
    """The one message of a dictionary that has nothing uncommon in it."""
    if item.keys() == _PLAIN and type(item["content"]) is str:
        role = ROLES.get(item["role"])
        if role is not None and role is not TOOL:
            return Draft(role=role, content=item["content"])
    if _RARE.isdisjoint(item) and item["role"] == "assistant" and type(item.get("content")) in _TEXTUAL:
        if item.get("annotations"):
            return None
        refusal = item.get("refusal")
        return Draft(
            role=ASSISTANT,
            content=item.get("content"),
            tool_calls=_calls(item) or None,
            refusal=refusal if isinstance(refusal, str) and refusal else None,
        )
    return None


def messages(item: dict[str, Any]) -> list[Draft]:
    """The messages a role dictionary holds: a user message with `tool_result` blocks holds tool messages."""
    plain = _plain(item)
    if plain is not None:
        return [plain]
    if ui_messages.claims(item):
        return [draft for message in ui_messages.unfolded(item) for draft in messages(message)]
    extra = item.get("additional_kwargs")
    if isinstance(extra, dict):  # LlamaIndex
        item = {**extra, **item}
    name = item.get("name") or item.get("toolName") or item.get("tool_name")
    refusal = item.get("refusal")
    given_id = item.get("id")
    tool_call_id = item.get("tool_call_id") or item.get("toolCallId") or item.get("tool_use_id")
    if tool_call_id is None and "event.name" in item:
        tool_call_id = given_id  # an OTel event's `id` is the id of the call it answers
    drafts = speak(
        item["role"],
        _content(item),
        Said(
            calls=_calls(item),
            id=given_id if isinstance(given_id, str) else None,
            name=name if isinstance(name, str) else None,
            reasoning=_reasoning(item),
            refusal=refusal if isinstance(refusal, str) and refusal else None,
            tool_call_id=str(tool_call_id) if tool_call_id is not None else None,
            failed=bool(item.get("is_error") or item.get("isError")) or item.get("status") == "error",
        ),
    )
    if item.get("source") == "agentSummary" or item.get("is_summary") is True:
        for draft in drafts:
            draft.flags = ("summary",)
    return drafts
