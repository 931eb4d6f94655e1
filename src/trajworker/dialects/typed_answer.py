"""The three forms nearly all answers are recorded in, decoded straight into structs: a fast way, never another result.

OpenAI's completions, LangChain's generations and one role dictionary are recognised by their fields alone. Outputs
with anything else in them are not read here at all: then `answer` reads them, field by field.
"""

from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from trajworker.decoding import REFUSED
from trajworker.dialects.outcome import Answer
from trajworker.dialects.typed import Body, Item, read_chat, read_langchain
from trajworker.dialects.usage import usage
from trajworker.dialects.vocabulary import finish_reason
from trajworker.model.message import ASSISTANT
from trajworker.model.run import NULL


class _Choice(Struct, forbid_unknown_fields=True, gc=False):
    """One candidate of a completion."""

    message: Item
    finish_reason: str | None = None
    index: int | None = None
    logprobs: Raw = NULL


class _About(Struct, forbid_unknown_fields=True, gc=False):
    """LangChain's `response_metadata` and `generation_info`."""

    finish_reason: str | None = None
    model_name: str | None = None
    token_usage: Any = None
    model_provider: Raw = NULL
    id: Raw = NULL
    object: Raw = NULL
    created: Raw = NULL
    system_fingerprint: Raw = NULL
    service_tier: Raw = NULL
    logprobs: Raw = NULL


class _Generated(Body, gc=False):
    """A generated message, with what its provider told beside it."""

    response_metadata: _About | None = None
    usage_metadata: dict[str, Any] | None = None


class _Constructed(Struct, gc=False):
    lc: int
    type: Literal["constructor"]
    id: list[str]
    kwargs: _Generated


class _Generation(Struct, gc=False):
    message: _Constructed
    generation_info: _About | None = None
    generationInfo: None = None  # noqa: N815 - the producer's spelling


class _Outputs(Item, forbid_unknown_fields=True, gc=False):
    """Outputs in any of the three forms; the fields of a role dictionary are those of `Item`."""

    choices: list[_Choice] | None = None
    generations: tuple[tuple[_Generation]] | None = None
    llm_output: dict[str, Any] | None = None
    run: None = None
    model: str | None = None
    usage: dict[str, Any] | None = None
    usage_metadata: dict[str, Any] | None = None  # type: ignore[assignment]  # read here, not in a prompt
    type: Literal["LLMResult"] | None = None  # type: ignore[assignment]  # the only type of an answer in these forms
    stop_reason: str | None = None
    stop_sequence: Raw = NULL
    object: Raw = NULL
    created: Raw = NULL
    system_fingerprint: Raw = NULL
    service_tier: Raw = NULL


_OUTPUTS = msgspec.json.Decoder(_Outputs)


def read_outputs(outputs: Raw) -> Answer | None:
    """The answer of undecoded outputs, None where it takes more than this."""
    try:
        told = _OUTPUTS.decode(outputs)
    except REFUSED:
        return None
    if told.choices:
        return _completion(told) if told.generations is None else None
    if told.choices is not None:
        return None
    return _chat(told) if told.generations is None else _generation(told, told.generations[0][0])


def _about(told: _Outputs) -> Answer:
    """What the outputs tell beside the message."""
    finish = finish_reason(told.stop_reason) if told.stop_reason else None
    return Answer(usage=usage(told.usage_metadata) or usage(told.usage), model=told.model or None, finish=finish)


def _completion(told: _Outputs) -> Answer | None:
    """OpenAI's completion; every choice but the first is another candidate."""
    answer = _about(told)
    for choice in told.choices or ():
        drafts = read_chat(choice.message)
        if not drafts or choice.finish_reason == "" or choice.message.type is not None:
            return None
        draft = drafts[-1]
        draft.finish_reason = finish_reason(choice.finish_reason)
        if answer.draft is None:
            answer.draft = draft
            answer.finish = answer.finish or draft.finish_reason
        else:
            answer.others = [*answer.others, draft]
    return _finished(answer, told)


def _chat(told: _Outputs) -> Answer | None:
    """One role dictionary, as Anthropic answers."""
    drafts = read_chat(told) if told.role is not None and told.type is None and told.kwargs is None else None
    if not drafts or told.lc is not None:
        return None
    answer = _about(told)
    answer.draft = drafts[-1]
    return _finished(answer, told)


def _is_gemini(word: str | None) -> bool:
    """Whether a model may have stopped to call tools all the same."""
    return word is not None and word.endswith("STOP")


def _finished(answer: Answer, told: _Outputs) -> Answer | None:
    """The answer with the reason of its end; None where another reader must look."""
    draft = answer.draft
    if draft is None or draft.role is not ASSISTANT or _is_gemini(told.stop_reason):
        return None
    draft.finish_reason = draft.finish_reason or answer.finish
    return answer


def _generation(told: _Outputs, generation: _Generation) -> Answer | None:
    """LangChain's one generation of one prompt."""
    message, info = generation.message, generation.generation_info
    drafts = read_langchain(ASSISTANT, message.kwargs) if message.id[-1:] == ["AIMessage"] else None
    if not drafts or told.role is not None or told.lc is not None or told.stop_reason or told.model:
        return None
    about = message.kwargs.response_metadata or _About()
    word = (info.finish_reason if info is not None else None) or about.finish_reason
    answer = Answer(draft=drafts[-1], finish=finish_reason(word) if word else None, model=about.model_name or None)
    answer.usage = usage(message.kwargs.usage_metadata) or usage(about.token_usage)
    if (told.llm_output and (answer.usage is None or answer.model is None)) or _is_gemini(word):
        return None
    if answer.usage is None:
        answer.usage = usage(told.usage_metadata) or usage(told.usage)
    drafts[-1].finish_reason = answer.finish
    return answer
