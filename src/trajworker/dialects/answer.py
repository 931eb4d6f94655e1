"""The answer that a decoded payload holds: messages, finish reason, usage and the answering model."""

from typing import Any

from trajworker.dialects import (
    choices,
    chunks,
    events,
    generations,
    generic,
    langchain,
    openai_chat,
    openai_responses,
    otel,
    respelled,
    vercel,
)
from trajworker.dialects.draft import as_text
from trajworker.dialects.outcome import Answer, finish_of, model_of, status_finish
from trajworker.dialects.placeholders import is_placeholder
from trajworker.dialects.reader import read_all, read_one
from trajworker.dialects.speech import RAW, raw, speak
from trajworker.dialects.usage import by_side, usage
from trajworker.dialects.vocabulary import role_of
from trajworker.model.message import ASSISTANT

ANSWERS = ("output", "final_answer", "final", "text", "answer", "result", "response", "completion", "generated_text",
           "output_text", "content", "reply", "generated", "generation", "assistant", "message")  # fmt: skip
"""Names under which a payload holds an answer, the clearest first."""
_COUNTS = ("usage_metadata", "usage", "usageMetadata", "totalUsage", "token_usage", "tokenUsage", "meta")
BODY = frozenset({"choices", "candidates", "generations", "output", "message", "messages"})
"""Fields of which a provider's own answer has one."""
_NO_ANSWERS = frozenset({"error", "errors", "debug"})
_GOES_ON = ("tool_use", "pause_turn")
"""Why a message stopped behind which the same loop goes on."""
_NOT_YET = ("queued", "in_progress")
"""States of an answer that is made in the background."""


def answer_of(payload: Any) -> Answer:  # noqa: ANN401 - recorded JSON
    """The answer a decoded payload holds."""
    answer = Answer()
    if payload is None or payload in ({}, [], ""):
        return answer
    if isinstance(payload, dict):
        for name in _COUNTS:
            answer.usage = answer.usage or usage(payload.get(name))
        answer.usage = answer.usage or usage(payload) or by_side(payload)
        answer.model = model_of(payload)
        choices.read_about(answer, payload)
    _fill(answer, payload)
    if isinstance(payload, dict):
        answer.finish = finish_of(payload, calls=answer.calls) or answer.finish
        if payload.get("object") == "response":
            _from_status(answer, payload)
    draft = answer.draft
    if draft is None:
        return answer
    if draft.role is not ASSISTANT:
        draft.role = ASSISTANT
    if draft.finish_reason is None:
        draft.finish_reason = answer.finish
    return answer


def _fill(answer: Answer, payload: Any) -> None:  # noqa: ANN401 - recorded JSON
    if isinstance(payload, str):
        _from_texts(answer, [payload])
    elif isinstance(payload, list):
        _from_list(answer, payload)
    elif isinstance(payload, dict):
        _from_object(answer, payload)
    else:
        answer.draft = speak("assistant", as_text(payload))[0]


def _from_object(answer: Answer, payload: dict[str, Any]) -> None:  # noqa: C901, PLR0912 - one branch a shape
    if isinstance(payload.get("choices"), list) and payload["choices"]:
        choices.read_choices(answer, payload["choices"])
    elif isinstance(payload.get("choices"), dict) and payload["choices"]:  # Dify's one choice is the message
        _nested(answer, payload["choices"])
    elif isinstance(payload.get("generations"), list):
        generations.read_result(answer, payload)
    elif langchain.claims(payload):
        generations.read_message(answer, payload)
    elif isinstance(payload.get("candidates"), list) and payload["candidates"]:
        choices.read_candidates(answer, payload["candidates"])
    elif isinstance(payload.get("role"), str) and role_of(payload["role"]) is not None:
        drafts = read_one(payload)
        answer.draft = drafts[-1] if drafts else None
    elif _has_stopped(payload.get("message")):  # pieces of its text may stand beside it
        _nested(answer, payload["message"])
    elif isinstance(payload.get("output"), list) and payload["output"]:
        _from_list(answer, payload["output"])
        _from_status(answer, payload)
    elif (generation := generations.sole(payload)) is not None:
        choices.read_about(answer, generation)
        _nested(answer, generation["output"])
    elif isinstance(payload.get("llm_output"), dict):
        _nested(answer, payload["llm_output"])
        answer.usage = answer.usage or usage(payload["llm_output"].get("token_usage"))
    elif isinstance(payload.get("message"), dict):
        _nested(answer, payload["message"])
        _add_told(answer, payload.get("raw"))
    elif isinstance(held := payload.get("messages") or payload.get("replies"), list) and held:
        _from_list(answer, held)
    elif otel.claims(payload) and otel.answer(payload):
        _from_span(answer, payload)
    elif respelled.claims(payload) or generic.claims(payload):
        answer.draft = read_one(payload)[-1]
        choices.read_about(answer, {name: respelled.fields(about) for name, about in payload.items()})
    elif vercel.claims(payload):
        answer.draft = vercel.answer(payload)
    else:
        _from_plain(answer, payload)


