"""The probes of a pod: /livez, /readyz, /metrics, for strangers to ask (reliability.md row 91).

A request is a GET of at most 1 KiB that comes within 2 s; each connection gets one answer. Answers hold no ids, no
configuration, no keys. This is so little HTTP that a web framework, which has no time limit for request headers, would
be larger and weaker.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus
from time import monotonic
from typing import Final

import anyio
from anyio.abc import SocketAttribute, SocketStream, TaskStatus
from anyio.streams.buffered import BufferedByteReceiveStream

from trajworker.errors import ConfigError
from trajworker.events import Event, SliceRead
from trajworker.observing.metrics import CONTENT_TYPE, metrics
from trajworker.observing.tally import Tally

MAX_REQUEST_BYTES: Final = 1024
REQUEST_S: Final = 2.0
MAX_CONNECTIONS: Final = 16
"""More at the same time are hung up on."""

STALE_AFTER_S: Final = 900.0
"""Without a slice read for so long the worker is alive but not ready, unless it is asked to look less often."""
STALE_AFTER_POLLS: Final = 3

_PLAIN: Final = "text/plain; charset=utf-8"

Answer = tuple[HTTPStatus, str, str]
"""Status, content type, body."""


class Health:
    """An observer that knows how the worker is, and the server that tells it.

    Liveness is that the event loop answers: a probe that gets no answer means a loop that is stuck. Upstream trouble
    and a disk that is full are no reason to be restarted, so they show in readiness only.
    """

    def __init__(self, tally: Tally, poll_s: float = 0.0, clock: Callable[[], float] = monotonic) -> None:
        """Read from `tally`; `poll_s` is the pause between two cycles, in which nothing is read."""
        self._tally = tally
        self._stale_after_s = max(STALE_AFTER_S, STALE_AFTER_POLLS * poll_s)
        self._clock = clock
        self._last_read_s: float | None = None

    def __call__(self, event: Event) -> None:
        """Remember when a slice was last read; the tally has the rest."""
        if isinstance(event, SliceRead):
            self._last_read_s = self._clock()

    def answer(self, path: str) -> Answer:
        """What is answered to a GET of `path`."""
        match path:
            case "/livez":
                return HTTPStatus.OK, _PLAIN, "ok\n"
            case "/readyz":
                trouble = self.trouble()
                status = HTTPStatus.OK if trouble is None else HTTPStatus.SERVICE_UNAVAILABLE
                return status, _PLAIN, f"{trouble or 'ok'}\n"
            case "/metrics":
                return HTTPStatus.OK, CONTENT_TYPE, metrics(self._tally)
            case _:
                return HTTPStatus.NOT_FOUND, _PLAIN, "ask for /livez, /readyz or /metrics\n"

    def trouble(self) -> str | None:
        """Why the worker is not ready, None if it is."""
        if self._tally.stopping or self._tally.stopped is not None:
            return "stopping"
        if failed := self._tally.corridors.failed:
            return " and ".join(f"{corridor} fails" for corridor in sorted(failed))
        if self._last_read_s is None:
            return "nothing read yet"
        age_s = self._clock() - self._last_read_s
        return f"last slice read {age_s:.0f} s ago" if age_s > self._stale_after_s else None

    async def serve(self, bind: str, *, task_status: TaskStatus[int] = anyio.TASK_STATUS_IGNORED) -> None:
        """Answer on `bind` (address:port, port 0 for any) until cancelled; tells the port it got once it listens.

        Raises ConfigError if the address cannot be bound.
        """
        host, _, port = bind.rpartition(":")
        limiter = anyio.CapacityLimiter(MAX_CONNECTIONS)

        async def handle(stream: SocketStream) -> None:
            async with stream:
                try:
                    limiter.acquire_nowait()
                except anyio.WouldBlock:
                    return
                try:
                    await self._answer_one(stream)
                finally:
                    limiter.release()

        try:
            listener = await anyio.create_tcp_listener(local_host=host.strip("[]"), local_port=int(port))
        except OSError as reason:
            raise ConfigError(f"health.bind: cannot listen on {bind}: {reason.strerror or reason}") from reason
        async with listener:
            port_bound = listener.extra(SocketAttribute.local_port)  # noqa: S610 - anyio's extra, not Django's
            task_status.started(port_bound)
            await listener.serve(handle)

    async def _answer_one(self, stream: SocketStream) -> None:
        try:
            with anyio.move_on_after(REQUEST_S):
                request = await BufferedByteReceiveStream(stream).receive_until(b"\r\n\r\n", MAX_REQUEST_BYTES)
                await stream.send(_response(*self._answer_request(request)))
        except anyio.DelimiterNotFound:
            with anyio.move_on_after(REQUEST_S):
                await stream.send(_response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _PLAIN, "too large\n"))
        except (anyio.IncompleteRead, anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
            logging.getLogger(__name__).debug("a probe went away")

    def _answer_request(self, request: bytes) -> Answer:
        match request.split(b"\r\n", 1)[0].split(b" "):
            case [b"GET", target, b"HTTP/1.1" | b"HTTP/1.0"]:
                return self.answer(target.split(b"?", 1)[0].decode("ascii", "replace"))
            case [_, _, b"HTTP/1.1" | b"HTTP/1.0"]:
                return HTTPStatus.METHOD_NOT_ALLOWED, _PLAIN, "only GET\n"
            case _:
                return HTTPStatus.BAD_REQUEST, _PLAIN, "not HTTP\n"


def _response(status: HTTPStatus, content_type: str, body: str) -> bytes:
    payload = body.encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(payload)}\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n"
    )
    return head.encode("ascii") + payload
