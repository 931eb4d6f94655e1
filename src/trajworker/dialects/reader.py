"""Reads any list of messages, or one message, whichever dialect they are written in."""

from collections.abc import Iterable
from typing import Any

from trajworker.dialects import generic, langchain, openai_chat, openai_responses, respelled
from trajworker.dialects.draft import Draft
from trajworker.dialects.span_items import joined
from trajworker.dialects.speech import raw, speak


def read_one(item: Any) -> list[Draft]:  # noqa: ANN401 - recorded JSON
    """The messages that one recorded entry holds: usually one; raw where no dialect knows it."""
    if isinstance(item, dict):
        return _read_dict(item)
    if isinstance(item, str):
        return speak("user", item)
    found = generic.pair(item) if isinstance(item, list) else None
    if found is not None:
        return found
    return [] if item is None else [raw(item)]


def _read_dict(item: dict[str, Any]) -> list[Draft]:
    if langchain.claims(item):
        return langchain.messages(item)
    if openai_responses.claims(item) and openai_responses.is_output(item):
        return [openai_responses.output(item)]
    if openai_responses.claims(item) and openai_responses.is_assistant(item):
        return [openai_responses.assistant([item])]
    if openai_chat.claims(item):
        return openai_chat.messages(item)
    if isinstance(item.get("message"), dict):
        return read_one(item["message"])
    return generic.messages(item) or respelled.messages(item) or [raw(item)]


def read_all(items: Iterable[Any]) -> list[Draft]:
    """Messages of a list; Responses items of one assistant message, in whichever form, become one message."""
    drafts: list[Draft] = []
    run: list[dict[str, Any]] = []
    for item in joined(list(items)):
        if not run and isinstance(item, dict) and "role" in item and "type" not in item and "lc" not in item:
            drafts += openai_chat.messages(item) if isinstance(item["role"], str) else read_one(item)
            continue
        if is_part(item):
            if run and _ends(run, item):
                drafts.append(openai_responses.assistant(run))
                run = []
            run.append(item)
            continue
        if run and is_words_of(item):
            run.append(item)
            continue
        if run:
            drafts.append(openai_responses.assistant(run))
            run = []
        drafts += read_one(item)
    if run:
        drafts.append(openai_responses.assistant(run))
    return drafts


def is_part(item: Any) -> bool:  # noqa: ANN401 - recorded JSON
    """Whether an entry may be one of several that are one assistant message."""
    return isinstance(item, dict) and openai_responses.claims(item) and openai_responses.is_assistant(item)


def is_words_of(item: Any) -> bool:  # noqa: ANN401 - recorded JSON
    """Whether an entry, behind such parts, is the words of their message: an assistant's role dictionary."""
    if not isinstance(item, dict) or item.get("role") != "assistant":
        return False
    return "tool_calls" not in item and not langchain.claims(item)


def _ends(run: list[dict[str, Any]], item: dict[str, Any]) -> bool:
    """Whether `item` begins another assistant message: reasoning behind a call or a text does."""
    return item.get("type") == "reasoning" and any(part.get("type") != "reasoning" for part in run)
