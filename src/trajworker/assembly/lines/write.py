"""Writes a conversation's line out of its folds by splicing bytes: no message is decoded unless it was amended."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import structs

from trajworker.assembly.beside.standing import written
from trajworker.assembly.kept.folds import Amendment, Fold, digest_of
from trajworker.assembly.lines.leading import Lead, find_lead
from trajworker.assembly.lines.summary import Header, summarise
from trajworker.dialects.calls import with_arguments
from trajworker.model.message import TrainableStatus
from trajworker.trajectory import Pane, Trajectory, Turn
from trajworker.trajectory.answered import UNANSWERED
from trajworker.trajectory.codec import decode_line, encode_chunk, message_of, step_of

_HASHED = msgspec.msgpack.Encoder()
HASH_SIZE = 16


def _turns(folds: Sequence[Fold]) -> list[Turn]:
    turns: list[Turn] = []
    early: tuple[str, ...] = ()
    for fold in folds:
        if fold.reopens and turns and turns[-1].status == "success":
            turns[-1] = structs.replace(turns[-1], status="interrupted")
        for entry in fold.entries:
            if entry.beside and not (turns and entry.joins):
                early = (*early, entry.trace_id)
                continue
            if entry.joins and turns:
                last = turns[-1]
                if entry.beside:
                    turns[-1] = structs.replace(last, trace_ids=(*last.trace_ids, entry.trace_id))
                    continue
                turns[-1] = structs.replace(
                    last, trace_ids=(*last.trace_ids, entry.trace_id), status=entry.status,
                    end_time=entry.end, error=entry.error,
                )  # fmt: skip
                continue
            turns.append(
                Turn(
                    trace_ids=(*early, entry.trace_id), status=entry.status, start_time=entry.start or None,
                    end_time=entry.end, error=entry.error, resumes=entry.resumes,
                )
            )  # fmt: skip
            early = ()
    return turns


def _amended(folds: Sequence[Fold]) -> dict[int, list[Amendment]]:
    """Amendments by message index, and the flags of calls that never got a result."""
    found: dict[int, list[Amendment]] = {}
    for fold in folds:
        for amendment in fold.amendments:
            for index in range(amendment.start, amendment.stop):
                found.setdefault(index, []).append(amendment)
    for call in folds[-1].after.pending if folds else ():
        found.setdefault(call.index, []).append(Amendment(start=call.index, stop=call.index + 1, flag=UNANSWERED))
    return found


def _apply(chunk: bytes, amendments: list[Amendment]) -> bytes:
    message = message_of(chunk)
    changes: dict[str, Any] = {}
    flags = list(message.flags)
    for amendment in amendments:
        if amendment.status is not None and message.run_id is not None:
            changes["trainable_status"] = amendment.status
            if amendment.flag is not None and amendment.flag not in flags:
                flags.append(amendment.flag)
        if amendment.status is None and amendment.flag is not None and amendment.flag not in flags:
            flags.append(amendment.flag)
        if amendment.reasoning is not None and message.reasoning is None:
            changes["reasoning"] = amendment.reasoning
        if amendment.ids is not None:
            calls = zip(message.tool_calls or (), amendment.ids, strict=False)
            changes["tool_calls"] = tuple(structs.replace(call, id=call_id) for call, call_id in calls)
        if amendment.arguments is not None:
            changes["tool_calls"] = with_arguments(message.tool_calls or (), amendment.arguments)
    if flags != list(message.flags):
        changes["flags"] = tuple(flags)
    return encode_chunk(structs.replace(message, **changes)) if changes else chunk


def _messages(folds: Sequence[Fold], amended: dict[int, list[Amendment]], lead: Lead | None) -> Iterator[bytes]:
    if lead is not None:
        yield b",".join(lead.prompts(folds))
    for fold in folds:
        chunks = fold.messages
        if amended:
            chunks = list(chunks)
            for index in range(fold.base, fold.base + len(chunks)):
                if index in amended:
                    chunks[index - fold.base] = _apply(chunks[index - fold.base], amended[index])
        if lead is not None and fold.base == lead.start:
            chunks = chunks[lead.stop - lead.start :]
        if chunks:
            yield b",".join(chunks)


def _steps(folds: Sequence[Fold], amended: dict[int, list[Amendment]], lead: Lead | None) -> Iterator[bytes]:
    superseded = {
        index for index, changes in amended.items() if any(one.status is TrainableStatus.SUPERSEDED for one in changes)
    }
    for fold in folds:
        chunks = list(fold.steps)
        if superseded and any(fold.base <= index < fold.base + len(fold.messages) for index in superseded):
            chunks = [_superseded(chunk, superseded) for chunk in chunks]
        if lead is not None:
            chunks = [lead.moved(chunk) for chunk in chunks]
        if chunks:
            yield b",".join(chunks)


def _superseded(chunk: bytes, indexes: set[int]) -> bytes:
    step = step_of(chunk)
    if step.messages and step.messages[-1][-1] - 1 in indexes:
        step.trainable_status = TrainableStatus.SUPERSEDED
        return encode_chunk(step)
    return chunk


def _list(name: bytes, groups: Iterator[bytes]) -> Iterator[bytes]:
    """A named array out of groups of elements."""
    yield b',"' + name + b'":['
    separator = b""
    for group in groups:
        yield separator + group
        separator = b","
    yield b"]"


def _groups(folds: Sequence[Fold], field: str) -> Iterator[bytes]:
    for fold in folds:
        chunks: list[bytes] = getattr(fold, field)
        if chunks:
            yield b",".join(chunks)


def encode_line(folds: Sequence[Fold], header: Header) -> Iterator[bytes]:
    """The conversation's line in pieces, without its line feed; nothing is ever held whole.

    Without folds (its traces moved to other conversations) it is a line that says so by having no turns.
    """
    folds = written(folds)
    turns = _turns(folds)
    amended, lead = _amended(folds), find_lead(folds)
    summary = summarise(folds, turns, header)
    yield b'{"task":' + encode_chunk(summary.task)
    yield from _list(b"steps", _steps(folds, amended, lead))
    times = summary.execution_metrics
    yield _named(reward=summary.reward, metrics=summary.metrics, execution_metrics=times, error=summary.error)
    yield from _list(b"messages", _messages(folds, amended, lead))
    yield _named(turns=turns)
    for name in ("tools", "nested", "internal", "asides", "retrieved"):
        yield from _list(name.encode(), _groups(folds, name))
    about = {"revision": header.revision, "pane": header.pane, "complete": header.complete}
    yield _named(**about, origin=summary.origin, metadata=summary.metadata) + b"}"


def _named(**fields: Any) -> bytes:  # noqa: ANN401 - any encodable struct
    """Fields, each behind a comma."""
    return b"," + encode_chunk(fields)[1:-1]


def content_hash(folds: Sequence[Fold], header: Header) -> bytes:
    """What decides whether a new revision is due: the whole line but its revision, its pane and the project's name.

    A line is made of nothing but its header and its folds, so their digests stand for its bytes.
    """
    about = structs.replace(header, revision=1, pane=Pane.ON_TIME, project=None)
    told = about, folds[-1].after.pending if folds else (), [digest_of(fold) for fold in folds]
    return sha256(_HASHED.encode(told)).digest()[:HASH_SIZE]


def assemble(folds: Sequence[Fold], header: Header) -> Trajectory:
    """The conversation as an object: what its line reads as."""
    return decode_line(b"".join(encode_line(folds, header)))
