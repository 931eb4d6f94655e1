"""How ids, times and runs lie in the staging file.

An id is a 16-byte BLOB where it is a UUID in its usual spelling (36 characters, lower case), else TEXT as it came.
A time is microseconds since 1970 UTC. A run is JSON without its `feedback_stats`, which change alone.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec
from msgspec import Raw

from trajworker.model.run import NULL, Feedback, Run

PackedId = bytes | str

T = TypeVar("T")

LOOKUP_ROWS = 500
"""Values asked for in one statement."""
HASH_BYTES = 16
UUID_BYTES = 16
UUID_LENGTH = 36
HEX_DIGITS = 32
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_US = 86_400_000_000
SECOND_US = 1_000_000

_encode_run = msgspec.json.Encoder().encode
_decode_run = msgspec.json.Decoder(Run).decode
_decode_feedback = msgspec.json.Decoder(Feedback).decode


def pack_id(text: str) -> PackedId:
    """The id as it is stored."""
    digits = text.replace("-", "")
    if len(digits) != HEX_DIGITS or len(text) != UUID_LENGTH or text != text.lower():
        return text
    if not text[8] == text[13] == text[18] == text[23] == "-":
        return text
    try:
        packed = bytes.fromhex(digits)
    except ValueError:
        return text
    return packed if len(packed) == UUID_BYTES else text


def unpack_id(packed: PackedId) -> str:
    """The id as it came."""
    if isinstance(packed, str):
        return packed
    digits = packed.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def pack_time(time: datetime) -> int:
    """Microseconds since 1970."""
    age = time - EPOCH
    return age.days * DAY_US + age.seconds * SECOND_US + age.microseconds


def unpack_time(microseconds: int) -> datetime:
    """The aware UTC time."""
    return EPOCH + timedelta(microseconds=microseconds)


def pack_run(run: Run) -> tuple[bytes, bytes | None]:
    """The run as JSON without its feedback figures, and those; None where there are none."""
    if run.feedback_stats is NULL:
        return _encode_run(run), None
    stats = bytes(run.feedback_stats)
    bare = msgspec.structs.replace(run, feedback_stats=NULL)
    return _encode_run(bare), None if stats == b"null" else stats


def unpack_run(body: bytes, stats: bytes | None) -> Run:
    """The run as it was staged."""
    run = _decode_run(body)
    return run if stats is None else msgspec.structs.replace(run, feedback_stats=Raw(stats))


def pack_feedback(feedback: Feedback) -> bytes:
    """Feedback as JSON."""
    return msgspec.json.encode(feedback)


def unpack_feedback(body: bytes) -> Feedback:
    """Feedback as it was staged."""
    return _decode_feedback(body)


def digest(content: bytes) -> bytes:
    """Short hash by which equal bytes are known."""
    return hashlib.blake2b(content, digest_size=HASH_BYTES).digest()


def marks(values: Sequence[object]) -> str:
    """As many parameter marks as there are values, for `IN (...)`."""
    return ",".join("?" * len(values))


def chunked(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in portions that one statement can ask for."""
    for first in range(0, len(values), LOOKUP_ROWS):
        yield values[first : first + LOOKUP_ROWS]
