"""Probes over real sockets: what they answer, and what strangers cannot do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import anyio
import httpx
import pytest

from trajworker import events
from trajworker.observing import health as health_module
from trajworker.observing.health import Health
from trajworker.observing.tally import Tally

T0 = datetime(2026, 1, 1, tzinfo=UTC)
INTAKE, OUTLET = events.Corridor
SLICE = events.SliceRead(project="p", start=T0, end=T0, pages=1)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def served(health: Health) -> AsyncIterator[int]:
    async with anyio.create_task_group() as group:
        yield await group.start(health.serve, "127.0.0.1:0")
        group.cancel_scope.cancel()


async def get(port: int, path: str, method: str = "GET") -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, f"http://127.0.0.1:{port}{path}")


async def raw(port: int, request: bytes) -> bytes:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(request)
        answer = b""
        try:
            while True:
                answer += await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return answer


async def test_a_worker_is_live_at_once_and_ready_when_a_slice_was_read_lately() -> None:
    tally, clock = Tally(), Clock()
    health = Health(tally, clock=clock)
    async with served(health) as port:
        assert (await get(port, "/livez")).status_code == 200
        answer = await get(port, "/readyz")
        assert (answer.status_code, answer.text) == (503, "nothing read yet\n")
        health(SLICE)
        assert (await get(port, "/readyz?verbose")).status_code == 200
        clock.now += health_module.STALE_AFTER_S + 1
        answer = await get(port, "/readyz")
        assert (answer.status_code, answer.text) == (503, "last slice read 901 s ago\n")
        assert (await get(port, "/livez")).status_code == 200
        tally(events.StopRequested(signal="SIGTERM", grace_s=8))
        assert (await get(port, "/readyz")).text == "stopping\n"


def test_a_worker_whose_output_disk_is_full_is_not_ready_until_it_delivers_again() -> None:
    tally = Tally()
    health = Health(tally, clock=Clock())
    health(SLICE)
    for event, trouble in (
        (events.CorridorFailed(corridor=OUTLET, error="/secret/folder: no space left", exit_code=74), "outlet fails"),
        (events.ProjectStarted(project="p", start=T0, end=T0), "outlet fails"),
        (events.CorridorFailed(corridor=INTAKE, error="away", exit_code=69), "intake fails and outlet fails"),
        (events.CorridorRecovered(corridor=OUTLET), "intake fails"),
        (events.CorridorRecovered(corridor=INTAKE), None),
    ):
        tally(event)
        assert health.trouble() == trouble


def test_a_worker_that_looks_once_an_hour_is_ready_between_two_looks() -> None:
    clock = Clock()
    health = Health(Tally(), 3600.0, clock)
    health(SLICE)
    clock.now += 3600 + 60
    assert health.trouble() is None
    clock.now += 3 * 3600
    assert health.trouble() == "last slice read 14460 s ago"


async def test_metrics_are_served_as_prometheus_expects() -> None:
    async with served(Health(Tally())) as port:
        answer = await get(port, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "trajworker_pages_staged_total 0" in answer.text


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /secrets HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /livez HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"405"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"),
        (b"GET /livez HTTP/1.1\r\nX: " + b"x" * 5000, b"431"),
    ],
)
async def test_strangers_get_a_short_answer_and_the_door(request_bytes: bytes, status: bytes) -> None:
    async with served(Health(Tally())) as port:
        answer = await raw(port, request_bytes)
        assert answer.split(b" ", 2)[1] == status if answer else status == b"431"
        assert (await get(port, "/livez")).status_code == 200


async def test_a_request_that_never_ends_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_module, "REQUEST_S", 0.05)
    async with served(Health(Tally())) as port:
        assert await raw(port, b"GET /livez HTTP/1.1\r\n") == b""


async def test_more_connections_than_allowed_are_hung_up_on_and_the_others_are_served() -> None:
    async with served(Health(Tally())) as port, anyio.create_task_group() as group:
        idle = [await anyio.connect_tcp("127.0.0.1", port) for _ in range(health_module.MAX_CONNECTIONS)]
        await anyio.wait_all_tasks_blocked()
        assert await raw(port, b"GET /livez HTTP/1.1\r\n\r\n") == b""
        await idle[0].aclose()
        await anyio.wait_all_tasks_blocked()
        assert (await get(port, "/livez")).status_code == 200
        for stream in idle[1:]:
            await stream.aclose()
        group.cancel_scope.cancel()
