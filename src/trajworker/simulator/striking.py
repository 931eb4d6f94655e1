"""What a fault does to an answer: to its page, to its bytes, to its connection."""

import asyncio
import socket
import struct
from typing import Any, NamedTuple

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trajworker.simulator import cursors
from trajworker.simulator.asking import BODY
from trajworker.simulator.faults import (
    Answer,
    CutBody,
    DropCursor,
    Duplicate,
    Effect,
    EmptyPage,
    ExpireCursor,
    RepeatCursor,
    Reset,
    Slow,
    Stall,
    Truncate,
)

MOST_QUESTIONS = 64
"""Questions whose last page is remembered."""
TRANSPORT = "trajworker.transport"
"""Key of the ASGI scope's extensions under which the server puts the connection."""
_LINGER_NOT = struct.pack("ii", 1, 0)
_JSON_TYPE = [(b"content-type", b"application/json")]
_EXPIRED = b'{"detail":"Invalid cursor"}'


class Built(NamedTuple):
    """An answer as the routes built it, not yet sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


async def build(app: ASGIApp, scope: Scope, receive: Receive) -> Built:
    """Let the routes answer, but keep the answer."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return Built(messages[0]["status"], list(messages[0]["headers"]), body)


class Striker:
    """Carries out faults; remembers pages so that rows can come twice."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._pages: dict[bytes, list[msgspec.Raw]] = {}

    async def strike(
        self, effect: Effect | None, scope: Scope, receive: Receive, send: Send, cursor: str | None
    ) -> None:
        """Answer a request as a fault wants it. `cursor`: the one the request came with."""
        match effect:
            case Answer():
                await _send(send, _scripted(effect))
                return
            case Reset(when="before_headers"):
                await _reset(scope, receive)
                return
            case ExpireCursor() if cursor:
                await _send(send, Built(400, _JSON_TYPE, _EXPIRED))
                return
            case Stall(when="before_headers"):
                await asyncio.sleep(effect.seconds)
        built = await build(self._app, scope, receive)
        await _deliver(effect, self._page(effect, _question(scope), built, cursor), scope, receive, send)

    def _page(self, effect: Effect | None, question: bytes, built: Built, cursor: str | None) -> Built:
        """The page as the fault wants it; rows are remembered as the server meant them."""
        document = _document(built)
        if document is None:
            return built
        key = "runs" if "runs" in document else "items"
        rows = msgspec.json.decode(document[key], type=list[msgspec.Raw])
        before, self._pages[question] = self._pages.get(question, []), rows
        if len(self._pages) > MOST_QUESTIONS:
            del self._pages[next(iter(self._pages))]
        match effect:
            case Duplicate():
                document[key] = [*before[-effect.rows :], *rows]
            case EmptyPage():
                document[key] = []
                _set_cursor(document, cursors.after(cursors.read(cursor)))
            case RepeatCursor() if cursor:
                _set_cursor(document, cursor)
            case DropCursor():
                _set_cursor(document, None)
            case _:
                return built
        return built._replace(body=msgspec.json.encode(document))


def _question(scope: Scope) -> bytes:
    """What tells one walk over pages from another: the request without its cursor."""
    path: str = scope["path"]
    body: bytes = scope[BODY]
    try:
        asked = msgspec.json.decode(body or b"{}")
    except msgspec.MsgspecError:
        return path.encode() + body
    if isinstance(asked, dict):
        asked.pop("cursor", None)
    return path.encode() + msgspec.json.encode(asked)


def _document(built: Built) -> dict[str, Any] | None:
    """The page as its raw members; None for an answer that is no page."""
    if built.status != 200:  # noqa: PLR2004 - the one status of a page
        return None
    try:
        document: dict[str, Any] = msgspec.json.decode(built.body, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return None
    return document if "runs" in document or "items" in document else None


def _set_cursor(document: dict[str, Any], cursor: str | None) -> None:
    if "cursors" in document:
        document["cursors"] = {"next": cursor, "prev": None}
    else:
        document["next_cursor"] = cursor


def _scripted(effect: Answer) -> Built:
    headers = {name.lower(): value for name, value in effect.headers.items()}
    kind = "text/html" if effect.body.lstrip().startswith("<") else "application/json"
    headers.setdefault("content-type", kind)
    packed = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Built(effect.status, packed, effect.body.encode())


async def _deliver(effect: Effect | None, built: Built, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the answer, or as much of it as the fault allows."""
    match effect:
        case CutBody():
            await _send(send, built._replace(body=_share(built.body, effect.share)))
        case Truncate():
            await _start(send, built)
            await send(_piece(_share(built.body, effect.share), more=True))
            scope["extensions"][TRANSPORT].close()
            await _gone(receive)
        case Reset():
            await _start(send, built)
            await send(_piece(_share(built.body, 0.5), more=True))
            await _reset(scope, receive)
        case Stall(when="mid_body"):
            half = _share(built.body, 0.5)
            await _start(send, built)
            await send(_piece(half, more=True))
            await asyncio.sleep(effect.seconds)
            await send(_piece(built.body[len(half) :], more=False))
        case Slow():
            await _slowly(effect, built, send)
        case _:
            await _send(send, built)


async def _slowly(effect: Slow, built: Built, send: Send) -> None:
    await _start(send, built)
    size = max(1, -(-len(built.body) // effect.pieces))
    for begin in range(0, len(built.body), size):
        await send(_piece(built.body[begin : begin + size], more=True))
        await asyncio.sleep(effect.pause_s)
    await send(_piece(b"", more=False))


def _share(body: bytes, share: float) -> bytes:
    """The first part of a body, never the whole of it."""
    return body[: min(len(body) - 1, int(len(body) * share))] if body else body


def _piece(data: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def _start(send: Send, built: Built) -> None:
    """Announce the whole body, whatever will come of it."""
    headers = [(name, value) for name, value in built.headers if name != b"content-length"]
    headers.append((b"content-length", str(len(built.body)).encode()))
    await send({"type": "http.response.start", "status": built.status, "headers": headers})


async def _send(send: Send, built: Built) -> None:
    await _start(send, built)
    await send(_piece(built.body, more=False))


async def _reset(scope: Scope, receive: Receive) -> None:
    """Close with a RST: what a killed server or an impatient middlebox sends."""
    transport = scope["extensions"][TRANSPORT]
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    """Wait until the server knows that the connection is over, or it would complain of half an answer."""
    while (await receive())["type"] != "http.disconnect":
        pass
