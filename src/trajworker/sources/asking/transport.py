"""One HTTP request to one origin: the only module that knows httpx.

No redirects, no environment, certificates always verified, every answer capped in size and time (reliability.md rows
14-25, 69-71, 86-89). It neither retries nor waits; it fails with a `Failure` that holds no secret. What httpx logs is
for the program to choose: URLs hold ids here, never a key, and headers of requests are not logged.
"""

import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self

import anyio
import httpcore
import httpx
from msgspec import Struct

from trajworker import __version__
from trajworker.errors import ConfigError
from trajworker.sources.asking.failure import Failure, Kind
from trajworker.sources.asking.inflating import Inflating
from trajworker.sources.asking.pacing import LONGEST_WAIT_S
from trajworker.sources.asking.settings import LangSmithSettings
from trajworker.sources.wires.reading import detail_in

KEEPALIVE_S = 20.0
"""Idle connections are closed before common proxies (60 s) drop them unseen."""
ERROR_CAP_BYTES = 64 << 10
"""Of an error body no more is read."""
READ_BYTES = 256 << 10
"""Of an answer at a time, where the process is ours: as much as asyncio takes from a socket at once."""
_OK = 200
_REDIRECTS = range(300, 400)


def read_larger_pieces() -> None:
    """Let httpcore take answers in larger pieces, for all of the process: only for one that is ours.

    It would cut what was received into pieces of 64 KiB, and hand each through all its layers.
    """
    httpcore.AsyncHTTP11Connection.READ_NUM_BYTES = READ_BYTES  # pyright: ignore[reportAttributeAccessIssue]  # inferred as that very number


class Request(Struct, frozen=True, kw_only=True):
    """What is sent: a path below the root, a JSON body for POST, or query parameters for GET."""

    path: str
    body: bytes | None = None
    params: tuple[tuple[str, str], ...] = ()


class Response(Struct, frozen=True, kw_only=True):
    """A success: its body, and the time on the server's clock."""

    content: bytes
    date: datetime | None


class Transport:
    """A pool of connections to one origin; use as an async context manager."""

    def __init__(self, root: str, settings: LangSmithSettings) -> None:
        self.root = root
        self._settings = settings
        self._limiter = anyio.CapacityLimiter(settings.in_flight)
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        settings, timeouts = self._settings, self._settings.timeouts
        self._client = httpx.AsyncClient(
            verify=_tls(settings, self.root),
            trust_env=False,
            proxy=settings.proxy,
            follow_redirects=False,
            http2=False,
            timeout=httpx.Timeout(timeouts.read_s, connect=timeouts.connect_s, pool=timeouts.total_s),
            limits=httpx.Limits(
                max_connections=settings.in_flight,
                max_keepalive_connections=settings.in_flight,
                keepalive_expiry=KEEPALIVE_S,
            ),
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "User-Agent": f"trajworker/{__version__}",
            },
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._client is not None:
            with anyio.CancelScope(shield=True):
                await self._client.aclose()

    async def send(self, request: Request) -> Response:
        """Send a request and take in its whole answer.

        Raises:
            Failure: anything but a whole answer with status 200.
        """
        async with self._limiter:
            failure: Failure
            try:
                with anyio.fail_after(self._settings.timeouts.total_s):
                    return await self._exchange(request)
            except TimeoutError:
                failure = Failure(Kind.TIMEOUT, detail="the answer took too long")
            except httpx.HTTPError as error:
                failure = _failure_of(error)
                failure.proxy = self._proxy_named()
        # Raised out here: httpx's errors hold the request, and with it the key; none may hang on the chain.
        try:
            raise failure
        finally:
            del failure  # else its traceback and this frame keep each other, and the answer, alive

    async def _exchange(self, request: Request) -> Response:
        if self._client is None:
            raise RuntimeError("the transport is not open")
        method = "GET" if request.body is None else "POST"
        sent = self._client.build_request(
            method,
            self.root + request.path,
            content=request.body,
            params=request.params or None,
            headers=self._headers(request),
        )
        response = await self._client.send(sent, stream=True)
        try:
            date = _date(response.headers.get("date"))
            if response.status_code != _OK:
                raise await self._refusal(response, date)
            _check_type(response)
            return Response(content=await self._content(response, self._settings.page_cap_bytes), date=date)
        finally:
            await response.aclose()

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {} if request.body is None else {"Content-Type": "application/json"}
        if self._settings.api_key is not None:
            headers["X-API-Key"] = self._settings.api_key.reveal()
        if self._settings.workspace_id:
            headers["X-Tenant-Id"] = self._settings.workspace_id
        return headers

    def _proxy_named(self) -> str:
        """The configured proxy without its credentials; empty where there is none."""
        if self._settings.proxy is None:
            return ""
        proxy = httpx.URL(self._settings.proxy)
        return f"{proxy.scheme}://{proxy.netloc.decode()}"

    async def _content(self, response: httpx.Response, cap: int) -> bytes:
        timeouts = self._settings.timeouts
        body = Inflating(response.headers.get("content-encoding", "").strip().lower(), cap)
        began, received = anyio.current_time(), 0
        async for chunk in response.aiter_raw():
            body.feed(chunk)
            received += len(chunk)
            elapsed_s = anyio.current_time() - began
            if elapsed_s > timeouts.grace_s and received < elapsed_s * timeouts.slowest_bytes_per_s:
                raise Failure(Kind.TIMEOUT, detail="the answer comes too slowly")
        return body.whole()

    async def _refusal(self, response: httpx.Response, date: datetime | None) -> Failure:
        status = response.status_code
        if status in _REDIRECTS:
            return Failure(Kind.REDIRECT, status=status)
        try:
            detail = detail_in(await self._content(response, ERROR_CAP_BYTES))
        except (Failure, httpx.HTTPError):
            detail = ""
        return Failure(Kind.STATUS, status=status, detail=detail, retry_after_s=_retry_after_s(response.headers, date))


