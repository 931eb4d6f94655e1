"""A source as an import sees it: whatever comes from it passes the redactor first, where there is one."""

from collections.abc import AsyncIterator, Sequence

from msgspec import Struct

from trajworker.events import Observer, PageRead, ignore
from trajworker.model.run import Feedback, Run
from trajworker.ports import Page
from trajworker.sources.langsmith import LangSmithSource
from trajworker.sources.redacting import RedactingSource


class SourceView(Struct, frozen=True):
    """The source, the same source with redaction around it, where there is a redactor, and who is told of pages."""

    source: LangSmithSource
    redacting: RedactingSource | None = None
    observer: Observer = ignore

    async def seen(self, page: Page) -> Page:
        """The page as it may be staged."""
        self.observer(PageRead(runs=len(page.runs)))
        return page if self.redacting is None else await self.redacting.masked(page)

    async def feedback(self, ids: Sequence[str]) -> list[Feedback]:
        """Feedback as it may be staged."""
        return await (self.source if self.redacting is None else self.redacting).feedback(ids)

    async def runs(self, pages: AsyncIterator[Page]) -> AsyncIterator[Run]:
        """The runs of pages as they may be seen."""
        async for page in pages:
            for run in (await self.seen(page)).runs:
                yield run