def _has_stopped(message: Any) -> bool:  # noqa: ANN401 - recorded JSON
    """Whether a value is a provider's message that tells why it stopped: a whole one."""
    return isinstance(message, dict) and "content" in message and bool(message.get("stop_reason"))


def _from_span(answer: Answer, payload: dict[str, Any]) -> None:
    _from_list(answer, otel.answer(payload))
    _add_told(answer, otel.decoded(payload.get("output.value")))


def _nested(answer: Answer, value: Any) -> None:  # noqa: ANN401 - recorded JSON
    _adopt(answer, answer_of(value))


def _adopt(answer: Answer, inner: Answer) -> None:
    answer.draft, answer.others = inner.draft, inner.others
    answer.earlier = answer.earlier or inner.earlier
    answer.finish = answer.finish or inner.finish
    answer.usage = answer.usage or inner.usage
    answer.model = answer.model or inner.model


def _add_told(answer: Answer, provided: Any) -> None:  # noqa: ANN401 - recorded JSON
    """What the provider's own answer tells beside the message that was made of it (LlamaIndex)."""
    if isinstance(provided, dict):
        told = answer_of(provided)
        answer.finish, answer.usage = answer.finish or told.finish, answer.usage or told.usage
        answer.model = answer.model or told.model


def _from_plain(answer: Answer, payload: dict[str, Any]) -> None:
    for name in ("output", "outputs", "response", "result", "output.value", "data", "body"):
        value = otel.decoded(payload.get(name))
        if isinstance(value, (dict, list)) and value:
            _nested(answer, value)
            return
        if is_placeholder(value) or (name in payload and value is None and len(payload) == 1):
            return
        if isinstance(value, str):
            _from_texts(answer, [value])
            return
    _from_words(answer, payload)


def _from_words(answer: Answer, payload: dict[str, Any]) -> None:
    """An answer by the names of plain fields; raw where they are nobody's."""
    if isinstance(payload.get("content"), list):
        content = payload["content"]
        if content and all(isinstance(part, dict) and role_of(part.get("role")) for part in content):
            _from_list(answer, content)
        else:
            answer.draft = speak("assistant", content)[-1]
        return
    for name in ANSWERS:
        value = payload.get(name)
        if isinstance(value, str):
            answer.draft = speak("assistant", value)[0]
            return
        inner = answer_of(value) if isinstance(value, (dict, list)) and value else None
        if inner is not None and _speaks(inner):
            _adopt(answer, inner)
            return
    if payload.get("status") in _NOT_YET and "output" in payload:
        return
    if set(payload) <= {"usage_metadata", "usage", "model", "id", "finish_reason", "stop_reason"}:
        return
    _from_elsewhere(answer, payload)
    if answer.draft is None or RAW in answer.draft.flags:
        answer.draft = None if otel.claims(payload) else raw(payload)


def _from_elsewhere(answer: Answer, payload: dict[str, Any]) -> None:
    """An answer that is the body of an HTTP answer, or whose fields are spelled otherwise."""
    body, other = _body(payload), respelled.fields(payload)
    if body is not None:
        _adopt(answer, body)
    elif other != payload:
        _nested(answer, other)


