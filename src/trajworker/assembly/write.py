"""Writes a conversation's line out of its folds by splicing bytes: no message is decoded unless it was amended."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from trajworker.assembly.figures import merge, seconds, termination
from trajworker.assembly.parts import Fold
from trajworker.assembly.rewards import reward_of
from trajworker.assembly.transcript import Amendment
from trajworker.model.message import Message, TrainableStatus
from trajworker.trajectory import (
    ExecutionMetrics,
    Origin,
    Pane,
    RewardComponent,
    Task,
    Trajectory,
    TrajectoryMetrics,
    Turn,
)
from trajworker.trajectory.line import LineStep, decode_line, encode_chunk


class Header(Struct, frozen=True, kw_only=True):
    """What a line says that no trace knows. `complete` is False where something had not ended."""

    conversation_id: str
    project_id: str | None = None
    project: str | None = None
    data_source: str = "langsmith"
    revision: int = 1
    pane: Pane = Pane.ON_TIME
    complete: bool = True


_MESSAGE = msgspec.json.Decoder(Message)
_STEP = msgspec.json.Decoder(LineStep)
_COMPONENT = msgspec.json.Decoder(RewardComponent)


def _turns(folds: Sequence[Fold]) -> list[Turn]:
    turns: list[Turn] = []
    for fold in folds:
        if fold.reopens and turns and turns[-1].status == "success":
            turns[-1] = msgspec.structs.replace(turns[-1], status="interrupted")
        for entry in fold.entries:
            if entry.joins and turns:
                last = turns[-1]
                turns[-1] = msgspec.structs.replace(
                    last, trace_ids=(*last.trace_ids, entry.trace_id), status=entry.status,
                    end_time=entry.end, error=entry.error,
                )  # fmt: skip
                continue
            turns.append(
                Turn(
                    trace_ids=(entry.trace_id,), status=entry.status, start_time=entry.start or None,
                    end_time=entry.end, error=entry.error, resumes=entry.resumes,
                )
            )  # fmt: skip
    return turns


def _amended(folds: Sequence[Fold]) -> dict[int, list[Amendment]]:
    """Amendments by message index, and the flags of calls that never got a result."""
    found: dict[int, list[Amendment]] = {}
    for fold in folds:
        for amendment in fold.amendments:
            for index in range(amendment.start, amendment.stop):
                found.setdefault(index, []).append(amendment)
    for call in folds[-1].after.pending:
        found.setdefault(call.index, []).append(Amendment(start=call.index, stop=call.index + 1, flag="unanswered"))
    return found


def _apply(chunk: bytes, amendments: list[Amendment]) -> bytes:
    message = _MESSAGE.decode(chunk)
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
    if flags != list(message.flags):
        changes["flags"] = tuple(flags)
    return encode_chunk(msgspec.structs.replace(message, **changes)) if changes else chunk


def _messages(folds: Sequence[Fold], amended: dict[int, list[Amendment]]) -> Iterator[bytes]:
    for fold in folds:
        if not amended:
            if fold.messages:
                yield b",".join(fold.messages)
            continue
        chunks = list(fold.messages)
        for index in range(fold.base, fold.base + len(chunks)):
            if index in amended:
                chunks[index - fold.base] = _apply(chunks[index - fold.base], amended[index])
        if chunks:
            yield b",".join(chunks)


def _steps(folds: Sequence[Fold], amended: dict[int, list[Amendment]]) -> Iterator[bytes]:
    superseded = {
        index for index, changes in amended.items() if any(one.status is TrainableStatus.SUPERSEDED for one in changes)
    }
    for fold in folds:
        chunks = list(fold.steps)
        if superseded and any(fold.base <= index < fold.base + len(fold.messages) for index in superseded):
            chunks = [_superseded(chunk, superseded) for chunk in chunks]
        if chunks:
            yield b",".join(chunks)


def _superseded(chunk: bytes, indexes: set[int]) -> bytes:
    step = _STEP.decode(chunk)
    if step.messages and step.messages[-1][-1] - 1 in indexes:
        step.trainable_status = TrainableStatus.SUPERSEDED
        return encode_chunk(step)
    return chunk


def _list(name: bytes, groups: Iterator[bytes]) -> Iterator[bytes]:
    """A named array out of groups of elements; nothing where there is none."""
    opened = False
    for group in groups:
        yield b"," + group if opened else b',"' + name + b'":[' + group
        opened = True
    if opened:
        yield b"]"


def _groups(folds: Sequence[Fold], field: str) -> Iterator[bytes]:
    for fold in folds:
        chunks: list[bytes] = getattr(fold, field)
        if chunks:
            yield b",".join(chunks)


def _content(folds: Sequence[Fold], header: Header) -> tuple[list[bytes], Iterator[bytes], list[bytes]]:
    """Head, body and tail of a line; the tail is its revision, pane and what follows."""
    figures = merge([fold.figures for fold in folds])
    turns = _turns(folds)
    amended = _amended(folds)
    steps = sum(len(fold.steps) for fold in folds)
    components = [_COMPONENT.decode(chunk) for fold in folds for chunk in fold.rewards]
    reward = reward_of(components)
    counted = figures.counted > 0
    task = Task(
        conversation_id=header.conversation_id, data_source=header.data_source,
        num_turns=sum(1 for turn in turns if not turn.resumes), num_steps=steps,
        total_tokens=figures.total_tokens if counted else None, total_cost=round(figures.cost, 12) if figures.cost is not None else None,
    )  # fmt: skip
    disagrees = counted and figures.root_tokens is not None and figures.root_tokens != figures.total_tokens
    metrics = TrajectoryMetrics(
        steps=steps, tokens_generated=figures.output_tokens if counted else None,
        num_tool_calls=figures.tool_calls, num_tool_failures=figures.tool_failures,
        tool_error_rate=figures.tool_failures / figures.tool_results if figures.tool_results else None,
        aggregated_reward=reward.aggregated_value if reward is not None else None,
        llm_calls=figures.llm_calls, llm_errors=figures.llm_errors,
        input_tokens=figures.input_tokens if counted else None,
        output_tokens=figures.output_tokens if counted else None,
        cache_read_tokens=figures.cache_read if counted else None,
        cache_write_tokens=figures.cache_write if counted else None,
        reasoning_tokens=figures.reasoning if counted else None,
        tokens_complete=figures.uncounted == 0, num_tool_results=figures.tool_results,
        num_tool_runs_failed=figures.tool_runs_failed, num_retrievals=figures.retrievals,
        root_total_tokens=figures.root_tokens if disagrees else None,
    )  # fmt: skip
    last = turns[-1]
    execution = ExecutionMetrics(
        env_time=seconds(figures.tool_times) if figures.tool_times else None,
        llm_time=seconds(figures.llm_times) if figures.llm_times else None,
        total_time=seconds([(figures.start, figures.end)]) if figures.start and figures.end else None,
        termination_reason=termination(
            last.status, last.error, folds[-1].finish, out_of_steps=folds[-1].out_of_steps, complete=header.complete
        ),
    )  # fmt: skip
    head = [b'{"task":' + encode_chunk(task)]
    middle = b""
    if reward is not None:
        middle += b',"reward":' + encode_chunk(reward)
    middle += b',"metrics":' + encode_chunk(metrics) + b',"execution_metrics":' + encode_chunk(execution)
    if last.status == "error" and last.error is not None:
        middle += b',"error":' + encode_chunk(last.error)
    origin = Origin(
        project_id=header.project_id or folds[-1].project_id or None, project=header.project,
        trace_ids=tuple(fold.trace_id for fold in folds),
    )  # fmt: skip
    metadata: dict[str, Any] = {}
    models: dict[str, None] = {}
    for fold in folds:
        metadata |= fold.metadata
        models |= dict.fromkeys(fold.metadata.get("models", ()))
    if models:
        metadata["models"] = list(models)
    raw = figures.raw
    if raw:
        metadata["raw_payloads"] = raw
    end = b',"origin":' + encode_chunk(origin) if origin != Origin() else b""
    if metadata:
        end += b',"metadata":' + encode_chunk(metadata)
    return head, _body(folds, amended, middle, turns), [end + b"}\n"]


def _body(
    folds: Sequence[Fold], amended: dict[int, list[Amendment]], middle: bytes, turns: list[Turn]
) -> Iterator[bytes]:
    yield from _list(b"steps", _steps(folds, amended))
    yield middle
    yield from _list(b"messages", _messages(folds, amended))
    yield b',"turns":' + encode_chunk(turns)
    for name in ("tools", "nested", "internal", "asides", "retrieved"):
        yield from _list(name.encode(), _groups(folds, name))


def encode_line(folds: Sequence[Fold], header: Header) -> Iterator[bytes]:
    """The conversation's line in pieces, its newline last; nothing is ever held whole."""
    head, body, tail = _content(folds, header)
    yield from head
    yield from body
    marks = b""
    if header.revision != 1:
        marks += b',"revision":' + str(header.revision).encode()
    if header.pane is not Pane.ON_TIME:
        marks += b',"pane":"' + header.pane.value.encode() + b'"'
    if not header.complete:
        marks += b',"complete":false'
    yield marks
    yield from tail


def content_hash(folds: Sequence[Fold], header: Header) -> bytes:
    """What decides whether a new revision is due: everything on the line but its revision and its pane."""
    head, body, tail = _content(folds, header)
    hashed = blake2b(digest_size=16)
    for pieces in (head, body, tail):
        for piece in pieces:
            hashed.update(piece)
    hashed.update(b"complete" if header.complete else b"open")
    return hashed.digest()


def assemble(folds: Sequence[Fold], header: Header) -> Trajectory:
    """The conversation as an object: what its line reads as."""
    return decode_line(b"".join(encode_line(folds, header)))
