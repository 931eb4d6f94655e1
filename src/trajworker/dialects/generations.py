"""LangChain's results of a model: generations around a message, and what their metadata tell of finish and usage.

Recorded shapes: payload-shapes.md section 2 (`lc_create_agent`, `lc_llmchain`, `lc_anthropic`, `js_langgraph`).
"""

from typing import Any

from trajworker.dialects.draft import as_text
from trajworker.dialects.objects import held
from trajworker.dialects.outcome import Answer, finish_of, model_of, status_finish
from trajworker.dialects.reader import read_one
from trajworker.dialects.speech import speak
from trajworker.dialects.usage import usage

_COUNTS = ("token_usage", "tokenUsage", "usage", "estimatedTokenUsage")


def read_result(answer: Answer, payload: dict[str, Any]) -> None:
    """Fill an answer from `{"generations": [[..]], "llm_output": ..}`."""
    output = held(payload.get("llm_output") or payload.get("llmOutput"))
    rows = payload["generations"]
    flat = [one for row in rows for one in (row if isinstance(row, list) else [row]) if isinstance(one, dict)]
    found = [inner for inner in map(_generation, flat) if inner.draft is not None]
    drafts = [inner.draft for inner in found if inner.draft is not None]
    if drafts:
        first = found[0]
        answer.draft, answer.others = drafts[0], drafts[1:]
        answer.finish, answer.model = first.finish, first.model or model_of(output)
        answer.usage = first.usage or answer.usage
    if answer.usage is None:
        answer.usage = _usage(output)


def _generation(generation: dict[str, Any]) -> Answer:
    inner = Answer()
    message = generation.get("message")
    if isinstance(message, dict):
        read_message(inner, message)
    else:
        inner.draft = speak("assistant", as_text(generation.get("text")) or "")[0]
    info = held(generation.get("generation_info") or generation.get("generationInfo"))
    inner.finish = finish_of(info, calls=inner.calls) or inner.finish
    if inner.draft is not None:
        inner.draft.finish_reason = inner.finish
    return inner


def read_message(answer: Answer, message: dict[str, Any]) -> None:
    """Fill an answer from a message, with what its metadata tell.

    JS puts what an Anthropic stream says of itself into `additional_kwargs`.
    """
    drafts = read_one(message)
    if drafts:
        answer.draft = drafts[-1]
    body = held(message.get("kwargs") if "lc" in message else message)
    about, extra = held(body.get("response_metadata")), held(body.get("additional_kwargs"))
    answer.finish = answer.finish or finish_of(about, calls=answer.calls) or finish_of(extra, calls=answer.calls)
    answer.finish = answer.finish or status_finish(
        about.get("status"), about.get("incomplete_details"), calls=answer.calls
    )
    answer.model = answer.model or model_of(about) or model_of(extra)
    answer.usage = _with_cache(usage(body.get("usage_metadata")), about) or answer.usage or _usage(about)


def _with_cache(told: dict[str, Any] | None, about: dict[str, Any]) -> dict[str, Any] | None:
    """A message's counts, or Anthropic's own where older LangChain.js left out what was cached."""
    own = held(about.get("usage"))
    if told is None or own.get("input_tokens") != told.get("input_tokens"):
        return told
    whole = usage(own)
    return told if whole is None or whole.get("input_tokens") == told.get("input_tokens") else whole


def _usage(source: dict[str, Any]) -> dict[str, Any] | None:
    for name in _COUNTS:
        found = usage(source.get(name))
        if found is not None:
            return found
    return None


def sole(payload: dict[str, Any]) -> dict[str, Any] | None:
    """The one of Spring AI's results, each an output and what is told of it."""
    results = payload.get("results")
    one = results[0] if isinstance(results, list) and len(results) == 1 else None
    return one if isinstance(one, dict) and isinstance(one.get("output"), dict) else None
