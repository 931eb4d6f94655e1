"""The door every request comes through: it reads the body, keeps the record, checks the caller, then lets it in."""

import asyncio
import math
import re
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trajworker.simulator import access
from trajworker.simulator.asking import BODY
from trajworker.simulator.faults import bare_path
from trajworker.simulator.limits import Limiter, limits_for
from trajworker.simulator.problems import HTML_TOO_LARGE, Refusal
from trajworker.simulator.record import MAX_BODY_BYTES, Recorded
from trajworker.simulator.simulator import Simulator
from trajworker.simulator.striking import Striker

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_THREAD = re.compile(r"^/v2/threads/(?!query$|stats$).+?(?=/traces$|/stats$|/share$)")
_MILLISECONDS = 1000


class Door:
    """ASGI application in front of the routes."""

    def __init__(self, simulator: Simulator, routes: ASGIApp) -> None:
        self._simulator = simulator
        self._routes = routes
        self._striker = Striker(routes)
        scale = simulator.settings.rate_scale
        self._limiter = None if scale is None else Limiter(scale)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        scope[BODY] = await _read(receive)
        path = bare_path(scope["path"])
        recorded = self._record(scope, path)

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                recorded.status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"date", self._date())]
            await send(message)

        if self._simulator.settings.latency_ms:
            await asyncio.sleep(self._simulator.settings.latency_ms / _MILLISECONDS)
        turned_away = self._turned_away(scope, path)
        if turned_away is not None:
            await turned_away(scope, receive, note)
            return
        effect = self._simulator.faults.strike(scope["method"], path, scope[BODY])
        if effect is not None:
            recorded.fault = type(effect).__name__
        if self._simulator.faults.armed:
            await self._striker.strike(effect, scope, receive, note, _cursor(scope))
        else:
            await self._routes(scope, receive, note)

    def _date(self) -> bytes:
        """The simulator's own time, which need not be that of the host."""
        return formatdate(self._simulator.state.now_s(), usegmt=True).encode()

    def _record(self, scope: Scope, path: str) -> Recorded:
        body: bytes = scope[BODY]
        recorded = Recorded(
            method=scope["method"],
            path=path,
            raw_path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            body=body if len(body) <= MAX_BODY_BYTES else b"",
            at_s=self._simulator.state.now_s(),
        )
        self._simulator.requests.add(recorded, route_of(path))
        return recorded

    def _turned_away(self, scope: Scope, path: str) -> Response | None:
        """The answer for a caller who may not come in, or not now."""
        settings = self._simulator.settings
        headers = Headers(scope=scope)
        try:
            if len(scope[BODY]) > settings.max_body_bytes:
                return Response(HTML_TOO_LARGE, 413, media_type="text/html")
            access.check(settings, path, headers)
            wait_s = self._wait_s(scope, path, access.key_of(headers))
        except Refusal as refusal:
            return refusal.response(scope["path"], v2=path.startswith("/v2/"))
        if wait_s is None:
            return None
        answer = Refusal(429, "Rate limit exceeded").response(scope["path"], v2=path.startswith("/v2/"))
        if settings.send_retry_after:
            answer.headers["retry-after"] = str(math.ceil(wait_s))
        return answer

    def _wait_s(self, scope: Scope, path: str, key: str) -> float | None:
        if self._limiter is None:
            return None
        state = self._simulator.state
        limits = limits_for(scope["method"], route_of(path), scope[BODY], state.now_us())
        return self._limiter.wait_s(key, limits, state.now_s())


def route_of(path: str) -> str:
    """The path with its ids taken out: what requests are counted under."""
    return _UUID.sub("{id}", _THREAD.sub("/v2/threads/{id}", path))


class _Cursor(msgspec.Struct):
    cursor: Any = None


def _cursor(scope: Scope) -> str | None:
    """The cursor a request comes with, in its body or its query."""
    asked: list[str] | None = parse_qs(scope["query_string"].decode("latin-1")).get("cursor")
    if asked:
        return asked[0]
    try:
        cursor = msgspec.json.decode(scope[BODY] or b"{}", type=_Cursor).cursor
    except (msgspec.MsgspecError, UnicodeError):
        return None
    return cursor if isinstance(cursor, str) else None


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
