"""Slices go to pagers one by one; nobody leaves while another may still cut some off."""

import anyio

from support.staged import a_slice
from trajworker.ports import Slice
from trajworker.worker.queue import SliceQueue

PAGERS = 4


async def test_slices_are_handed_out_in_order_and_then_no_more() -> None:
    slices = [a_slice(number, number + 1) for number in range(3)]
    queue = SliceQueue(slices)
    taken = []
    while (part := await queue.take()) is not None:
        taken.append(part)
        await queue.finish()
    assert taken == slices


async def test_a_pager_waits_for_what_another_may_cut_off() -> None:
    queue = SliceQueue([a_slice(0, 1)])
    taken: list[Slice] = []

    async def page() -> None:
        while (part := await queue.take()) is not None:
            taken.append(part)
            await anyio.wait_all_tasks_blocked()
            if len(taken) == 1:
                assert queue.idle == PAGERS - 1
                await queue.add([a_slice(1, 2), a_slice(2, 3)])
            await queue.finish()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(PAGERS):
                group.start_soon(page)
    assert len(taken) == 3
    assert queue.idle == 0


async def test_a_pager_that_is_cancelled_holds_up_nobody() -> None:
    queue = SliceQueue([a_slice(0, 1)])

    async def fail() -> None:
        await queue.take()
        try:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await anyio.sleep_forever()
        finally:
            await queue.finish()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(fail)
            await anyio.wait_all_tasks_blocked()
            assert await queue.take() is None
