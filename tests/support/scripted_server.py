"""A raw TCP server on loopback that answers with scripted bytes: what no well-behaved server would do.

A script is a function of the received request, or a list of replies of which the last repeats.
"""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlsplit

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def params(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query)

    @property
    def asked(self) -> dict[str, Any]:
        """The JSON body."""
        asked: dict[str, Any] = json.loads(self.body)
        return asked


class Reset:
    """Break the connection with RST."""


@dataclass(frozen=True)
class Pause:
    """Say nothing for so long."""

    seconds: float


@dataclass(frozen=True)
class Reply:
    """Bytes, pauses and breaks in the order in which they go out; `close` ends the connection afterwards."""

    parts: tuple[bytes | Pause | Reset, ...]
    close: bool = False


Script = Callable[[Received], Reply] | Sequence[Reply]


def reply(
    body: bytes,
    status: int = 200,
    *,
    content_type: str | None = "application/json",
    headers: dict[str, str] | None = None,
    length: int | None = None,
) -> Reply:
    """A whole answer; `length` lies about its length."""
    fields = {
        "Date": formatdate(usegmt=True),
        "Content-Length": str(len(body) if length is None else length),
        **({"Content-Type": content_type} if content_type else {}),
        **(headers or {}),
    }
    return Reply((head(status, fields) + body,), close=length is not None)


def head(status: int, fields: dict[str, str]) -> bytes:
    """Status line and headers."""
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """An answer in JSON; header names are given with underscores."""
    return reply(
        json.dumps(value).encode(), status, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


def until_closed(body: bytes) -> Reply:
    """An answer without a length that ends with the connection."""
    return Reply((head(200, {"Content-Type": "application/json", "Connection": "close"}) + body,), close=True)


def chunked(body: bytes, *, whole: bool = True) -> Reply:
    """An answer in one chunk, with or without the last one."""
    fields = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n"
    return Reply((head(200, fields) + chunk + (b"0\r\n\r\n" if whole else b""),), close=not whole)


def drip(body: bytes, seconds: float) -> Reply:
    """An answer a byte at a time."""
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    parts: list[bytes | Pause | Reset] = [head(200, fields)]
    for byte in body:
        parts += [Pause(seconds), bytes([byte])]
    return Reply(tuple(parts))


RESET = Reply((Reset(),))


@dataclass
class ScriptedServer:
    """Where it listens, and all it received."""

    url: str
    received: list[Received] = field(default_factory=list)

    def at(self, path: str) -> list[Received]:
        """The requests to a path."""
        return [request for request in self.received if request.path == path]


@asynccontextmanager
async def scripted(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[ScriptedServer]:
    """Serve a script until the block ends."""
    connections: set[asyncio.Task[None]] = set()
    replies = _by_turn(script)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await _exchange(reader, writer, replies, here.received):
                    pass
        finally:
            connections.discard(task)
            with suppress(OSError):
                writer.close()

    server = await asyncio.start_server(connected, LOOPBACK, 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    here = ScriptedServer(f"{'https' if tls else 'http'}://{LOOPBACK}:{port}")
    try:
        yield here
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()


def _by_turn(script: Script) -> Callable[[Received], Reply]:
    if callable(script):
        return script
    left = list(script)
    return lambda _request: left.pop(0) if len(left) > 1 else left[0]


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    replies: Callable[[Received], Reply],
    received: list[Received],
) -> bool:
    request = await _request(reader)
    received.append(request)
    answer = replies(request)
    for part in answer.parts:
        if isinstance(part, Pause):
            await asyncio.sleep(part.seconds)
        elif isinstance(part, Reset):
            _reset(writer)
            return False
        else:
            writer.write(part)
            await writer.drain()
    return not answer.close


async def _request(reader: asyncio.StreamReader) -> Received:
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = text.split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, target, headers, body)


def _reset(writer: asyncio.StreamWriter) -> None:
    """SO_LINGER 0 turns the close into an RST."""
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
