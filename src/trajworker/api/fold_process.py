"""From runs of exported conversations to lines: the work of one process of the pool, and the process itself.

`python -m trajworker.api.fold_process` reads frames on stdin and answers each on stdout; the first one is the settings.
A frame is its length (8 bytes, little-endian) and its content.
"""

import gc
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from typing import BinaryIO

import msgspec
from msgspec import Struct

from trajworker.assembly import Conversation, FoldSettings, Header, encode_line
from trajworker.assembly.lifecycle import pane_at_once
from trajworker.errors import kind_and_place
from trajworker.model.run import Run
from trajworker.sources.files.parquet_rows import ExportedConversation, conversations_of, mended

LENGTH_BYTES = 8
YOUNG_OBJECTS = 50_000
"""New objects after which garbage is looked for: folding makes many, and nearly none that refer to each other."""


class AssembledLine(Struct, frozen=True, array_like=True):
    """An assembled conversation as a line, or the reason why there is none."""

    conversation_id: str
    content: bytes | None = None
    failure: str | None = None


_LINES = msgspec.msgpack.Decoder(list[AssembledLine])


def line_of(conversation: ExportedConversation, settings: FoldSettings) -> AssembledLine:
    """The line of a conversation; payloads that are no JSON are only looked for where folding fails."""
    if conversation.failure is not None:
        return AssembledLine(conversation.conversation_id, failure=conversation.failure)
    try:
        return AssembledLine(conversation.conversation_id, _encoded(conversation, settings))
    except Exception:  # noqa: BLE001 - an export may hold anything
        return _second_try(conversation, settings)


def _second_try(conversation: ExportedConversation, settings: FoldSettings) -> AssembledLine:
    name = conversation.conversation_id
    traces = [[mended(run) for run in trace] for trace in conversation.traces]
    try:
        return AssembledLine(name, _encoded(msgspec.structs.replace(conversation, traces=traces), settings))
    except Exception as error:  # noqa: BLE001 - one conversation never costs the others
        return AssembledLine(name, failure=f"cannot be assembled ({kind_and_place(error)})")


def lines_of(batch: bytes | memoryview, settings: FoldSettings) -> list[AssembledLine]:
    """The lines of an Arrow batch, as `ipc_of` wrote it."""
    pa = import_module("pyarrow")
    with pa.ipc.open_stream(batch) as stream:
        return [line_of(one, settings) for rows in stream for one in conversations_of(rows)]


def encode_lines(lines: Iterable[AssembledLine]) -> bytes:
    """Lines as a frame."""
    return msgspec.msgpack.encode(list(lines))


def decode_lines(frame: bytes) -> list[AssembledLine]:
    """Lines of a frame."""
    return _LINES.decode(frame)


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame; None at the end, also where whoever wrote it was ended in the middle of one."""
    head = stream.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "little")
    content = stream.read(length)
    return content if len(content) == length else None


def write_frame(stream: BinaryIO, content: bytes | memoryview) -> None:
    """Send a frame."""
    stream.write(len(content).to_bytes(LENGTH_BYTES, "little"))
    stream.write(content)
    stream.flush()


def _encoded(exported: ExportedConversation, settings: FoldSettings) -> bytes:
    conversation = Conversation(settings, keeps=False)
    for trace in exported.traces:
        conversation.fold(trace)
    complete = all(run.ended for run in _runs(exported))
    header = Header(
        conversation_id=exported.conversation_id,
        project_id=exported.project_id or None,
        pane=pane_at_once(complete=complete),
        complete=complete,
    )
    return b"".join(encode_line(conversation.folds, header))


def _runs(conversation: ExportedConversation) -> Iterator[Run]:
    return (run for trace in conversation.traces for run in trace)


def serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer frames until there are no more."""
    first = read_frame(incoming)
    if first is None:
        return
    settings = msgspec.msgpack.decode(first, type=FoldSettings)
    with suppress(ImportError):  # while there is nothing to do yet; the parent tells of an extra that is missing
        import_module("pyarrow")
    gc.freeze()  # what is imported lives to the end
    gc.set_threshold(YOUNG_OBJECTS)
    while (frame := read_frame(incoming)) is not None:
        write_frame(outgoing, encode_lines(lines_of(frame, settings)))


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
