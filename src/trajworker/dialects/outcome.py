"""What a model gave back, and how it says why it stopped and which model it is."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from trajworker.dialects.draft import Draft
from trajworker.dialects.vocabulary import finish_reason

_DONE = "done_reason"
_FINISH = (
    "finish_reason",
    "stop_reason",
    "finishReason",
    "stopReason",
    _DONE,
    "gen_ai.completion.0.finish_reason",
    "gen_ai.response.finish_reasons",
    "ai.response.finishReason",
)
_MODELS = ("model_name", "model", "modelId", "model_id", "model_version", "modelVersion", "gen_ai.response.model")


class Answer(Struct, gc=False):
    """A model's answer.

    Args:
        draft: the message, None where there is none.
        others: further candidates.
        finish: the producer's own word for why it stopped, in ours.
        usage: tokens.
        model: the model that answered.
        earlier: answers before this one, where a whole loop was recorded as one call.
    """

    draft: Draft | None = None
    others: list[Draft] = []
    finish: str | None = None
    usage: dict[str, Any] | None = None
    model: str | None = None
    earlier: "Sequence[Answer]" = ()

    @property
    def calls(self) -> bool:
        """Whether the message calls tools."""
        return self.draft is not None and bool(self.draft.tool_calls)


def model_of(payload: dict[str, Any]) -> str | None:
    """The model that a payload names as the one that answered."""
    for name in _MODELS:
        value = payload.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def finish_of(payload: dict[str, Any], *, calls: bool) -> str | None:
    """Why the model stopped; Gemini and Ollama have no word for `tool_calls` and say that they stopped."""
    for name in _FINISH:
        if payload.get(name):
            reason = finish_reason(payload[name], calls=calls)
            return "tool_calls" if calls and name == _DONE and reason == "stop" else reason
    return None


def status_finish(status: Any, details: Any, *, calls: bool) -> str | None:  # noqa: ANN401 - recorded JSON
    """Finish reason of a Responses status, which has none of its own: status, details and item types stand for it."""
    if status == "incomplete":
        reason = details.get("reason") if isinstance(details, dict) else None
        return finish_reason(reason) or "length"
    if status == "completed":
        return "tool_calls" if calls else "stop"
    return None
