"""Folds hand-made traces the way the worker does, one after the other, through the bytes that staging keeps."""

from collections.abc import Sequence

from trajworker.assembly import Conversation, Fold, Header, assemble, decode_fold, encode_fold, encode_line
from trajworker.model.message import Message
from trajworker.model.run import Run
from trajworker.trajectory import Trajectory


def fold_all(traces: Sequence[Sequence[Run]]) -> list[Fold]:
    """Folds of the traces of a conversation, each against the one before it."""
    folds: list[Fold] = []
    for trace in traces:
        folds.append(decode_fold(encode_fold(Conversation(folds=folds).fold(trace))))
    return folds


def told(*traces: Sequence[Run]) -> Trajectory:
    """The conversation of these traces, which is the same folded in a row or each against what was kept of others."""
    folds, in_a_row, header = fold_all(traces), Conversation(keeps=False), Header(conversation_id="t")
    for trace in traces:
        in_a_row.fold(trace)
    assert b"".join(encode_line(in_a_row.folds, header)) == b"".join(encode_line(folds, header))
    return assemble(folds, header)


def brief(messages: Sequence[Message]) -> list[tuple[str, object]]:
    """Roles with what was said: text, the calls as (name, arguments), or (result, failed)."""
    found: list[tuple[str, object]] = []
    for message in messages:
        if message.tool_calls:
            calls = [(call.name, call.arguments) for call in message.tool_calls]
            found.append((message.role.value, (message.content, calls) if message.content else calls))
        elif message.tool_response is not None and message.tool_response.error is not None:
            found.append((message.role.value, (message.content, "failed")))
        else:
            found.append((message.role.value, message.content))
    return found
