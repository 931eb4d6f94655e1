"""Content of a message: text, or a list of blocks in any vendor's words, taken apart into what it says and does.

Sources: payload-shapes.md section 2, langsmith-api.md section 9 (Anthropic, OpenAI, Gemini, Bedrock, OTel GenAI parts,
Vercel AI SDK parts, LangChain standard content).
"""

from typing import Any

from msgspec import Struct

from trajworker.dialects.calls import call_of, first_of
from trajworker.dialects.draft import as_text
from trajworker.dialects.placeholders import text_of
from trajworker.dialects.vocabulary import snake
from trajworker.model.message import ToolCall

_TEXT = frozenset({"text", "input_text", "output_text", "summary_text", "plain_text", "text_delta"})
_THOUGHT = frozenset({"thinking", "reasoning", "reasoning_content", "thought"})
_CALL = frozenset({"tool_use", "tool_call", "tool-call", "function_call", "function", "tool_call_chunk"})
_RESULT = frozenset(
    {"tool_result", "tool-result", "tool_call_response", "function_response", "function_call_output", "tool_response",
     "function_result", "tool_call_result"}
)  # fmt: skip
_NAMED = _CALL | _RESULT
"""Blocks that may stand under the name of what they are: `{"tool_call": {..}}`."""
_GEMINIS = "function_response"
"""Whose response is an object, the answer under a name: what the tool gave out, or its error."""
_PARTS = frozenset(
    {"text", "json", "image", "document", "video", "audio", "inline_data", "file_data", "message_content"}
)
"""Blocks that bear no type: Gemini's and Bedrock's, and OpenInference's name around one."""
_JSON = frozenset({"json", "error-json"})
"""Types of Vercel's output that is a value, whatever it looks like."""
_FAILED = frozenset({"error", "error-text", "error-json", "execution-denied", "failed"})

_TOOL_RESULT = frozenset({"type", "tool_use_id", "content"})
"""Anthropic's block as it nearly always is, read without looking for what other vendors write."""


class Result(Struct, gc=False):
    """A tool's answer inside a content list."""

    id: str | None
    name: str | None
    value: Any
    failed: bool
    blocks: tuple[Any, ...] | None = None


class Content(Struct, gc=False):
    """What a content says. `opaque` tells that some of it is not plain text, so that the blocks must be kept."""

    texts: list[str] = []
    thoughts: list[str] = []
    calls: list[ToolCall] = []
    results: list[Result] = []
    refusals: list[str] = []
    hosted: list[str] = []
    """Ids of calls that the provider itself carried out: blocks of the answer, and nobody's to answer."""
    opaque: bool = False

    def text(self, joint: str = "") -> str | None:
        """The text, None where there is no text block at all."""
        return joint.join(self.texts) if self.texts else None


def _unwrapped(value: Any) -> tuple[Any, bool]:  # noqa: ANN401 - recorded JSON
    """Vercel's typed output `{"type": "text", "value": ..}` as its value, and whether it tells a failure."""
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        return value, False
    if "value" in value:
        return value["value"], kind in _FAILED
    if kind in _TEXT and isinstance(value.get("text"), str):
        return value["text"], False
    if kind in _FAILED and isinstance(value.get("reason"), str):
        return value["reason"], True
    return value, False


def are_blocks(value: list[Any]) -> bool:
    """Whether a list that a tool gave back is content of a message, and no value: objects or words of its own."""
    return any(isinstance(one, dict) and _is_block(one) for one in value)


def _is_block(one: dict[str, Any]) -> bool:
    names = {snake(name) for name in one}
    return _kind(one) is not None or names <= _PARTS or not names.isdisjoint(_NAMED)


def result_of(block: dict[str, Any]) -> Result:
    """The tool's answer that a block stands for."""
    if block.keys() == _TOOL_RESULT and type(block["content"]) is str and type(block["tool_use_id"]) is str:
        return Result(id=block["tool_use_id"], name=None, value=block["content"], failed=False)
    held = _held_in(block)
    value, blocks, failed = _told_by(held, is_wrapped=held is not block or block.get("type") == _GEMINIS)
    call_id, name = _answered_by(block, held)
    return Result(id=call_id, name=name, value=value, failed=failed, blocks=blocks)


def _held_in(block: dict[str, Any]) -> dict[str, Any]:
    """The object that holds the answer: the block itself, or the one under the name of what it is."""
    held = block
    for name in ("function_response", "functionResponse", "toolResult", "tool_response"):
        if isinstance(block.get(name), dict):
            held = block[name]
    return held


def _told_by(held: dict[str, Any], *, is_wrapped: bool) -> tuple[Any, tuple[Any, ...] | None, bool]:
    """What an answer says: its value, its blocks where they are not all text, and whether it tells a failure.

    Where it `is_wrapped`, the value may lie in an object under the name of what it is: an output, or an error.
    """
    found = first_of(held, "content", "response", "result", "output")
    value, failed = _unwrapped(found)
    failed = failed or any(bool(held.get(name)) for name in ("is_error", "isError", "error"))
    failed = failed or (isinstance(held.get("status"), str) and held["status"] in _FAILED)
    if is_wrapped and isinstance(value, dict):
        failed = failed or value.keys() == {"error"}
        value = value["output"] if value.keys() == {"output"} else value
    is_json = isinstance(found, dict) and text_of(found.get("type")) in _JSON
    if is_json or not isinstance(value, list) or not are_blocks(value):
        return value, None, failed
    content = read_content(value)
    if not content.opaque:
        return content.text() if content.texts else value, None, failed
    return content.text(), tuple(value), failed


