"""The producers' words in ours: roles, finish reasons and token usage."""

import re
from typing import Any

from trajworker.model.message import Role
from trajworker.model.run import LARGEST_COUNT, a_count

ROLES: dict[str, Role] = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "systemmessage": Role.SYSTEM,
    "systemmessagechunk": Role.SYSTEM,
    "user": Role.USER,
    "human": Role.USER,
    "humanmessage": Role.USER,
    "humanmessagechunk": Role.USER,
    "assistant": Role.ASSISTANT,
    "ai": Role.ASSISTANT,
    "aimessage": Role.ASSISTANT,
    "aimessagechunk": Role.ASSISTANT,
    "model": Role.ASSISTANT,
    "chatbot": Role.ASSISTANT,
    "bot": Role.ASSISTANT,
    "gpt": Role.ASSISTANT,
    "tool": Role.TOOL,
    "toolmessage": Role.TOOL,
    "toolmessagechunk": Role.TOOL,
    "function": Role.TOOL,
    "functionmessage": Role.TOOL,
    "functionmessagechunk": Role.TOOL,
    "ipython": Role.TOOL,
    "tool_execution_result": Role.TOOL,
    "tool_result": Role.TOOL,
}

FINISH_REASONS: dict[str, str] = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "end": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "complete": "stop",
    "completed": "stop",
    "finish": "stop",
    "finished": "stop",
    "pause_turn": "stop",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool-calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "function_calls": "tool_calls",
    "tool_execution": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "token_limit": "length",
    "incomplete": "length",
    "content_filter": "content_filter",
    "content-filter": "content_filter",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    "refusal": "content_filter",
    "safety": "content_filter",
    "recitation": "content_filter",
    "language": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
    "image_safety": "content_filter",
    "error_toxic": "content_filter",
    "malformed_function_call": "tool_calls",
}


_CLASS_ENDING = re.compile("_(?:message|turn)$")
"""How names of classes end that say whose message they hold: `UserMessage`, `my.app.UserTurn`."""


def role_of(word: Any) -> Role | None:  # noqa: ANN401 - recorded JSON
    """The role a producer's word stands for, None where it stands for none."""
    if not isinstance(word, str):
        return None
    return ROLES.get(word.lower()) or ROLES.get(_CLASS_ENDING.sub("", snake(word.rpartition(".")[2])))


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake(name: str) -> str:
    """A name in snake case, however it was written: `toolCalls`, `ToolCalls`, `_toolCalls` and `$toolCalls`."""
    return _HUMP.sub("_", name.lstrip("_$")).lower()


_WORDS = ("unified", "raw", "reason", "type", "finish_reason")
"""Names of the word in a finish reason that is an object; a stream's last choice may stand in its place."""


def finish_reason(word: Any, *, calls: bool = False) -> str | None:  # noqa: ANN401 - recorded JSON
    """A finish reason in OpenAI's words; an unknown one as it is, None where nothing was told.

    Gemini says STOP where it calls tools: with `calls` that is `tool_calls`.
    """
    known = FINISH_REASONS.get(word) if type(word) is str else None
    if known is not None:
        return known
    if isinstance(word, dict):
        word = next((told for name in _WORDS if (told := word.get(name))), None)
    if isinstance(word, list):
        word = word[0] if word else None
    if isinstance(word, str) and word[:1] in ("[", '"'):  # a span's attribute written as JSON
        word = word.strip('[]" ').partition('"')[0]
    if not isinstance(word, str) or not word:
        return None
    plain = word.rsplit(".", 1)[-1]
    reason = FINISH_REASONS.get(plain.lower()) or FINISH_REASONS.get(snake(plain), word)
    if calls and word in ("STOP", "FinishReason.STOP"):
        return "tool_calls"
    return reason


_Names = dict[str, None]
"""Names for one count, of which the first counts; as a dictionary, in which it shows at once that none is there."""


def _count(source: dict[str, Any], names: _Names) -> int | None:
    if names.keys().isdisjoint(source):
        return None
    for name in names:
        value = source.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return a_count(value)
        if isinstance(value, str) and value.isdecimal():  # REST producers write 64 bit integers as text
            return a_count(int(value))
    return None


_INPUT: _Names = dict.fromkeys((
    "input_tokens", "prompt_tokens", "promptTokens", "inputTokens", "prompt_token_count", "promptTokenCount",
    "input_token_count", "inputTokenCount", "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt", "ai.usage.promptTokens", "ai.usage.inputTokens", "prompt_eval_count",
))  # fmt: skip
_OUTPUT: _Names = dict.fromkeys((
    "output_tokens", "completion_tokens", "completionTokens", "outputTokens", "candidates_token_count",
    "candidatesTokenCount", "output_token_count", "outputTokenCount", "generated_tokens",
    "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens",
    "llm.token_count.completion", "ai.usage.completionTokens", "ai.usage.outputTokens", "eval_count",
))  # fmt: skip
_TOTAL: _Names = dict.fromkeys((
    "total_tokens", "totalTokens", "total_token_count", "totalTokenCount", "gen_ai.usage.total_tokens",
    "llm.usage.total_tokens", "llm.token_count.total",
))  # fmt: skip
_READ: _Names = dict.fromkeys((
    "cache_read_input_tokens", "cacheReadInputTokens", "cached_content_token_count", "cachedContentTokenCount",
    "cachedInputTokens", "cached_tokens", "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens", "prompt_cache_hit_tokens",
))  # fmt: skip
_WRITE: _Names = dict.fromkeys((
    "cache_creation_input_tokens", "cacheCreationInputTokens", "cacheWriteInputTokens",
    "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens",
))  # fmt: skip
_REASONING: _Names = dict.fromkeys(
    ("reasoning_tokens", "reasoningTokens", "thoughts_token_count", "thoughtsTokenCount")
)
_DETAILS_IN: _Names = dict.fromkeys((
    "input_token_details", "inputTokenDetails", "prompt_tokens_details", "promptTokensDetails",
    "input_tokens_details", "inputTokensDetails",
))  # fmt: skip
_DETAILS_OUT: _Names = dict.fromkeys((
    "output_token_details", "outputTokenDetails", "completion_tokens_details", "completionTokensDetails",
    "output_tokens_details", "outputTokensDetails",
))  # fmt: skip
_RENAMED = {
    "cached_tokens": "cache_read", "cachedTokens": "cache_read", "cacheReadTokens": "cache_read",
    "cache_write_tokens": "cache_creation", "cacheWriteTokens": "cache_creation",
    "reasoning_tokens": "reasoning", "reasoningTokens": "reasoning", "audio_tokens": "audio",
}  # fmt: skip
_NESTED = "tokens"
"""Under which name counts stand beside what is billed (Cohere)."""
_EXCLUDES_CACHE = frozenset({"cache_creation_input_tokens", "cacheCreationInputTokens", "cache_read_input_tokens"})