def _tls(settings: LangSmithSettings, root: str) -> ssl.SSLContext:
    if settings.ca_bundle is not None:
        try:
            context = ssl.create_default_context(cafile=str(settings.ca_bundle))
        except OSError as reason:  # what OpenSSL says is one too
            raise ConfigError(f"source.ca_bundle: {settings.ca_bundle} holds no certificates ({reason})") from reason
    elif root.startswith("http:"):
        # No certificate will be shown, so nobody need be trusted: reading the usual list takes 20 ms.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    else:
        context = httpx.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _check_type(response: httpx.Response) -> None:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and "json" not in kind:
        raise Failure(Kind.FOREIGN, status=response.status_code, detail=f"content type {kind[:40]!r} instead of JSON")


def _failure_of(error: httpx.HTTPError) -> Failure:
    """What kind of fault it is; the text of the error stays behind, it may hold the URL."""
    if isinstance(error, httpx.ConnectTimeout):
        return Failure(Kind.CONNECT, detail="timed out while connecting")
    if isinstance(error, httpx.ProxyError):
        return Failure(Kind.CONNECT, detail="the proxy refuses")
    if isinstance(error, httpx.TimeoutException):
        return Failure(Kind.TIMEOUT, detail="the answer stalled")
    if isinstance(error, httpx.ConnectError):
        return _connect_failure(error)
    if isinstance(error, httpx.DecodingError):
        return Failure(Kind.CORRUPT)
    return Failure(Kind.BROKEN, detail=type(error).__name__)


def _connect_failure(error: httpx.ConnectError) -> Failure:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Failure(Kind.TLS, detail=cause.verify_message or "certificate refused")
        if isinstance(cause, ssl.SSLEOFError):  # a network that breaks or a server that restarts says as little
            return Failure(Kind.CONNECT, detail="hung up during the TLS handshake")
        if isinstance(cause, ssl.SSLError):
            return Failure(Kind.TLS, detail=cause.reason or "TLS handshake failed")
        if isinstance(cause, OSError) and cause.strerror:
            return Failure(Kind.CONNECT, detail=cause.strerror)
        cause = cause.__cause__ or cause.__context__
    return Failure(Kind.CONNECT, detail="no connection")


def _date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None


def _retry_after_s(headers: httpx.Headers, date: datetime | None) -> float | None:
    """Seconds the server asks us to wait, 0..300, a date counted from its own clock; None where it makes no sense."""
    milliseconds, seconds_or_date = headers.get("retry-after-ms"), headers.get("retry-after")
    for text, unit in ((milliseconds, 0.001), (seconds_or_date, 1.0)):
        try:
            seconds = float(text) * unit if text else -1.0
        except ValueError:
            continue
        if seconds >= 0:
            return min(seconds, LONGEST_WAIT_S)
    until = _date(seconds_or_date)
    if until is None or date is None:
        return None
    return min(max((until - date).total_seconds(), 0.0), LONGEST_WAIT_S)
