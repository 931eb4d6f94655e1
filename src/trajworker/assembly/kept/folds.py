"""What one trace adds to a conversation, encoded: a `Fold`, kept in staging as bytes and spliced into lines."""

from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from trajworker.assembly.kept.context import Context, Known
from trajworker.assembly.kept.figures import Figures
from trajworker.model.message import TrainableStatus
from trajworker.ports import Aggregation

VERSION = 6
_DIGEST_SIZE = 16
_RESTORED = ("restores",)
"""What the digest of a fold that restores has more; that of any other is what it was before there were such."""


class Entry(Struct, array_like=True, gc=False):
    """A trace's share of a turn: a turn of its own, or `joins` the one before. Times are ISO 8601 in UTC."""

    trace_id: str
    status: str
    start: str
    end: str | None
    error: str | None = None
    resumes: bool = False
    joins: bool = False
    beside: bool = False
    """Whether it only works on the turn that it joins, and tells nothing of how that went."""


class Amendment(Struct, array_like=True, gc=False):
    """A change to messages [start, stop) of earlier folds, applied when the line is written."""

    start: int
    stop: int
    status: TrainableStatus | None = None
    reasoning: str | None = None
    flag: str | None = None
    ids: list[str] | None = None
    """Those of its calls, where the call that was recorded left some out."""
    arguments: dict[str, dict[str, Any]] | None = None
    """Those of its calls that were recorded without any, by id."""


class Fold(Struct, array_like=True, gc=False):
    """Everything one trace adds; what is bytes is JSON, ready to be spliced into a line.

    Args:
        version: release of this struct; folds of another one are made anew.
        messages: what was said for the first time, in order.
        asides: messages that were kept aside.
        steps: the agent's decisions.
        entries: the trace's share of each turn that it is part of.
        nested: trajectories of sub-agents and of parallel branches.
        internal: answers of calls that are no part of the conversation.
        retrieved: what retriever runs found.
        tools: tool definitions that were offered for the first time.
        amendments: changes to what earlier folds hold.
        rewards: reward components.
        figures: sums over its runs and messages.
        news: digests of what it says, from which the whole history can be recalled without decoding any.
        base: messages of the conversation before it.
        after: what it leaves for the next trace.
        reopens: whether it goes on with the turn before, which was interrupted then, even if its root succeeded.
        finish: why the model stopped at the last step.
        out_of_steps: whether the agent ran out of steps inside a run that succeeded.
        metadata: models, and the provider of the last one.
        aggregation: how its rewards become one value.
    """

    version: int
    trace_id: str
    messages: list[bytes]
    asides: list[bytes]
    steps: list[bytes]
    entries: list[Entry]
    nested: list[bytes]
    internal: list[bytes]
    retrieved: list[bytes]
    tools: list[bytes]
    amendments: list[Amendment]
    rewards: list[bytes]
    figures: Figures
    news: Known
    base: int
    after: Context
    reopens: bool = False
    finish: str | None = None
    out_of_steps: bool = False
    metadata: dict[str, Any] = {}
    project_id: str = ""
    aggregation: Aggregation = Aggregation.WEIGHTED_MEAN
    rules: bytes = b""
    """Mark of the settings it was made by, see `FoldSettings.mark`."""
    withdraws: int = 0
    """How many folds before it only worked on the dialogue, as its prompts show, see `side_calls`."""
    restores: bool = False
    """Whether the fold before those, which one of them withdrew, is part of the dialogue after all."""
    digest: bytes = b""
    """Of all that reaches a line; empty until it is asked for, see `digest_of`."""


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Fold)
_TIMES = msgspec.json.Encoder()


def digest_of(fold: Fold) -> bytes:
    """Digest of all that reaches a line, not of the context; computed once."""
    if not fold.digest:
        told = (
            fold.messages, fold.asides, fold.steps, fold.entries, fold.nested, fold.internal, fold.retrieved,
            fold.tools, fold.amendments, fold.rewards, fold.figures, fold.reopens, fold.finish, fold.out_of_steps,
            fold.metadata, fold.aggregation, fold.withdraws, *_RESTORED[: fold.restores],
        )  # fmt: skip
        fold.digest = sha256(_ENCODER.encode(told)).digest()[:_DIGEST_SIZE]
    return fold.digest


def encode_fold(fold: Fold) -> bytes:
    """A fold as staging keeps it, its digest with it."""
    digest_of(fold)
    return _ENCODER.encode(fold)


def decode_fold(data: bytes) -> Fold:
    """The fold of its bytes; raises msgspec.DecodeError where another release wrote them (fold again then)."""
    fold = _DECODER.decode(data)
    if fold.version != VERSION:
        raise msgspec.ValidationError(f"fold of version {fold.version}, not {VERSION}")
    return fold


def iso(time: datetime | None) -> str | None:
    """A time on a line."""
    return None if time is None else _TIMES.encode(time)[1:-1].decode()
