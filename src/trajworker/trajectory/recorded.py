"""Plain messages as drafts: the dialects read what was said, this adds what stands beside it: usage, model, finish."""

from collections.abc import Iterable
from typing import Any

from trajworker.dialects import Draft, read_all, read_one
from trajworker.dialects.usage import usage
from trajworker.dialects.vocabulary import finish_reason
from trajworker.model.message import Message, Role
from trajworker.trajectory.calling import INCOMPLETE

_FIGURES = ("usage_metadata", "usage", "response_metadata", "stop_reason", "finish_reason")

_BROKEN_OFF = ("incomplete", "in_progress", "cancelled", "length")
"""What `status` says of an answer that is not whole, in the words of Responses and of seed 003."""


def read_messages(items: Iterable[Any]) -> list[Draft]:
    """The messages of a list of plain messages, in order."""
    drafts: list[Draft] = []
    pending: list[Any] = []
    for item in items:
        if isinstance(item, Draft | Message):
            drafts += [*read_all(pending), item if isinstance(item, Draft) else draft_of(item)]
            pending = []
            continue
        body = body_of(item)
        if not any(body.get(name) for name in _FIGURES) and not _broke_off(body):
            pending.append(item)  # items of one Responses answer must be read together
            continue
        drafts += [*read_all(pending), *_with_figures(item, body)]
        pending = []
    return [*drafts, *read_all(pending)]


def draft_of(message: Message) -> Draft:
    """The mutable twin of a message."""
    return Draft(**{name: getattr(message, name) for name in message.__struct_fields__})


def body_of(item: Any) -> dict[str, Any]:  # noqa: ANN401 - recorded JSON
    """The fields of a message, whichever envelope they are in."""
    if not isinstance(item, dict):
        return {}
    for envelope in ("kwargs", "data"):
        inner = item.get(envelope)
        if isinstance(inner, dict) and "content" in inner:
            return inner
    return item


def _with_figures(item: Any, body: dict[str, Any]) -> list[Draft]:  # noqa: ANN401 - recorded JSON
    if "stop_reason" in body and isinstance(item, dict):  # Anthropic's `type: message` is not that of a Responses item
        item = {name: value for name, value in item.items() if name != "type"} if "role" in item else item
    drafts = read_one(item)
    if not drafts:
        return drafts
    metadata = body.get("response_metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    if _broke_off(body):
        _flag(drafts)
    last = drafts[-1]
    last.usage = last.usage or _usage(body, metadata)
    if last.role is Role.ASSISTANT:
        named = (source.get(name) for source in (metadata, body) for name in ("finish_reason", "stop_reason"))
        word = next((reason for reason in named if reason), None)
        last.finish_reason = last.finish_reason or finish_reason(word)
        last.response_model = last.response_model or model_of(body, metadata)
    return drafts


def _broke_off(body: dict[str, Any]) -> bool:
    """Whether the producer says that this message, or this item of an answer, is not whole."""
    return isinstance(body.get("status"), str) and body["status"] in _BROKEN_OFF


def _flag(drafts: Iterable[Draft]) -> None:
    for draft in drafts:
        if draft.role is Role.ASSISTANT:
            draft.flags = (*draft.flags, INCOMPLETE)


def _usage(body: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any] | None:
    for source in (body.get("usage_metadata"), body.get("usage"), metadata.get("usage"), metadata.get("token_usage")):
        found = usage(source)
        if found is not None and isinstance(source, dict):
            return found | {"cumulative": True} if source.get("cumulative") is True else found
    return None


def model_of(body: dict[str, Any], metadata: dict[str, Any]) -> str | None:
    """The model that answered, where a message says so."""
    for source in (metadata, body):
        for name in ("model_name", "model", "model_id"):
            if isinstance(source.get(name), str):
                return str(source[name])
    return None


def provider_of(items: Iterable[Any]) -> str | None:
    """The provider that the last message naming one names."""
    found: str | None = None
    for item in items:
        metadata = body_of(item).get("response_metadata")
        if isinstance(metadata, dict):
            named = metadata.get("model_provider") or metadata.get("provider")
            found = named if isinstance(named, str) else found
    return found
