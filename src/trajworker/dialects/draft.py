"""A message while it is being made: the mutable twin of `Message`, field for field, so that both encode alike."""

import json
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from trajworker.model.message import (
    ASSISTANT,
    NOT_TRAINABLE,
    USER,
    Message,
    Role,
    ToolCall,
    ToolResponse,
    TrainableStatus,
    always,
    unknown,
)

DIGEST_SIZE = 8
_ENCODER = msgspec.json.Encoder(order="deterministic")


class Draft(Struct, kw_only=True, omit_defaults=True, gc=False):
    """A message as a dialect read it; assembly adds turn, run and links before it is encoded.

    The fields are those of `Message` in the same order: `encode(draft) == encode(draft.seal())`.
    """

    role: Role
    content: str | None = unknown()
    tool_calls: tuple[ToolCall, ...] | None = unknown()
    tool_response: ToolResponse | None = unknown()
    usage: dict[str, Any] | None = unknown()
    finish_reason: str | None = unknown()
    reasoning: str | None = unknown()
    trainable_status: TrainableStatus = always(NOT_TRAINABLE)
    id: str | None = None
    name: str | None = None
    refusal: str | None = None
    blocks: tuple[Any, ...] | None = None
    model: str | None = None
    response_model: str | None = None
    run_id: str | None = None
    turn: int | None = None
    flags: tuple[str, ...] = ()
    rendered: str | None = None

    @property
    def text(self) -> str:
        """Its words, without space around them; empty where it has none."""
        return (self.content or "").strip()

    @property
    def says_nothing(self) -> bool:
        """Whether it is empty: a user's where a producer cannot render tool results, an agent's where it refused."""
        spoken = self.role in (USER, ASSISTANT)
        return spoken and not (self.content or self.blocks or self.tool_calls)

    def seal(self) -> Message:
        """The finished message."""
        return Message(**{name: getattr(self, name) for name in self.__struct_fields__})


def digest(draft: Draft) -> bytes:
    """Eight bytes by which a repetition is recognised: role, words and calls; not ids, reasoning or usage.

    Producers repeat a message with other whitespace at its ends, with None for an empty text, with ids renumbered and
    without its reasoning; none of that makes it another message.
    """
    text = (draft.content or draft.refusal or "").strip()
    said = draft.role + text
    if draft.tool_calls:
        for call in draft.tool_calls:
            given = call.invalid
            if given is None:
                given = _ENCODER.encode(call.arguments).decode()
            said += f"\0{call.name}\0{given}"
    elif not text and draft.blocks:
        said += _ENCODER.encode(draft.blocks).decode()
    return sha256(said.encode("utf-8", "surrogatepass")).digest()[:DIGEST_SIZE]


def words_digest(role: Role, words: str) -> bytes:
    """The digest of a message that is these words and nothing else."""
    return digest(Draft(role=role, content=words))


def as_text(value: Any) -> str | None:  # noqa: ANN401 - recorded payloads are any JSON
    """A recorded value as the text a model would have been shown: strings as they are, the rest as JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
