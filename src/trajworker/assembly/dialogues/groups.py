"""The llm calls of a trace that go on from each other: one agent's dialogue."""

from msgspec import Struct

from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.roots import Root
from trajworker.model.message import SYSTEM, USER, ToolCall

MANY = 32
"""Dialogues in one trace from which on it is a batch of them: none is taken to sum up another, or to go on from it."""


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


def spoken_to(groups: list[Group], root: Root | None) -> list[Group]:
    """The groups in whose prompts the root's own words stand; all where they stand in none."""
    if root is None:
        return groups
    said = {draft.content for draft in root.words if draft.content} | set(root.texts.values())
    return [
        one for one in groups
        if any(draft.role is USER and draft.content in said for draft in one.calls[0].read())
    ] or groups  # fmt: skip
