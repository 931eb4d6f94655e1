"""A source in front of a scripted server, with waits that take no time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from support.waits import Waits
from trajworker.events import Event
from trajworker.ports import Slice
from trajworker.sources.asking.api_key import ApiKey
from trajworker.sources.asking.pacing import Paces
from trajworker.sources.asking.settings import LangSmithSettings, Limit
from trajworker.sources.langsmith import LangSmithSource

PROJECT = "4b1f068c-7d6b-5935-9723-e0824319f616"
START = datetime(2026, 11, 1, tzinfo=UTC)
END = datetime(2026, 11, 8, tzinfo=UTC)
NO_LIMITS = {tier: Limit(1_000_000, 1.0) for tier in ("v1", "v1_slow", "v2", "other")}
KEY = "lsv2_pt_canary0123456789"  # a canary: no key


class Bench:
    """What a test of the source needs at hand."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.waits = Waits()
        self.events: list[Event] = []
        self.settings = LangSmithSettings(
            **{"endpoint": url, "api_key": ApiKey(KEY), "workspace_id": "w-1", "api": "v2", **settings}
        )
        self.source = LangSmithSource(self.settings, self.events.append, paces=Paces(self.waits.timing))

    async def all_pages(self, start: datetime = START, end: datetime = END) -> list[Any]:
        """The pages of one slice to its end."""
        pages = [await self.source.page(part(start, end))]
        while pages[-1].next_cursor is not None:
            pages.append(await self.source.page(part(start, end, pages[-1].next_cursor)))
        return pages


def part(start: datetime = START, end: datetime = END, cursor: str | None = None) -> Slice:
    return Slice(project_id=PROJECT, start=start, end=end, cursor=cursor)


@asynccontextmanager
async def bench(url: str, **settings: Any) -> AsyncIterator[Bench]:
    """An open source in front of a server."""
    one = Bench(url, **settings)
    async with one.source:
        yield one
