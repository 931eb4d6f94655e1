"""OpenAI Responses items: one assistant message is several items (reasoning, calls, message).

The JS Agents SDK spells some otherwise: `callId`, `function_call_result`.

Recorded shapes: payload-shapes.md (`wrap_openai_responses`, `js_langsmith`), langsmith-api.md 9.2 and 9.8.
"""

from typing import Any

from trajworker.dialects.blocks import Result, read_content, result_of
from trajworker.dialects.calls import tool_call
from trajworker.dialects.draft import Draft, as_text
from trajworker.dialects.placeholders import id_of
from trajworker.dialects.speech import merge_calls, tool_draft
from trajworker.dialects.vocabulary import role_of
from trajworker.model.message import ASSISTANT

NAME = "openai_responses"
_CALLS = frozenset({"function_call", "custom_tool_call", "computer_call", "local_shell_call", "shell_call"})
_OUTPUTS = frozenset(
    {"function_call_output", "custom_tool_call_output", "computer_call_output", "local_shell_call_output",
     "shell_call_output", "function_call_result", "computer_call_result"}
)  # fmt: skip
_HOSTED = frozenset(
    {"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call",
     "hosted_tool_call", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "item_reference",
     "compaction"}
)  # fmt: skip
_KINDS = _CALLS | _OUTPUTS | _HOSTED | {"reasoning"}


def claims(item: dict[str, Any]) -> bool:
    """Whether a recorded entry is a Responses item (messages among them have type `message`)."""
    kind = item.get("type")
    if kind == "message":
        return isinstance(item.get("role"), str)
    return isinstance(kind, str) and kind in _KINDS and "role" not in item


def _thoughts(item: dict[str, Any]) -> str | None:
    for name in ("summary", "content"):
        parts = item.get(name)
        if isinstance(parts, str) and parts:
            return parts
        if isinstance(parts, list):
            texts = [part if isinstance(part, str) else part.get("text") for part in parts
                     if isinstance(part, (str, dict))]  # fmt: skip
            joined = " ".join(text for text in texts if isinstance(text, str) and text)
            if joined:
                return joined
    return None


def is_assistant(item: dict[str, Any]) -> bool:
    """Whether an item is part of an assistant message (which the next such item continues)."""
    kind = item.get("type")
    if kind == "message" or "role" in item:
        return role_of(item.get("role")) is ASSISTANT
    return kind not in _OUTPUTS


def assistant(items: list[dict[str, Any]]) -> Draft:
    """One assistant message out of its items; items that are no text are kept as blocks."""
    draft = Draft(role=ASSISTANT)
    texts: list[str] = []
    thoughts: list[str] = []
    refusals: list[str] = []
    kept = False
    for item in items:
        kind = item.get("type")
        if kind in _CALLS:
            given = item.get("arguments", item.get("input", item.get("action")))
            name = item.get("name") or str(kind).removesuffix("_call")
            call = tool_call(name, given, item.get("call_id") or item.get("callId") or item.get("id"))
            draft.tool_calls = (*(draft.tool_calls or ()), call)
        elif kind == "reasoning":
            kept = kept or bool(item.get("encrypted_content"))
            thought = _thoughts(item)
            if thought:
                thoughts.append(thought)
        elif kind in _HOSTED:
            kept = True
        else:
            content = read_content(item.get("content"))
            texts += content.texts
            refusals += content.refusals
            thoughts += content.thoughts
            kept = kept or content.opaque
            draft.id = draft.id or id_of(item.get("id"))
            if content.calls:
                draft.tool_calls = merge_calls(draft.tool_calls or (), content.calls)
    draft.content = "".join(texts)
    draft.reasoning = "\n".join(thoughts) or None
    draft.refusal = "\n".join(refusals) or None
    if kept:
        draft.blocks = tuple(items)
    return draft


def output(item: dict[str, Any]) -> Draft:
    """The tool message of a `function_call_output`."""
    found: Result = result_of(item)
    if isinstance(found.value, dict):
        found.value = as_text(found.value)
    return tool_draft(found)


def is_output(item: dict[str, Any]) -> bool:
    """Whether an item is a tool's answer."""
    return item.get("type") in _OUTPUTS
