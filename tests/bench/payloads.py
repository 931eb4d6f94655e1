"""Payloads of llm and tool runs as three producers write them (langsmith-api.md section 9, the recorded corpus)."""

from typing import Any, Final

import msgspec

from bench.dialogues import Call, Dialect

_TOOL: Final = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
_encode = msgspec.json.Encoder().encode


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one llm call."""

    prompt: int
    completion: int

    def told(self) -> dict[str, int]:
        """As `usage_metadata`."""
        return {
            "input_tokens": self.prompt,
            "output_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
        }


LLM_NAMES = {Dialect.LANGCHAIN: "ChatOpenAI", Dialect.OPENAI: "ChatOpenAI", Dialect.ANTHROPIC: "ChatAnthropic"}
_OPENAI_MODEL = {"ls_provider": "openai", "ls_model_type": "chat", "ls_model_name": "gpt-4.1-mini"}
LLM_METADATA: dict[Dialect, dict[str, Any]] = {
    Dialect.LANGCHAIN: _OPENAI_MODEL | {"ls_integration": "langchain_chat_model"},
    Dialect.OPENAI: _OPENAI_MODEL,
    Dialect.ANTHROPIC: {"ls_provider": "anthropic", "ls_model_type": "chat", "ls_model_name": "claude-haiku-4-5"},
}
_OPENAI_TAIL: Final = (
    b'],"model":"gpt-4.1-mini","tools":'
    + _encode([{"type": "function", "function": {"name": "look_up", "description": "Look up.", "parameters": _TOOL}}])
    + b"}"
)
_ANTHROPIC_TAIL: Final = (
    b'],"max_tokens":2048,"model":"claude-haiku-4-5","tools":'
    + _encode([{"name": "look_up", "description": "Look up.", "input_schema": _TOOL}])
    + b"}"
)


def llm_inputs(dialect: Dialect, history: list[bytes]) -> bytes:
    """The whole history, with the tools."""
    said = b",".join(history)
    if dialect is Dialect.LANGCHAIN:
        return b'{"messages":[[' + said + b"]]}"
    return b'{"messages":[' + said + (_OPENAI_TAIL if dialect is Dialect.OPENAI else _ANTHROPIC_TAIL)


def message_of(dialect: Dialect, message: dict[str, Any], said_by: str) -> bytes:
    """A message as later calls repeat it in their inputs; `said_by` is an id that stays the same."""
    if dialect is Dialect.LANGCHAIN:
        return _encode(_langchain_message(message, said_by))
    if dialect is Dialect.OPENAI:
        return _encode(_openai_message(message))
    return _encode(_anthropic_message(message))


_CLASSES = {"system": "SystemMessage", "user": "HumanMessage", "assistant": "AIMessage", "tool": "ToolMessage"}
_TYPES = {"system": "system", "user": "human", "assistant": "ai", "tool": "tool"}


def _langchain_message(message: dict[str, Any], said_by: str, usage: Usage | None = None) -> dict[str, Any]:
    role = message["role"]
    kwargs: dict[str, Any] = {"content": message["content"], "type": _TYPES[role]}
    if role == "user":
        kwargs["id"] = said_by
    if role == "tool":
        kwargs |= {"name": message["name"], "tool_call_id": message["tool_call_id"], "status": "success"}
    if role == "assistant":
        calls = [
            {"name": c["name"], "args": c["arguments"], "id": c["id"], "type": "tool_call"}
            for c in message["tool_calls"]
        ]
        kwargs |= {"id": f"lc_run--{said_by}-0", "tool_calls": calls, "invalid_tool_calls": []}
        kwargs["response_metadata"] = {
            "model_name": "gpt-4.1-mini-2025-04-14",
            "finish_reason": "tool_calls" if calls else "stop",
        }
        if usage is not None:
            kwargs["usage_metadata"] = usage.told()
    kind = ["langchain", "schema", "messages", _CLASSES[role]]
    return {"lc": 1, "type": "constructor", "id": kind, "kwargs": kwargs}


def _openai_calls(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": c["id"],
            "type": "function",
            "function": {"name": c["name"], "arguments": _encode(c["arguments"]).decode()},
        }
        for c in calls
    ]


def _openai_message(message: dict[str, Any]) -> dict[str, Any]:
    told = {"role": message["role"], "content": message["content"]}
    if message["role"] == "tool":
        told["tool_call_id"] = message["tool_call_id"]
    if message.get("tool_calls"):
        told["tool_calls"] = _openai_calls(message["tool_calls"])
    return told


def _anthropic_message(message: dict[str, Any]) -> dict[str, Any]:
    if message["role"] == "tool":
        result = {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": message["content"]}
        return {"role": "user", "content": [result]}
    if message.get("tool_calls"):
        uses = [
            {"type": "tool_use", "id": c["id"], "name": c["name"], "input": c["arguments"]}
            for c in message["tool_calls"]
        ]
        text = [{"type": "text", "text": message["content"]}] if message["content"] else []
        return {"role": "assistant", "content": text + uses}
    return {"role": message["role"], "content": message["content"]}


def llm_outputs(dialect: Dialect, text: str, calls: tuple[Call, ...], usage: Usage, run_id: str) -> bytes:
    """What the model said."""
    told = [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in calls]
    message = {"role": "assistant", "content": text, "tool_calls": told}
    if dialect is Dialect.LANGCHAIN:
        reason = "tool_calls" if calls else "stop"
        generation = {
            "text": text,
            "generation_info": {"finish_reason": reason},
            "type": "ChatGeneration",
            "message": _langchain_message(message, run_id, usage),
        }
        return _encode({"generations": [[generation]], "llm_output": None, "run": None, "type": "LLMResult"})
    if dialect is Dialect.OPENAI:
        choice = {
            "index": 0,
            "finish_reason": "tool_calls" if calls else "stop",
            "message": _openai_message(message) | {"refusal": None},
        }
        return _encode(
            {
                "id": f"chatcmpl-{run_id}",
                "object": "chat.completion",
                "model": "gpt-4.1-mini-2025-04-14",
                "choices": [choice],
                "usage_metadata": usage.told(),
            }
        )
    answer: dict[str, Any] = {
        "id": f"msg_{run_id}",
        "role": "assistant",
        "model": "claude-haiku-4-5-20251001",
        "stop_reason": "tool_use" if calls else "end_turn",
        "content": (text or None) if calls else [{"type": "text", "text": text}],
        "usage_metadata": usage.told(),
    }
    if calls:
        answer["tool_calls"] = _openai_calls(told)
    return _encode(answer)


def tool_outputs(dialect: Dialect, call: Call) -> bytes:
    """What the tool gave back."""
    if dialect is not Dialect.LANGCHAIN:
        return _encode({"output": call.result})
    answer = {
        "content": call.result,
        "type": "tool",
        "name": call.name,
        "tool_call_id": call.id,
        "status": "success",
    }
    return _encode({"output": answer})
