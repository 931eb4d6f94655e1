"""What a prompt says for the first time, and what of it belongs to the conversation."""

from msgspec import Struct

from trajworker.assembly.reading.quotes import Quotes
from trajworker.assembly.reading.words import (
    CONTEXT,
    SUMMARY,
    Opening,
    is_given,
    is_named,
    trailing_block,
    turn_user,
)
from trajworker.dialects import Draft
from trajworker.model.message import ASSISTANT, USER

Keyed = tuple[Draft, bytes]
"""A message and its digest."""


class Fresh(Struct, gc=False):
    """The messages behind those that a prompt repeats.

    Args:
        rest: these messages.
        opening: how the prompt is to be read, if it is the first of its trace.
        user: place of the message that begins the turn; their number where none does.
        block: where the last stretch without assistant and tool messages begins.
    """

    rest: list[Keyed]
    opening: Opening | None
    user: int
    block: int

    @classmethod
    def of(cls, rest: list[Keyed], opening: Opening | None, *, begins: bool) -> "Fresh":
        """Where everything stands; `begins` tells whether the prompt begins a turn."""
        user = turn_user([draft for draft, _ in rest], opening) if begins else len(rest)
        return cls(rest=rest, opening=opening, user=user, block=trailing_block(rest))

    def beside(self, place: int, quotes: Quotes) -> str | None:
        """As what a message is kept aside; None for one that belongs to the conversation."""
        draft = self.rest[place][0]
        before = place < self.user < len(self.rest)
        if SUMMARY in draft.flags or quotes.summarised(draft, before=before):
            return SUMMARY
        if (before and self._acknowledges(place)) or (quotes.apart and self._is_anothers(place, quotes)):
            return CONTEXT
        if draft.role is not USER:
            return None
        return CONTEXT if draft.says_nothing or quotes.quoted(draft) or self._stands_around(place) else None

    def _is_anothers(self, place: int, quotes: Quotes) -> bool:
        """Whether a message inside the turn is what another agent said, whose dialogue is told beside this one."""
        return self.opening is None and quotes.is_anothers(*self.rest[place])

    def _stands_around(self, place: int) -> bool:
        """Whether a message stands beside the user's, who said what the root was given and nothing else."""
        if place < self.block or self.opening is None or self.user == len(self.rest):
            return False
        return is_named(self.rest[self.user][0], self.opening) and not is_given(self.rest[place][0], self.opening)

    def _acknowledges(self, place: int) -> bool:
        """Whether an app has its model say that it has read a summary."""
        draft, told = self.rest[place][0], self.rest[place - 1][0] if place else None
        if draft.role is not ASSISTANT or draft.tool_calls or told is None:
            return False
        return told.role is USER and SUMMARY in told.flags
