"""Answers that a provider gave as choices or candidates, and what it told of them in objects of their own."""

from typing import Any

from trajworker.dialects import openai_chat
from trajworker.dialects.draft import Draft
from trajworker.dialects.outcome import Answer, finish_of, model_of
from trajworker.dialects.speech import Said, speak
from trajworker.dialects.usage import by_side, usage
from trajworker.dialects.vocabulary import finish_reason, snake

_ABOUT = frozenset({"response_meta", "meta", "metadata", "generation_info"})
"""Objects in which frameworks keep what a provider told of its answer."""
_ASSISTANT = {"role": "assistant"}


def read_about(answer: Answer, payload: dict[str, Any]) -> None:
    """What stands in an object of its own beside the words of a message."""
    for name, about in payload.items():
        if isinstance(about, dict) and snake(name) in _ABOUT:
            told = about.get("usage") or about.get("token_usage") or about.get("tokenUsage")
            answer.usage = answer.usage or usage(told) or usage(about) or by_side(about)
            answer.finish = answer.finish or finish_of(about, calls=answer.calls)
            answer.model = answer.model or model_of(about)


def read_choices(answer: Answer, choices: list[Any]) -> None:
    """OpenAI's choices, of which the first is the answer."""
    found: list[Draft] = []
    for choice in choices:
        if not isinstance(choice, dict):
            continue
        message = choice.get("message") or choice.get("delta") or (choice if "content" in choice else None)
        if isinstance(message, dict):
            drafts = openai_chat.messages(message if type(message.get("role")) is str else message | _ASSISTANT)
        else:
            drafts = speak("assistant", choice.get("text"))
        if drafts:
            drafts[-1].finish_reason = finish_of(choice, calls=False)
            read_about(answer, choice)
            found.append(drafts[-1])
    _adopt(answer, found)


def read_candidates(answer: Answer, candidates: list[Any]) -> None:
    """Gemini's candidates, of which the first is the answer."""
    found: list[Draft] = []
    for candidate in candidates:
        if isinstance(candidate, dict):
            draft = speak("assistant", candidate.get("content"), Said())[-1]
            word = candidate.get("finish_reason") or candidate.get("finishReason")
            draft.finish_reason = finish_reason(word, calls=bool(draft.tool_calls))
            found.append(draft)
    _adopt(answer, found)


def _adopt(answer: Answer, found: list[Draft]) -> None:
    if found:
        answer.draft, answer.others = found[0], found[1:]
        answer.finish = answer.finish or found[0].finish_reason
