"""What a model answered: the undecoded outputs of an llm run, read by whichever dialect knows them."""

from typing import Any

import msgspec
from msgspec import Raw

from trajworker.dialects import vercel
from trajworker.dialects.answer import answer_of
from trajworker.dialects.draft import Draft, as_text
from trajworker.dialects.lone import lone_text
from trajworker.dialects.outcome import Answer
from trajworker.dialects.speech import RAW, UNREADABLE, raw
from trajworker.dialects.typed_answer import read_outputs
from trajworker.model.message import ASSISTANT

_COUNTED = frozenset({"output", "llm_output"})
"""Fields of an object that was asked for, and of what it cost (Vercel AI SDK 4)."""


def _in_words(payload: dict[str, Any]) -> str | None:
    """The only text of outputs that no dialect knows, else the object that an app asked for, as JSON text."""
    held = payload.get("output")
    if isinstance(held, dict) and held:
        if payload.keys() == _COUNTED:
            return vercel.object_text(held)
        if len(payload) == 1:
            return as_text(held)
    return lone_text(payload)


def read_answer(outputs: Raw) -> Answer:
    """Read the outputs of an llm run; what no dialect knows becomes one raw message."""
    answer = read_outputs(outputs)
    if answer is not None:
        return answer
    try:
        payload = msgspec.json.decode(outputs)
        answer = answer_of(payload)
        unknown = answer.draft is not None and RAW in answer.draft.flags and isinstance(payload, dict)
        text = _in_words(payload) if unknown else None
        if text is not None:
            answer.draft = Draft(role=ASSISTANT, content=text, finish_reason=answer.finish)
    except UNREADABLE:
        draft = raw(bytes(outputs).decode("utf-8", "replace"))
        draft.role = ASSISTANT
        return Answer(draft=draft)
    return answer
