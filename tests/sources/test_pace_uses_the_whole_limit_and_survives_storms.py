import math
import random

import anyio

from support.virtual_time import run
from trajworker.events import Event, PaceChanged
from trajworker.sources.asking.pacing import DECREASE, GATE_WINDOWS, Pace
from trajworker.sources.asking.settings import Limit
from trajworker.sources.asking.timing import Timing

WINDOW_S = 10.0


def pace(count: int, seen: list[Event] | None = None) -> Pace:
    timing = Timing(uniform=random.Random(7).uniform)
    return Pace("v2", Limit(count, WINDOW_S), timing, seen.append if seen is not None else lambda _: None)


class Server:
    """Refuses what exceeds `count` in any window of `window_s`, by its own clock; `closed` refuses all until then."""

    def __init__(self, count: int, *, fixed: bool = False, latency_s: float = 0.03) -> None:
        self.count = count
        self.fixed = fixed
        self.latency_s = latency_s
        self.closed_until = -math.inf
        self.accepted: list[float] = []
        self.refused: list[float] = []
        self._random = random.Random(3)

    async def ask(self, pace: Pace) -> bool:
        sent_at = await pace.turn()
        await anyio.sleep(self._random.uniform(0.2, 1.0) * self.latency_s)
        now = anyio.current_time()
        taken = self._in_window(now) < self.count and now >= self.closed_until
        (self.accepted if taken else self.refused).append(now)
        await anyio.sleep(self.latency_s)
        if taken:
            pace.accepted(sent_at)
        else:
            pace.refused(sent_at, None)
        return taken

    def _in_window(self, now: float) -> int:
        start = now - now % WINDOW_S if self.fixed else now - WINDOW_S
        return sum(at > start for at in self.accepted[-self.count :])


def serve(server: Server, pace: Pace, seconds: float, tasks: int = 16) -> None:
    async def main() -> None:
        async def one() -> None:
            while anyio.current_time() < seconds:
                await server.ask(pace)

        async with anyio.create_task_group() as group:
            for _ in range(tasks):
                group.start_soon(one)

    run(main)


def test_at_least_95_percent_of_the_allowed_rate_are_used_and_nothing_is_refused() -> None:
    for count in (3, 10, 300):
        for fixed in (False, True):
            server = Server(count, fixed=fixed)
            serve(server, pace(count), 300.0)
            assert not server.refused
            assert len(server.accepted) >= 0.95 * count * 300 / WINDOW_S


def test_the_whole_limit_is_there_in_the_first_second() -> None:
    server = Server(300, latency_s=0.01)
    serve(server, pace(300), 1.0)
    assert len(server.accepted) >= 290


def test_a_storm_costs_one_request_a_window_and_is_over_within_two_windows() -> None:
    server = Server(300)
    server.closed_until = 1800.0
    one = pace(300)
    serve(server, one, 1900.0)
    assert len(server.refused) <= 16 + 1800 / WINDOW_S
    assert server.accepted[0] - 1800.0 <= 2 * WINDOW_S
    recovered = [at for at in server.accepted if at < 1800 + 5 * WINDOW_S]
    assert len(recovered) >= 2 * 300 * DECREASE


def test_a_429_slows_down_and_quiet_windows_speed_up_again() -> None:
    seen: list[Event] = []
    one = pace(100, seen)
    server = Server(100)
    server.closed_until = 0.5
    serve(server, one, 150.0)
    rates = [event.requests_per_s for event in seen if isinstance(event, PaceChanged)]
    assert rates[0] == 100 * DECREASE / WINDOW_S
    assert rates == sorted(rates)
    assert rates[-1] == 10.0


def test_two_clients_that_do_not_know_of_each_other_share_one_limit_with_few_refusals() -> None:
    server = Server(300)
    paces = [pace(300), pace(300)]

    async def main() -> None:
        async def one(mine: Pace) -> None:
            while anyio.current_time() < 1200:
                await server.ask(mine)

        async with anyio.create_task_group() as group:
            for mine in paces * 8:
                group.start_soon(one, mine)

    run(main)
    assert len(server.refused) <= 0.02 * len(server.accepted)


def test_all_tasks_wait_at_one_gate_as_long_as_the_server_asks() -> None:
    one = pace(300)
    turns: list[float] = []

    async def main() -> None:
        sent_at = await one.turn()
        one.refused(sent_at, 42.0)

        async def ask() -> None:
            turns.append(await one.turn())
            one.accepted(turns[-1])

        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(ask)

    run(main)
    assert len(turns) == 8
    assert min(turns) >= 42.0


def test_without_a_word_from_the_server_the_wait_is_one_to_two_windows() -> None:
    one = pace(300)
    waits: list[float] = []

    async def main() -> None:
        for _ in range(50):
            sent_at = await one.turn()
            one.refused(sent_at, None)
            waits.append(one.closed_s)

    run(main)
    assert min(waits) >= WINDOW_S
    assert max(waits) <= GATE_WINDOWS * WINDOW_S
    assert len(set(waits)) > 5


def test_no_wait_exceeds_five_minutes_whatever_is_asked() -> None:
    one = pace(300)

    async def main() -> float:
        one.refused(await one.turn(), 1e9)
        return one.closed_s

    assert run(main) == 300.0


def test_at_once_is_not_taken_at_its_word() -> None:
    one = pace(300)

    async def main() -> float:
        for _ in range(60):
            one.refused(await one.turn(), 0.0)
        return anyio.current_time()

    assert run(main) >= 59.0


def test_requests_under_way_when_it_slowed_down_slow_it_down_once() -> None:
    seen: list[Event] = []
    one = pace(100, seen)

    async def main() -> None:
        sent = [await one.turn() for _ in range(16)]
        await anyio.sleep(0.1)
        for sent_at in sent:
            one.refused(sent_at, None)

    run(main)
    assert len(seen) == 1


def test_the_others_wait_while_one_request_tries_the_gate() -> None:
    one = pace(300)
    order: list[str] = []

    async def main() -> None:
        one.refused(await one.turn(), 5.0)

        async def ask(name: str) -> None:
            sent_at = await one.turn()
            order.append(f"{name} sent")
            await anyio.sleep(3.0)
            order.append(f"{name} answered")
            one.accepted(sent_at)

        async with anyio.create_task_group() as group:
            for name in ("first", "second"):
                group.start_soon(ask, name)

    run(main)
    assert order == ["first sent", "first answered", "second sent", "second answered"]


def test_a_probe_that_is_cancelled_does_not_hold_the_others() -> None:
    one = pace(300)

    async def main() -> float:
        one.refused(await one.turn(), 5.0)
        await one.turn()
        one.unanswered()
        return await one.turn()

    assert run(main) >= 5.0
