"""From a role and a content to drafts: where tool results are told apart from what a user says."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from trajworker.dialects.blocks import Content, Result, are_blocks, read_content
from trajworker.dialects.draft import Draft, as_text
from trajworker.dialects.vocabulary import role_of
from trajworker.model.message import ASSISTANT, TOOL, USER, Role, ToolCall, ToolResponse

RAW = "raw"
UNREADABLE = (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError)
"""What a payload that breaks a dialect raises (msgspec's and Unicode errors are ValueErrors): it is kept raw."""


class Said(Struct, gc=False):
    """What stands beside the content of one recorded message."""

    calls: tuple[ToolCall, ...] = ()
    id: str | None = None
    name: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_call_id: str | None = None
    failed: bool = False


def raw(payload: Any) -> Draft:  # noqa: ANN401 - recorded JSON
    """A payload nobody recognises, kept as it was recorded."""
    return Draft(role=USER, blocks=(payload,), flags=(RAW,))


def is_raw(drafts: Iterable[Draft]) -> bool:
    """Whether any of these messages is such a payload."""
    return any(RAW in draft.flags for draft in drafts)


def tool_draft(result: Result) -> Draft:
    """A tool message out of a tool's answer; on a failure its text is the error, until the tool run tells more."""
    text = as_text(result.value)
    return Draft(
        role=TOOL,
        content=text,
        name=result.name,
        tool_response=ToolResponse(
            id=result.id,
            name=result.name,
            response=None if isinstance(result.value, str) else result.value,
            error=(text or "error") if result.failed else None,
        ),
        blocks=result.blocks,
    )


def merge_calls(first: tuple[ToolCall, ...], second: list[ToolCall]) -> tuple[ToolCall, ...]:
    """Calls told twice, beside the content and in its blocks, once: by id, else by name and arguments."""
    if not first:
        return tuple(second)
    ids = {call.id for call in first}
    names = [(call.name, call.arguments) for call in first]
    extra = [call for call in second if call.id not in ids and (call.id or (call.name, call.arguments) not in names)]
    if len(extra) == len(second) == len(first) and [(one.name, one.arguments) for one in extra] == names:
        return first  # the same calls under ids of two kinds (a Responses item's and its call's)
    return first + tuple(extra)


def speak(word: Any, content: Any, said: Said | None = None) -> list[Draft]:  # noqa: ANN401 - recorded JSON
    """The messages that one recorded message holds: tool results first, then what is left of it."""
    role = role_of(word)
    if role is None:
        draft = raw({"role": word, "content": content})
        draft.content = read_content(content).text()
        return [draft]
    return say(role, content, said or Said())


def say(role: Role, content: Any, beside: Said) -> list[Draft]:  # noqa: ANN401 - recorded JSON
    """The messages that one recorded message of a known role holds."""
    if (content is None or type(content) is str) and role is not TOOL:
        return [
            Draft(
                role=role,
                content=content,
                tool_calls=beside.calls or None,
                reasoning=beside.reasoning,
                id=beside.id,
                name=beside.name,
                refusal=beside.refusal,
            )
        ]
    if role is TOOL:
        return _tool_messages(content, beside)
    parts = read_content(content)
    drafts = [tool_draft(result) for result in parts.results]
    if drafts and not parts.texts and not parts.calls and not parts.thoughts:
        return drafts
    drafts.append(_message(role, content, parts, beside))
    return drafts


def _message(role: Role, content: Any, parts: Content, beside: Said) -> Draft:  # noqa: ANN401 - recorded JSON
    calls = merge_calls(tuple(call for call in beside.calls if call.id not in parts.hosted), parts.calls)
    joint = "" if role is ASSISTANT else "\n"
    text = parts.text(joint)
    if text is None and isinstance(content, (list, dict)) and role is ASSISTANT:
        text = ""
    kept = parts.opaque and isinstance(content, (list, dict))
    return Draft(
        role=role,
        content=text,
        tool_calls=calls or None,
        reasoning=beside.reasoning or "\n".join(parts.thoughts) or None,
        id=beside.id,
        name=beside.name,
        refusal=beside.refusal or "\n".join(parts.refusals) or None,
        blocks=(tuple(content) if isinstance(content, list) else (content,)) if kept else None,
    )


def _is_approval(block: Any) -> bool:  # noqa: ANN401 - recorded JSON
    """Whether a human lets a call pass, which is no result of it."""
    return isinstance(block, dict) and block.get("type") == "tool-approval-response"


def _tool_messages(content: Any, beside: Said) -> list[Draft]:  # noqa: ANN401 - recorded JSON
    if type(content) is str and not beside.failed:
        response = ToolResponse(id=beside.tool_call_id, name=beside.name)
        return [Draft(role=TOOL, content=content, name=beside.name, tool_response=response, id=beside.id)]
    parts = read_content(content) if isinstance(content, list) and are_blocks(content) else None
    if parts is not None and content and all(map(_is_approval, content)):
        return []
    if parts is not None and parts.results:
        return [tool_draft(result) for result in parts.results]
    blocks = None
    value = content
    if parts is not None and (parts.texts or parts.opaque):
        blocks = tuple(content) if parts.opaque else None
        value = parts.text()
    result = Result(id=beside.tool_call_id, name=beside.name, value=value, failed=beside.failed, blocks=blocks)
    draft = tool_draft(result)
    draft.id = beside.id
    return [draft]
