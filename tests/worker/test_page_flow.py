"""Pages on their way find their number by themselves: as many as keep the store at work."""

from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import pytest

from trajworker.worker import page_flow
from trajworker.worker.page_flow import FEWEST_PAGES, PageFlow

PAGERS = 8
PAGES = 100


class Works:
    """Pagers that ask for pages, and a store that takes one at a time."""

    def __init__(self, flow: PageFlow) -> None:
        self.flow = flow
        self.store = anyio.Lock()
        self.left = PAGES

    async def run(self, ask: Callable[[], Awaitable[None]], stage: Callable[[], Awaitable[None]]) -> None:
        async def page() -> None:
            while self.left:
                async with self.flow.page() as admitted_at:
                    self.left = max(self.left - 1, 0)
                    await ask()
                    with self.flow.arrived(admitted_at):
                        async with self.store:
                            await stage()

        async with anyio.create_task_group() as group:
            for _ in range(PAGERS):
                group.start_soon(page)


async def rest(turns: int) -> None:
    for _ in range(turns):
        await anyio.lowlevel.checkpoint()


async def test_while_pages_wait_for_the_store_no_more_are_asked_for() -> None:
    works = Works(PageFlow(PAGERS))
    await works.run(lambda: rest(1), lambda: rest(50))
    assert works.flow.level <= FEWEST_PAGES + 1


async def test_while_the_store_waits_for_pages_more_are_asked_for() -> None:
    flow = PageFlow(PAGERS)
    await Works(flow).run(lambda: rest(1), lambda: rest(50))
    await Works(flow).run(lambda: rest(50), lambda: rest(1))
    assert flow.level == PAGERS


async def test_pages_that_hang_leave_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_flow, "PATIENCE_S", 0.01)
    flow = PageFlow(PAGERS)
    await Works(flow).run(lambda: rest(1), lambda: rest(50))

    async def hang() -> None:
        async with flow.page():
            await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        for _ in range(FEWEST_PAGES):
            group.start_soon(hang)
        await anyio.wait_all_tasks_blocked()
        works = Works(flow)
        with anyio.fail_after(5):
            await works.run(lambda: rest(1), lambda: rest(1))
        assert works.left == 0
        group.cancel_scope.cancel()


async def test_a_single_pager_is_enough() -> None:
    flow = PageFlow(1)
    await Works(flow).run(lambda: rest(5), lambda: rest(5))
    assert flow.level == 1


async def test_a_page_that_fails_leaves_its_place_to_the_next() -> None:
    flow = PageFlow(1)

    async def fail() -> None:
        async with flow.page() as admitted_at:
            with flow.arrived(admitted_at):
                raise OSError("away")

    for _ in range(2):
        with pytest.raises(OSError, match="away"):
            await fail()
    with anyio.fail_after(5):
        async with flow.page():
            assert flow.level == 1
