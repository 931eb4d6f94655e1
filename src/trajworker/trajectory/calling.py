"""Which tool calls of a conversation count (seed 003): those of the assistant's messages, if these are whole.

A user's message, an example in a prompt, calls nothing; on one whose `status` says that it broke off nobody acted.
All of them stay in the messages.
"""

from collections.abc import Iterable
from typing import Final

from trajworker.dialects import Draft
from trajworker.model.message import Message, Role, ToolCall
from trajworker.trajectory.order import tool_name

INCOMPLETE: Final = "incomplete"
"""Flag of a message whose producer said that it is not whole."""


def made_calls(message: Message | Draft) -> tuple[ToolCall, ...]:
    """The calls that this message makes."""
    if message.role is not Role.ASSISTANT or INCOMPLETE in message.flags:
        return ()
    return message.tool_calls or ()


def all_calls(messages: Iterable[Message]) -> list[ToolCall]:
    """The calls that these messages make, in order."""
    return [call for message in messages for call in made_calls(message)]


def calls_named(messages: Iterable[Message], name: str) -> list[ToolCall]:
    """Their calls of that tool; raises NoToolName."""
    wanted = tool_name(name)
    return [call for call in all_calls(messages) if call.name == wanted]
