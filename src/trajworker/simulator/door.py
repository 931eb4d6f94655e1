"""The door every request comes through: it reads the body, keeps the record, checks the caller, then lets it in."""

import asyncio
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trajworker.simulator.asking import BODY
from trajworker.simulator.faults import bare_path
from trajworker.simulator.record import MAX_BODY_BYTES, Recorded
from trajworker.simulator.simulator import Simulator

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_THREAD = re.compile(r"^/v2/threads/(?!query$|stats$).+?(?=/traces$|/stats$|/share$)")
_MILLISECONDS = 1000


class Door:
    """ASGI application in front of the routes."""

    def __init__(self, simulator: Simulator, routes: ASGIApp) -> None:
        self._simulator = simulator
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        simulator = self._simulator
        body = await _read(receive)
        scope[BODY] = body
        path = bare_path(scope["path"])
        recorded = Recorded(
            method=scope["method"],
            path=path,
            raw_path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            body=body if len(body) <= MAX_BODY_BYTES else b"",
            at_s=simulator.state.now_s(),
        )
        simulator.requests.add(recorded, route_of(path))

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                recorded.status = message["status"]
            await send(message)

        if simulator.settings.latency_ms:
            await asyncio.sleep(simulator.settings.latency_ms / _MILLISECONDS)
        await self._routes(scope, receive, note)


def route_of(path: str) -> str:
    """The path with its ids taken out: what requests are counted under."""
    return _UUID.sub("{id}", _THREAD.sub("/v2/threads/{id}", path))


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return b"".join(parts)
