"""How the files of the sink are called, and read back from their names."""

import re

from trajworker.ports import Compression, Stream
from trajworker.ports.naming import MANIFEST_SUFFIX, PUBLISHED, SEQ_DIGITS, VOID_SUFFIX

PART = re.compile(rf"\.(\d{{{SEQ_DIGITS}}})\.jsonl\.part$")
PACKED = re.compile(rf"\.(\d{{{SEQ_DIGITS}}})\.jsonl\.(?:gz|zst)\.part$")
REST = re.compile(rf"\.(\d{{{SEQ_DIGITS}}})\.jsonl\.rest$")
FINAL = re.compile(rf"{PUBLISHED}$")
MANIFEST = re.compile(rf"{PUBLISHED}{re.escape(MANIFEST_SUFFIX)}$")
VOID_NOTE = re.compile(rf"{PUBLISHED}{re.escape(VOID_SUFFIX)}$")
SCRATCH = re.compile(rf"\.(?:{'|'.join(Stream)})-\d{{{SEQ_DIGITS}}}\..*\.scratch$")


def part_name(seq: int, compression: Compression = Compression.NONE) -> str:
    """Name of a file that grows or waits to be published; hidden, so that nobody takes it for one that is."""
    return f".{seq:0{SEQ_DIGITS}}.jsonl{compression.suffix}.part"


def rest_name(seq: int) -> str:
    """Name of what stays of a part, until it takes the part's place."""
    return f".{seq:0{SEQ_DIGITS}}.jsonl.rest"


def final_name(stream: Stream, seq: int, compression: Compression = Compression.NONE) -> str:
    """Name of a published file."""
    return f"{stream}-{seq:0{SEQ_DIGITS}}.jsonl{compression.suffix}"


def compression_of(name: str) -> Compression:
    """How the file of that name is compressed."""
    return next((kind for kind in (Compression.GZ, Compression.ZST) if name.endswith(kind.suffix)), Compression.NONE)


def manifest_name(name: str) -> str:
    """Name of the manifest of a published file."""
    return f"{name}{MANIFEST_SUFFIX}"


def void_name(name: str) -> str:
    """Name of the note that a published file was lost and is not to be looked for."""
    return f"{name}{VOID_SUFFIX}"


def scratch_name(name: str) -> str:
    """Name under which a small file is written before it is renamed to `name`."""
    return f".{name}.scratch"