def _details(source: dict[str, Any], names: _Names) -> dict[str, int]:
    if names.keys().isdisjoint(source):
        return {}
    for name in names:
        found = source.get(name)
        if isinstance(found, dict):
            return {
                _RENAMED.get(key, key): count
                for key, value in found.items()
                if isinstance(key, str)
                and isinstance(value, (int, float))
                and not isinstance(value, bool)
                and (count := a_count(value))
            }
    return {}


_PLAIN_DETAILS = ("input_token_details", "output_token_details")
_PLAIN = frozenset({"input_tokens", "output_tokens", "total_tokens", *_PLAIN_DETAILS})


def _is_plain(source: dict[str, Any]) -> bool:
    """Whether counts are worded as ours already."""
    if not source.keys() <= _PLAIN or not source.get("total_tokens"):
        return False
    given, made, total = source.get("input_tokens"), source.get("output_tokens"), source["total_tokens"]
    if not (given or made) or type(given) is not int or type(made) is not int or type(total) is not int:
        return False
    return abs(given) <= LARGEST_COUNT and abs(made) <= LARGEST_COUNT and abs(total) <= LARGEST_COUNT


def _plain(source: dict[str, Any]) -> dict[str, Any]:
    """Counts that are worded as ours already, without details that say nothing."""
    if source.keys().isdisjoint(_PLAIN_DETAILS):
        return source
    for name in _PLAIN_DETAILS:
        if name not in source:
            continue
        details = source[name]
        if isinstance(details, dict):
            told = {key: value for key, value in details.items() if type(value) is int and a_count(value)}
            if len(told) < len(details):
                source = {key: value for key, value in source.items() if key != name}
                if told:
                    source[name] = told
        else:
            source = {key: value for key, value in source.items() if key != name}
    return source


def usage(source: Any) -> dict[str, Any] | None:  # noqa: ANN401 - recorded JSON
    """Token counts as LangSmith words them (`input_tokens` includes cache reads and writes), None where none are told.

    Anthropic's own usage leaves cached tokens out of `input_tokens`; they are added, as are Bedrock's where the total
    tells that they stand beside. Zero over all counts (a stream without usage) is unknown, not zero.
    """
    if not isinstance(source, dict) or not source:
        return None
    if _is_plain(source):
        return _plain(source)
    if isinstance(source.get(_NESTED), dict):
        source = source[_NESTED]
    given, made, total = _count(source, _INPUT), _count(source, _OUTPUT), _count(source, _TOTAL)
    if not (given or made or total):
        return None
    read, written, thought = _count(source, _READ), _count(source, _WRITE), _count(source, _REASONING)
    if given is not None and "total_tokens" not in source and not _EXCLUDES_CACHE.isdisjoint(source):
        given += (read or 0) + (written or 0)
    beside = total - given - (made or 0) if given is not None and total is not None else 0
    if given is not None and beside == (read or 0) + (written or 0) != thought:
        given += beside
    result: dict[str, Any] = sides(given, made, total)
    told = {"cache_read": read, "cache_creation": written}
    details = {name: count for name, count in told.items() if count} | _details(source, _DETAILS_IN)
    if details:
        result["input_token_details"] = details
    details = ({"reasoning": thought} if thought else {}) | _details(source, _DETAILS_OUT)
    if details:
        result["output_token_details"] = details
    return result


def sides(given: int | None, made: int | None, total: int | None) -> dict[str, int]:
    """Counts as LangSmith words them: a side that nobody told follows from the other and the total, or is left out.

    A total beside nothing but zeros is all that was told.
    """
    if total and not given and not made:
        return {"total_tokens": total}
    if total and given is None:
        given = max(total - (made or 0), 0)
    if total and made is None:
        made = max(total - (given or 0), 0)
    told = {"input_tokens": given, "output_tokens": made, "total_tokens": total or (given or 0) + (made or 0)}
    return {name: count for name, count in told.items() if count is not None}


_SIDES = (("prompt", "completion"), ("input", "output"), ("in", "out"))


def by_side(payload: dict[str, Any]) -> dict[str, Any] | None:
    """Counts that bear no more than the name of a side: `{"tokens": {"prompt": 7, "completion": 3}}`."""
    for name in ("tokens", "usage", "token_usage", "token_count", "token_counts"):
        told = payload.get(name)
        if not isinstance(told, dict):
            continue
        given = usage(told)
        for asked, said in _SIDES:
            if given is None and isinstance(told.get(asked), int) and isinstance(told.get(said), int):
                given = usage({"input_tokens": told[asked], "output_tokens": told[said]})
        if given is not None:
            return given
    return None
