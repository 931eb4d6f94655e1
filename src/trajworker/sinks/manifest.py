"""The manifest beside a published file, made of nothing but its row, so that it can be made again byte by byte."""

import hashlib

import msgspec
from msgspec import Struct

from trajworker.ports import Part, PartState

VERSION = 1


class Manifest(Struct, frozen=True, kw_only=True):
    """What a consumer may rely on. Hashes are sha256 in hexadecimal digits, lengths are bytes.

    `previous` is the hash of the manifest before this one, None for the first: a missing file shows. `raw_bytes` is
    the length before compression. Ledger rows `first_row` to `last_row` are in the file. A `void` one stands for a
    number whose file was lost before it was published.
    """

    version: int = VERSION
    seq: int
    name: str
    lines: int
    bytes: int
    raw_bytes: int
    sha256: str | None
    first_row: int | None
    last_row: int | None
    previous: str | None
    void: bool = False


def manifest_of(part: Part, name: str, previous: bytes | None) -> bytes:
    """The manifest of a sealed part (or a void one), as it is written."""
    void = part.state is PartState.VOID
    manifest = Manifest(
        seq=part.seq,
        name=name,
        lines=0 if void else part.lines,
        bytes=0 if void else part.size_bytes or 0,
        raw_bytes=0 if void else part.length,
        sha256=None if void or part.sha256 is None else part.sha256.hex(),
        first_row=part.first,
        last_row=part.last,
        previous=None if previous is None else previous.hex(),
        void=void,
    )
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def read_manifest(content: bytes) -> Manifest:
    """Decode a manifest; raises `msgspec.DecodeError` where it is none."""
    try:
        return msgspec.json.decode(content, type=Manifest)
    except (UnicodeError, RecursionError) as error:  # neither is a MsgspecError
        raise msgspec.DecodeError(type(error).__name__) from error


def hash_of(content: bytes) -> bytes:
    """By which the next manifest names this one."""
    return hashlib.sha256(content).digest()
