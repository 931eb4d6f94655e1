"""The simulator in a process of its own, with a count of what went over the wire.

As a program: `server.py FOLDER [--latency-ms N] [--rate-scale X]` prints `{"url": ...}` when ready, answers each line
on stdin with the counts since the one before (a line that names a folder loads it first), and ends with stdin.
As a module: `Server` starts that program.
"""

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from msgspec import Struct

READY_WITHIN_S: Final = 300
TOO_MANY_REQUESTS: Final = 429
_HEADER_BYTES_PER_LINE: Final = 4


class Counts(Struct, frozen=True):
    """What one server did between two questions.

    `sent` is when answers other than 429 began, in seconds since the first.
    """

    requests: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    refused: int = 0
    statuses: dict[str, int] = {}
    routes: dict[str, int] = {}
    cpu_s: float = 0.0
    sent: list[float] = []


class _Counter:
    """ASGI application that counts in front of another."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.forget()

    def forget(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.routes: Counter[str] = Counter()
        self.bytes_out = self.bytes_in = 0
        self.sent: list[float] = []
        self._cpu_s = time.process_time()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def counted_receive() -> Any:
            message = await receive()
            self.bytes_in += len(message.get("body", b""))
            return message

        async def counted_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.statuses[str(message["status"])] += 1
                if message["status"] != TOO_MANY_REQUESTS:
                    self.sent.append(time.monotonic())
                for name, value in message["headers"]:
                    self.bytes_out += len(name) + len(value) + _HEADER_BYTES_PER_LINE
            else:
                self.bytes_out += len(message.get("body", b""))
            await send(message)

        self.routes[f"{scope['method']} {scope['path']}"] += 1
        await self._inner(scope, counted_receive, counted_send)

    def take(self) -> Counts:
        """The counts so far; counting begins anew."""
        first = self.sent[0] if self.sent else 0.0
        counts = Counts(
            sum(self.routes.values()),
            self.bytes_out,
            self.bytes_in,
            self.statuses[str(TOO_MANY_REQUESTS)],
            dict(self.statuses),
            dict(self.routes),
            time.process_time() - self._cpu_s,
            [at - first for at in self.sent],
        )
        self.forget()
        return counts


class Server:
    """A simulator process; a context manager."""

    def __init__(self, folder: Path, *, latency_ms: float = 0.0, rate_scale: float | None = None) -> None:
        self._command = [sys.executable, str(Path(__file__)), str(folder), "--latency-ms", str(latency_ms)]
        if rate_scale is not None:
            self._command += ["--rate-scale", str(rate_scale)]
        self.url = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = json.loads(self._answer())["url"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def take(self) -> Counts:
        """What the server did since the last call."""
        return self._ask("")

    def load(self, folder: Path) -> None:
        """Let runs arrive while the server stands."""
        self._ask(str(folder))

    def _ask(self, line: str) -> Counts:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._answer(), type=Counts)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the simulator ended with {self._process.wait()}")
        return line


@contextmanager
def _listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(2048)
        yield listener


async def _serve(arguments: argparse.Namespace) -> None:
    import uvicorn  # noqa: PLC0415 - whoever only starts a server does not need one

    from trajworker.simulator.app import build  # noqa: PLC0415 - as above
    from trajworker.simulator.settings import SimulatorSettings  # noqa: PLC0415 - as above
    from trajworker.simulator.simulator import Simulator  # noqa: PLC0415 - as above

    settings = SimulatorSettings(latency_ms=arguments.latency_ms, rate_scale=arguments.rate_scale)
    simulator = Simulator(settings)
    simulator.load(arguments.folder)
    counter = _Counter(build(simulator))
    config = uvicorn.Config(counter, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with _listener() as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)  # noqa: T201 - the pipe is the interface
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line.strip():
                simulator.load(line.strip())
            print(msgspec.json.encode(counter.take()).decode(), flush=True)  # noqa: T201 - the pipe is the interface
        server.should_exit = True
        await serving


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--rate-scale", type=float)
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    _main()