def _body(payload: dict[str, Any]) -> Answer | None:
    """The provider's own answer, wherever the app that asked for it over HTTP keeps that; None where there is none."""
    objects = [value for name, value in payload.items() if isinstance(value, dict) and name not in _NO_ANSWERS]
    bodies = [value for value in objects if not BODY.isdisjoint(value)]
    inner = answer_of(bodies[0]) if len(bodies) == 1 else None
    return inner if inner is not None and _speaks(inner) else None


def _from_status(answer: Answer, payload: dict[str, Any]) -> None:
    """A Responses object has no finish reason: status, details and item types stand for it."""
    answer.finish = answer.finish or status_finish(
        payload.get("status"), payload.get("incomplete_details"), calls=answer.calls
    )


def _from_list(answer: Answer, items: Any) -> None:  # noqa: ANN401 - recorded JSON
    if not items:
        return
    if all(isinstance(item, str) for item in items):
        _from_texts(answer, items)
        return
    if all(map(_is_whole, items)):
        _from_whole(answer, items)
        return
    merged = chunks.merge(items)
    if merged is not None:
        _nested(answer, merged)
        return
    returned = _returned(items)
    if returned is not None:
        _from_tuple(answer, returned, items)
        return
    if all(map(vercel.is_call, items)):
        answer.draft = vercel.answer({"toolCalls": items})
        return
    drafts = read_all(items)
    said = [draft for draft in drafts if draft.role is ASSISTANT]
    answer.draft = said[-1] if said else (drafts[-1] if drafts else None)
    last = items[-1]
    if isinstance(last, dict) and not openai_responses.claims(last):
        answer.finish = answer.finish or finish_of(last, calls=answer.calls)
        answer.usage = answer.usage or usage(last.get("usage_metadata"))
        choices.read_about(answer, respelled.fields(last))
        if langchain.claims(last):
            generations.read_message(answer, last)


def _from_texts(answer: Answer, texts: list[str]) -> None:
    sent = events.merge(texts)
    if sent is not None:
        _nested(answer, sent)
        return
    pair = len(texts) == 2 and role_of(texts[0]) is not None and texts[0] not in ("stop", "end")  # noqa: PLR2004
    answer.draft = speak("assistant", texts[1] if pair else "".join(texts))[0]


def _is_whole(item: Any) -> bool:  # noqa: ANN401 - recorded JSON
    """Whether an item is a provider's whole message and no part of one: the answers of a loop in one run."""
    return isinstance(item, dict) and item.get("type") == "message" and bool(item.get("id") and item.get("stop_reason"))


def _from_whole(answer: Answer, items: list[dict[str, Any]]) -> None:
    """A loop's answers one after another, or several answers of which the first counts."""
    if all(item["stop_reason"] in _GOES_ON for item in items[:-1]):
        answer.earlier = [answer_of(item) for item in items[:-1]]
        _nested(answer, items[-1])
        return
    _nested(answer, items[0])
    answer.others += [draft for item in items[1:] if (draft := answer_of(item).draft) is not None]


def _speaks(inner: Answer) -> bool:
    """Whether a value is an answer in any words."""
    return inner.draft is not None and RAW not in inner.draft.flags


def _returned(items: list[Any]) -> Answer | None:
    """What a function returned beside other things: `(answer, figures)`, or one answer in a list; None otherwise."""
    first, *others = items
    if not all(isinstance(one, (dict, int, float, type(None))) and not _is_message(one) for one in others):
        return None
    if isinstance(first, str):
        return answer_of(first)
    if not isinstance(first, dict) or not (others or not _is_message(first)):
        return None
    inner = answer_of(first)
    return inner if _speaks(inner) else None


def _is_message(item: Any) -> bool:  # noqa: ANN401 - recorded JSON
    return isinstance(item, dict) and (
        langchain.claims(item) or openai_responses.claims(item) or openai_chat.claims(item) or "type" in item
    )


def _from_tuple(answer: Answer, returned: Answer, items: list[Any]) -> None:
    _adopt(answer, returned)
    for one in items[1:]:
        if isinstance(one, dict):
            answer.usage = answer.usage or next((found for name in _COUNTS if (found := usage(one.get(name)))), None)
            answer.usage = answer.usage or usage(one)
            answer.finish = answer.finish or finish_of(one, calls=answer.calls)