def _answered_by(block: dict[str, Any], held: dict[str, Any]) -> tuple[str | None, str | None]:
    """Id and name of the call that is answered, as far as they are told."""
    origin = held.get("origin")
    called: dict[str, Any] = origin if isinstance(origin, dict) else held
    call_id = first_of(block, "tool_use_id", "tool_call_id", "toolCallId", "call_id", "callId", "id")
    call_id = call_id or first_of(called, "toolUseId", "id", "tool_use_id", "tool_call_id")
    name = first_of(called, "name", "toolName", "tool_name", "function_name")
    return str(call_id) if call_id is not None else None, name if isinstance(name, str) else None


def _thought(block: dict[str, Any]) -> str | None:
    value = first_of(block, "thinking", "reasoning", "reasoning_content", "text", "content", "summary")
    if isinstance(value, dict):
        value = first_of(value, "text", "reasoningText")
        value = value.get("text") if isinstance(value, dict) else value
    if isinstance(value, list):
        value = " ".join(text for text in (_thought(part) for part in value if isinstance(part, dict)) if text)
    return value if isinstance(value, str) and value else None


def _read_untyped(block: dict[str, Any], into: Content) -> None:
    """Blocks that are told by their keys: Gemini and Bedrock parts."""
    if isinstance(block.get("text"), str):
        if block.get("thought"):
            into.thoughts.append(block["text"])
            into.opaque = True
        else:
            into.texts.append(block["text"])
            into.opaque = into.opaque or any(value for key, value in block.items() if key not in ("text", "thought"))
        return
    into.opaque = True
    name = snake(next(iter(block))) if len(block) == 1 else ""
    held = next(iter(block.values()), None)
    if name in _NAMED and isinstance(held, dict):
        _read_block({"type": name, **held}, into)
    elif isinstance(block.get("name"), str) and ("arguments" in block or "call_id" in block):
        _read_block({**block, "type": "tool_call" if "arguments" in block else "tool_result"}, into)
    elif (
        isinstance(block.get("function"), dict)
        or block.get("functionCall")
        or block.get("function_call")
        or block.get("toolUse")
    ):
        found = call_of(block)
        if found is not None:
            into.calls.append(found)
    elif block.get("functionResponse") or block.get("function_response") or block.get("toolResult"):
        into.results.append(result_of(block))
    elif name == "json":
        into.texts.append(as_text(held) or "")
    elif block.get("reasoningContent"):
        into.thoughts += filter(None, [_thought({"content": block["reasoningContent"]})])


def _kind(block: dict[str, Any]) -> str | None:
    """The type of a block, None where its keys tell it."""
    kind = block.get("type") or block.get("block_type") or block.get("kind") or block.get("$type")
    if not isinstance(kind, str):
        return None
    return kind if kind.islower() else snake(kind).removesuffix("_content")


def _read_text(block: dict[str, Any], into: Content) -> None:
    text = first_of(block, "text", "content", "value")
    if isinstance(text, dict) and isinstance(text.get("value"), str):  # the Assistants API has an object around it
        block, text = text, text["value"]
    words = text if isinstance(text, str) else (as_text(text) or "")
    if block.get("thought") is True:  # Gemini's, as langsmith's wrapper tells them
        into.thoughts.append(words)
        into.opaque = True
        return
    into.texts.append(words)
    into.opaque = into.opaque or bool(block.get("citations") or block.get("annotations"))


def _read_call(block: dict[str, Any], into: Content) -> None:
    into.opaque = True
    found = call_of(block)
    if found is not None and block.get("providerExecuted") is True:
        into.hosted.append(found.id or "")
    elif found is not None:
        into.calls.append(found)


def _read_block(block: dict[str, Any], into: Content) -> None:
    kind = _kind(block)
    if kind is None:
        _read_untyped(block, into)
    elif kind in _TEXT:
        _read_text(block, into)
    elif kind in _THOUGHT:
        into.opaque = True
        thought = _thought(block)
        if thought:
            into.thoughts.append(thought)
    elif kind in _CALL:
        _read_call(block, into)
    elif kind in _RESULT:
        into.opaque = True
        result = result_of(block)
        if result.id not in into.hosted:
            into.results.append(result)
    elif kind == "refusal":
        into.refusals.append(as_text(first_of(block, "refusal", "text")) or "")
    else:
        into.opaque = True
        into.texts += _in_words(block)


def _in_words(block: dict[str, Any]) -> list[str]:
    """What a block says that is no text: a recording's transcript, a document that a tool gave back (Cohere)."""
    if isinstance(block.get("transcript"), str):
        return [block["transcript"]]
    held = block.get("document")
    return [as_text(held.get("data")) or ""] if isinstance(held, dict) else []


def read_content(content: Any) -> Content:  # noqa: ANN401 - recorded JSON
    """Take a content apart, whatever vendor's words it is written in."""
    found = Content()
    if content is None:
        return found
    if isinstance(content, str):
        found.texts.append(content)
        return found
    if isinstance(content, dict):
        content = content["parts"] if isinstance(content.get("parts"), list) else [content]
    if not isinstance(content, list):
        found.texts.append(as_text(content) or "")
        found.opaque = True
        return found
    for block in content:
        if isinstance(block, str):
            found.texts.append(block)
        elif isinstance(block, dict):
            inner = block.get("message_content")  # OpenInference's name around a block
            _read_block(inner if isinstance(inner, dict) else block, found)
        else:
            found.opaque = True
    return found
