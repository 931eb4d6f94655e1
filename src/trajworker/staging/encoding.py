"""How ids, times and runs lie in the staging file.

An id is a 16-byte BLOB where it is a UUID in its usual spelling (36 characters, lower case), else TEXT as it came.
A time is microseconds since 1970 UTC. A run is JSON without its `feedback_stats`, which change alone, and without those
of its payloads that lie apart as texts.
"""

import hashlib
from binascii import unhexlify
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

import msgspec
from msgspec import Raw

from trajworker.model.run import NULL, Feedback, Run
from trajworker.model.times import EPOCH, micros

PackedId = bytes | str

HASH_BYTES = 20
OLDER_HASH_BYTES = 16
"""Of the hashes that rows of schema 1 and 2 have."""
TEXT_BYTES = 8192
"""Payloads shorter than this stay in the body of their run: they cost less there than as rows of their own.

Changing it makes the runs between look changed once, since the hash of a run is that of its parts.
"""
FIELDS = ("inputs", "outputs", "extra")
"""Payloads that may lie apart."""
ORIGINAL = frozenset({"llm", "tool", "retriever", "embedding"})
"""Types of runs whose outputs were said by nobody before, so that nothing is spared by laying them apart."""
UUID_BYTES = 16
UUID_LENGTH = 36
pack_time = micros
"""A time as it is stored."""
NOTHING: Mapping[str, bytes] = MappingProxyType({})

_encode_run = msgspec.json.Encoder().encode
_decode_run = msgspec.json.Decoder(Run).decode
_decode_feedback = msgspec.json.Decoder(Feedback).decode


def pack_id(text: str) -> PackedId:
    """The id as it is stored."""
    if len(text) != UUID_LENGTH or text[8:24:5] != "----" or text != text.lower():
        return text
    try:
        packed = unhexlify(text.replace("-", ""))
    except ValueError:
        return text
    return packed if len(packed) == UUID_BYTES else text


def unpack_id(packed: PackedId) -> str:
    """The id as it came."""
    if isinstance(packed, str):
        return packed
    digits = packed.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def unpack_time(microseconds: int) -> datetime:
    """The aware UTC time."""
    return EPOCH + timedelta(microseconds=microseconds)


def long_payloads(run: Run) -> tuple[str, ...]:
    """Names of the payload fields of a run that lie apart."""
    if len(run.inputs) < TEXT_BYTES and len(run.outputs) < TEXT_BYTES and len(run.extra) < TEXT_BYTES:
        return ()
    fields = [field for field in FIELDS if len(getattr(run, field)) >= TEXT_BYTES]
    return tuple(field for field in fields if field != "outputs" or run.run_type not in ORIGINAL)


def pack_run(run: Run, apart: Sequence[str] = ()) -> tuple[bytes, bytes | None]:
    """The run as JSON without its feedback figures and the fields named, and those figures; None where there are none.

    The inverse is `unpack_run`.
    """
    if run.feedback_stats == NULL and not apart:
        return _encode_run(run), None
    stats = bytes(run.feedback_stats)
    bare = msgspec.structs.replace(run, feedback_stats=NULL, **dict.fromkeys(apart, NULL))
    return _encode_run(bare), None if stats == b"null" else stats


def unpack_run(body: bytes, stats: bytes | None, apart: Mapping[str, bytes] = NOTHING) -> Run:
    """The run as it was staged; `apart` are its payloads that are not in the body, by name."""
    run = _decode_run(body)
    if stats is None and not apart:
        return run
    payloads = {name: Raw(text) for name, text in apart.items()}
    if stats is not None:
        payloads["feedback_stats"] = Raw(stats)
    return msgspec.structs.replace(run, **payloads)


def pack_feedback(feedback: Feedback) -> bytes:
    """Feedback as JSON."""
    return msgspec.json.encode(feedback)


def unpack_feedback(body: bytes) -> Feedback:
    """Feedback as it was staged."""
    return _decode_feedback(body)


def digest(content: bytes, *more: bytes | Raw) -> bytes:
    """Short hash by which equal bytes are known: of those that are safe the one that processors themselves compute."""
    found = hashlib.sha256(content)
    for part in more:
        found.update(part)
    return found.digest()[:HASH_BYTES]


def digest_run(run: Run, body: bytes, apart: Sequence[str]) -> bytes:
    """Hash of the whole run as it came: of what `pack_run` made of it and of the fields apart."""
    if not apart:
        return digest(body)
    return digest(body, *(part for field in apart for part in (field.encode(), getattr(run, field))))


def digest_before(run: Run) -> bytes:
    """The hash that a row of an older release has of this run."""
    return hashlib.blake2b(pack_run(run)[0], digest_size=OLDER_HASH_BYTES).digest()
