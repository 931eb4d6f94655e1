"""A message of a conversation, its tool calls and tool responses: the structs of seed 002 with what it left out.

The seed's own fields are on every line, null where nothing is known. Those after them are additions, which are left out
on disk when they say nothing.
"""

from enum import StrEnum
from itertools import repeat
from typing import Any, Final

from msgspec import Struct, field

from trajworker.model.tupled import keep_tuples


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


SYSTEM: Final = Role.SYSTEM
USER: Final = Role.USER
ASSISTANT: Final = Role.ASSISTANT
TOOL: Final = Role.TOOL
"""The roles by names of their own: folding asks for them all the time, and `Role.USER` costs a look-up in Python."""


class TrainableStatus(StrEnum):
    """Whether a model may be trained on it: only what the recorded agent itself said, once, and unspoilt."""

    TRAINABLE = "trainable"
    NOT_TRAINABLE = "not_trainable"
    SUPERSEDED = "superseded"
    SUMMARIZATION_BOUNDARY = "summarization_boundary"


TRAINABLE: Final = TrainableStatus.TRAINABLE
NOT_TRAINABLE: Final = TrainableStatus.NOT_TRAINABLE


def always(value: object) -> Any:  # noqa: ANN401 - the default of a field of any type
    """A default that is written all the same: msgspec leaves defaults out by identity, but none that it has made."""
    return field(default_factory=repeat(value).__next__)


def unknown() -> Any:  # noqa: ANN401 - the default of a field of any type
    """The default None of such a field."""
    return always(None)


class ToolCall(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A tool invocation by the assistant.

    Args:
        name: tool name.
        arguments: parsed arguments; empty where `invalid` holds the raw text instead; None only where a map of seed
            003 does not tell them, which as an expectation means any.
        id: identifier that the ToolResponse repeats; None where the producer gave none.
        invalid: arguments as written, where they are no JSON object.
        error: why the producer called the arguments invalid.
    """

    name: str
    arguments: dict[str, Any] | None = field(default_factory=lambda: {})  # noqa: PIE807 - msgspec leaves out what `dict` made
    id: str | None = unknown()
    invalid: str | None = None
    error: str | None = None


class ToolResponse(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a tool gave back.

    Args:
        id: id of the call it answers.
        name: tool name.
        arguments: the arguments that were passed.
        response: the return value as recorded.
        error: what went wrong, if the call failed whichever way the producer said so.
        run_id: the tool run behind it, None where the tool was not traced.
    """

    id: str | None = unknown()
    name: str | None = unknown()
    arguments: dict[str, Any] = field(default_factory=lambda: {})  # noqa: PIE807 - msgspec leaves out what `dict` made
    response: Any = unknown()
    error: str | None = unknown()
    run_id: str | None = None


class ToolDefinition(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A tool as it was offered to the model; `parameters` is its JSON schema."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One message, as said once.

    Args:
        role: who speaks.
        content: its text; None for a message that only calls tools.
        tool_calls: tool invocations by the assistant, in the order of the call.
        tool_response: the result a tool message carries.
        usage: tokens as the provider counted them: input_tokens (cache included), output_tokens, total_tokens and
            input_token_details / output_token_details; what nobody told is left out.
        finish_reason: why the model stopped, in OpenAI's words: stop, tool_calls, length, content_filter.
        reasoning: chain of thought as text.
        trainable_status: whether a model may be trained on it.
        id: the producer's message id, stable over repetitions, where there is one.
        name: the speaker's name, where the producer gives one.
        refusal: the text with which the model declined.
        blocks: content that is not plain text, losslessly, as the producer wrote it: all blocks of the message.
        model: the model that was asked; `response_model` the one that answered.
        run_id: the llm run that produced the message.
        turn: number of the turn it belongs to, from 1; 0 for what stands before the first.
        flags: what a reader should know: `unanswered` (a call without a result), `orphan` (a result without a call),
            `summary`, `edited` (another wording of a message), `context` (put in by a template or the trace itself),
            `alternative` (another answer, or one that was replaced), `stopped` (a beginning: the app read no further),
            `incomplete` (its `status` says that it is not whole: its calls do not count), `raw` (payload kept as
            recorded, dialect unknown).
        rendered: what the model was shown in place of the user's words, where a template stood between.
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

    def __post_init__(self) -> None:
        """Keep lists as tuples; one comparison for the many messages that are read back, which hold none."""
        kinds: tuple[type[object], ...] = (type(self.tool_calls), type(self.blocks), type(self.flags))
        if list in kinds:
            keep_tuples(self, "tool_calls", "blocks", "flags")
