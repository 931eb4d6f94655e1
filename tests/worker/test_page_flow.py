"""Pages on their way find their number by themselves: as many as keep the store at work."""

from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from support.staged import a_run, a_slice
from trajworker.events import ignore
from trajworker.ports import StagedPage, StageOutcome
from trajworker.staging import open_staging
from trajworker.worker import page_flow
from trajworker.worker.intake import Intake
from trajworker.worker.page_flow import FEWEST_PAGES, PageFlow
from worker.workshop import ListedSource

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


async def test_pagers_ask_for_no_more_than_the_store_can_take(tmp_path: Path) -> None:
    held: list[int] = []
    async with open_staging(tmp_path / "staging.db") as staging:
        source = ListedSource(runs=[a_run(f"r{number}", at=number) for number in range(PAGES)])
        project = source.projects["p"]
        await staging.plan(project, [a_slice(number, number + 1) for number in range(PAGES)])
        whole = staging.stage

        async def stage(staged: StagedPage) -> StageOutcome:
            outcome = await whole(staged)
            held.append(len(source.asked) - len(held))
            return outcome

        staging.stage = stage  # type: ignore[method-assign] # the real one, and how many pages are held
        intake = Intake(source, staging, ignore, count(1), PAGERS)
        await intake.read({project.id: project}, await staging.unread(project.id))
        assert len(held) == PAGES
    assert max(held) <= PAGERS
    assert max(held[PAGES // 2 :]) <= FEWEST_PAGES + 1
