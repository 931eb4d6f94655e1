"""Tokens a conversation used, summed the way seed 003 sums them."""

from collections.abc import Iterable

from msgspec import Struct

from trajworker.model.message import Message


class TokenUsage(Struct, frozen=True):
    """Tokens read and written; None for a side that nobody told."""

    input: int | None = None
    output: int | None = None

    @classmethod
    def of(cls, read: int | None, written: int | None) -> "TokenUsage | None":
        """Both sides, None where nobody told either."""
        return None if read is None and written is None else cls(read, written)

    def plus(self, other: "TokenUsage") -> "TokenUsage":
        """The sum; once two are added an untold side counts 0."""
        return TokenUsage((self.input or 0) + (other.input or 0), (self.output or 0) + (other.output or 0))


def summed(messages: Iterable[Message]) -> TokenUsage | None:
    """Over all messages that tell their tokens, None where none does; a `cumulative` one replaces the sum so far."""
    total: TokenUsage | None = None
    for message in messages:
        counts = message.usage or {}
        usage = TokenUsage.of(counts.get("input_tokens"), counts.get("output_tokens"))
        if usage is not None:
            total = usage if total is None or counts.get("cumulative") is True else total.plus(usage)
    return total
