"""Token counts of any producer, worded as LangSmith words them."""

from typing import Any

from trajworker.model.run import LARGEST_COUNT, a_count

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
_CACHED = ("cache_", "ephemeral_")
"""How the names of cached tokens begin."""
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
    return _with_cache(source)


def _with_cache(told: dict[str, Any]) -> dict[str, Any]:
    """Counts with the cached tokens that an older wrapper for Anthropic left out: more of them than were given."""
    details = told.get(_PLAIN_DETAILS[0])
    if not details:
        return told
    cached = sum(count for name, count in details.items() if name.startswith(_CACHED))
    if cached <= told["input_tokens"]:
        return told
    return {**told, "input_tokens": told["input_tokens"] + cached, "total_tokens": told["total_tokens"] + cached}


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
