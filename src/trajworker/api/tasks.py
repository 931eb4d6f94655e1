"""Many things some at a time: jobs of which the first that fails is raised by itself, and the next of many values."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import anyio

T = TypeVar("T")


async def all_of(at_once: int, jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run the jobs, at most so many at a time; the first error ends the others and is raised by itself."""
    if len(jobs) == 1:
        await jobs[0]()
        return
    limit = anyio.CapacityLimiter(at_once)

    async def run(job: Callable[[], Awaitable[None]]) -> None:
        async with limit:
            await job()

    try:
        async with anyio.create_task_group() as group:
            for job in jobs:
                group.start_soon(run, job)
    except BaseExceptionGroup as failed:
        error = first_of(failed)
    else:
        return
    raise error


def first_of(error: BaseException) -> BaseException:
    """The first error that is no group, however deep it lies."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def next_items(values: Iterator[T], most: int) -> list[T]:
    """The next values of an iterator, at most so many; none at its end."""
    return list(islice(values, most))
