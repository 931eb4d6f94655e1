"""Puts a simulator on a socket: in this process for tests, or for good for the command line."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from trajworker.errors import ConfigError
from trajworker.simulator.app import build
from trajworker.simulator.settings import SimulatorSettings
from trajworker.simulator.simulator import Simulator
from trajworker.simulator.striking import TRANSPORT

LOOPBACK = "127.0.0.1"
GRACEFUL_SHUTDOWN_S = 1
_BACKLOG = 2048


class CannotListen(ConfigError, OSError):
    """No socket can be had at that host and port; an OSError, too."""


class _Protocol(H11Protocol):
    """Shows the application its connection, so that scripted faults can break it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Put the connection into the scope of every request that comes over it."""
        super().connection_made(transport)  # type: ignore[arg-type] # narrower there, the caller passes a Transport
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - uvicorn's own ASGI types
            scope.setdefault("extensions", {})[TRANSPORT] = transport
            await inner(scope, receive, send)

        self.app = app


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to whoever owns the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signal."""
        yield


def _listen(host: str, port: int) -> socket.socket:
    with contextlib.ExitStack() as unless_it_listens:
        try:
            # asyncio switches Nagle off only where the protocol is named
            listener = socket.socket(_family_of(host), socket.SOCK_STREAM, socket.IPPROTO_TCP)
            unless_it_listens.enter_context(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(_BACKLOG)
        except (OSError, UnicodeError) as reason:  # the latter for a host that no resolver may be asked for
            why = getattr(reason, "strerror", None) or reason
            raise CannotListen(f"cannot listen on {host}:{port}: {why}; name another host or port") from None
        unless_it_listens.pop_all()
    return listener


def _family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


@asynccontextmanager
async def serve(simulator: Simulator, port: int = 0, host: str = LOOPBACK) -> AsyncIterator[str]:
    """Serve within the block; gives the base URL, such as `http://127.0.0.1:40123`. asyncio only.

    Raises:
        CannotListen: the port is taken, or the host is none of this machine.
    """
    listener = _listen(host, port)
    config = uvicorn.Config(
        build(simulator),
        http=_Protocol,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        date_header=False,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
    )
    server = _Server(config)
    shown = f"[{host}]" if ":" in host else host
    # a task, not a task group: what the block raises must reach the caller as it is
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://{shown}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        with anyio.CancelScope(shield=True):
            await task


def run_forever(
    settings: SimulatorSettings,
    host: str = LOOPBACK,
    port: int = 0,
    on_ready: Callable[[str], None] = print,
    load: Sequence[Path] = (),
) -> None:
    """Serve until SIGINT or SIGTERM. `load`: folders of recorded runs; `on_ready` gets the base URL.

    Raises:
        CannotListen: the port is taken, or the host is none of this machine.
        LoadError: a folder cannot be loaded.
    """

    async def main() -> None:
        simulator = Simulator(settings)
        for folder in load:
            simulator.load(folder)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with serve(simulator, port, host) as url:
            on_ready(url)
            await stop.wait()

    asyncio.run(main())
