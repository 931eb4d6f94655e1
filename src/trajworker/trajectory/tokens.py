"""Tokens a conversation used, summed the way seed 003 sums them."""

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

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


class TokenShares(Struct, frozen=True):
    """Of the tokens that were read and written: those of a cache, and those of reasoning; 0 where nobody told."""

    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0

    @classmethod
    def of(cls, usage: Mapping[str, Any]) -> "TokenShares":
        """The shares that one answer's usage tells."""
        read, written = usage.get("input_token_details"), usage.get("output_token_details")
        return cls(
            _told(read, "cache_read"),
            _told(read, "cache_creation") or _told(read, "cache_write") or sum(_told(read, tier) for tier in _TIERS),
            _told(written, "reasoning"),
        )

    def plus(self, other: "TokenShares") -> "TokenShares":
        """The sum."""
        return TokenShares(
            self.cache_read + other.cache_read, self.cache_write + other.cache_write, self.reasoning + other.reasoning
        )


_TIERS = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
"""How long what is written to a cache stays there, where it is told by that alone."""


def _told(details: object, name: str) -> int:
    count = details.get(name) if isinstance(details, dict) else None
    return count if isinstance(count, int) else 0


def summed(messages: Iterable[Message]) -> TokenUsage | None:
    """Over all messages that tell their tokens, None where none does; a `cumulative` one replaces the sum so far."""
    told = [TokenUsage(usage.get("input_tokens"), usage.get("output_tokens")) for usage in _counted(messages)]
    return reduce(TokenUsage.plus, told) if told else None


def summed_shares(messages: Iterable[Message]) -> TokenShares:
    """Over the same messages as `summed`."""
    return reduce(TokenShares.plus, map(TokenShares.of, _counted(messages)), TokenShares())


def tells_both_sides(usage: Mapping[str, Any] | None) -> bool:
    """Whether a usage tells the tokens read and those written, not only one of them or a total."""
    return usage is not None and usage.get("input_tokens") is not None and usage.get("output_tokens") is not None


def _counted(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """The usages that are summed: of messages that tell it, from the last `cumulative` one on."""
    counted: list[dict[str, Any]] = []
    for message in messages:
        usage = message.usage or {}
        if usage.get("input_tokens") is None and usage.get("output_tokens") is None:
            continue
        if usage.get("cumulative") is True:
            counted.clear()
        counted.append(usage)
    return counted
