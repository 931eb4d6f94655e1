"""The llm calls of a trace that go on from each other: one agent's dialogue."""

from msgspec import Struct

from trajworker.assembly.reading.calls import Call
from trajworker.model.message import SYSTEM, ToolCall


class Group(Struct, eq=False, gc=False):
    """Calls that go on from each other: one agent's dialogue inside a trace."""

    calls: list[Call]
    place: int = 0
    """How many groups of the trace began before it."""
    asked_by: ToolCall | None = None
    """The tool call whose argument is what the agent was asked."""
    summaries: list[Call] = []
    """Calls that wrote down what was said so far, for the dialogue to go on from that."""
    bystanders: list[Call] = []
    """Calls of other agents that were asked over the dialogue's messages, and whose answers it left out."""
    twin: bool = False
    """Whether it stands beside the main dialogue, not below it: one of several that a tool asked at once."""

    @property
    def answered(self) -> list[Call]:
        """Calls with an answer."""
        return [call for call in self.calls if call.answer.draft is not None]

    @property
    def final(self) -> str | None:
        """Text of the last answer."""
        done = self.answered
        return done[-1].text if done else None


def system_of(call: Call) -> list[bytes]:
    """Digests of the system prompts that a call was given, told once."""
    if call.systems is None:
        pairs = zip(call.read(), call.digests(), strict=True)
        call.systems = [key for draft, key in pairs if draft.role is SYSTEM]
    return call.systems


def asks_alike(one: Group, other: Group) -> bool:
    """Whether two groups were given the same system prompts."""
    return system_of(one.calls[0]) == system_of(other.calls[0])
