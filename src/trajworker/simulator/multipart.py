"""Request bodies as ingest sends them: compressed or not, and in named parts."""

import gzip
import zlib
from typing import NamedTuple

import zstandard

from trajworker.simulator.merge import refusal


class Part(NamedTuple):
    """One part of a multipart body."""

    name: str
    content_type: str
    data: bytes


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its `Content-Encoding`.

    Raises:
        Refusal: 400 for a broken body, 415 for an unknown encoding.
    """
    try:
        match encoding.strip().lower():
            case "" | "identity":
                return body
            case "gzip":
                return gzip.decompress(body)
            case "zstd":
                return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise refusal(400, f"cannot decompress the body: {error}") from error
    raise refusal(415, f"unsupported Content-Encoding {encoding!r}")


def parts(body: bytes, content_type: str) -> list[Part]:
    """The parts of a `multipart/form-data` body, in order.

    Raises:
        Refusal: 422 where it is none.
    """
    boundary = _parameter(content_type, "boundary")
    if not content_type.lower().startswith("multipart/") or not boundary:
        raise refusal(422, "expected multipart/form-data with a boundary")
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1"))
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):  # noqa: PLR2004 - a preamble and an end at least
        raise refusal(422, "the multipart body does not end with its boundary")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, found, data = piece.partition(b"\r\n\r\n")
    if not found:
        raise refusal(422, "a part without headers")
    headers = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    name = _parameter(headers.get("content-disposition", ""), "name")
    if not name:
        raise refusal(422, "a part without a name")
    content_type = headers.get("content-type", "application/json").split(";")[0].strip()
    return Part(name, content_type, data)


def _parameter(header: str, name: str) -> str:
    for item in header.split(";")[1:]:
        key, _, value = item.strip().partition("=")
        if key.strip().lower() == name:
            return value.strip().strip('"')
    return ""
