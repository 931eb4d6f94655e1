"""A source whose runs are redacted before anybody else sees them: no raw text is staged, so none touches disk.

Ids stay, those of threads among them.

It fails closed: a run that the redactor could not mask keeps its place in the trace, emptied and flagged, and the
conversation it belongs to is set aside instead of being written. Placeholders do not depend on the conversation:
which one a run belongs to is certain only once its root is known, and messages are aligned by their text.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import anyio.to_thread
from msgspec.structs import replace

from trajworker.errors import RedactionFailed
from trajworker.model.run import NULL, REDACTION_FAILED, Feedback, Project, Run
from trajworker.ports import Page, RunSource, Slice, Unreadable
from trajworker.redaction import BasePiiRedactor, Texts, redact_feedback, redact_run


class Masking:
    """Masks what a source gave, run by run; fails closed."""

    def __init__(self, redactor: BasePiiRedactor, thread_keys: frozenset[str]) -> None:
        """`thread_keys` are metadata keys that stay readable, because conversations are found by them."""
        self._redactor = redactor
        self._thread_keys = thread_keys

    def page(self, page: Page) -> Page:
        """A page whose runs are masked; of what could not be read only the ids stay."""
        texts = Texts(self._redactor)
        runs = tuple(self._run(run, texts) for run in page.runs)
        unreadable = tuple(_told_by_ids(one) for one in page.unreadable)
        return replace(page, runs=runs, unreadable=unreadable)

    def _run(self, run: Run, texts: Texts) -> Run:
        """One run, masked; emptied and flagged where that fails."""
        try:
            return redact_run(run, texts, thread_keys=self._thread_keys)
        except RedactionFailed as failure:
            return _emptied(run, str(failure).removeprefix(f"run {run.id}: "))

    def feedback(self, feedback: Feedback) -> Feedback:
        """Feedback, masked; what cannot be masked keeps its score only."""
        try:
            return redact_feedback(feedback, self._redactor)
        except RedactionFailed:
            return replace(feedback, comment=None, value=None, correction=None)


class RedactingSource:
    """Wraps a source; see `ports.RunSource` for the methods."""

    def __init__(self, source: RunSource, redactor: BasePiiRedactor, thread_keys: frozenset[str]) -> None:
        """`thread_keys` are metadata keys that stay readable, because conversations are found by them."""
        self._source = source
        self._masking = Masking(redactor, thread_keys)

    async def find_projects(self, names: Sequence[str]) -> list[Project]:
        """As the source finds them."""
        return await self._source.find_projects(names)

    async def page(self, slice_: Slice) -> Page:
        """The page, masked."""
        return await self.masked(await self._source.page(slice_))

    async def runs_by_id(self, project_id: str, ids: Sequence[str]) -> Page:
        """Those runs, masked."""
        return await self.masked(await self._source.runs_by_id(project_id, ids))

    async def feedback(self, run_ids: Sequence[str]) -> list[Feedback]:
        """Feedback, masked; what cannot be masked keeps its score only."""
        found = await self._source.feedback(run_ids)
        return await anyio.to_thread.run_sync(lambda: [self._masking.feedback(one) for one in found])

    async def now(self) -> datetime:
        """The server's time."""
        return await self._source.now()

    async def masked(self, page: Page) -> Page:
        """A page that the source gave otherwise, masked."""
        return await anyio.to_thread.run_sync(self._masking.page, page)


def _told_by_ids(bad: Unreadable) -> Unreadable:
    """What is left of what could not be read; where it tells no id, a digest still tells it from others."""
    mark = sha256(bad.raw).digest() if bad.raw and bad.run_id is None else b""
    return replace(bad, raw=b"", mark=mark)


def _emptied(run: Run, reason: str) -> Run:
    """What is left of a run that could not be masked; its error says why, for whoever must mend the redactor."""
    return replace(
        run,
        name="",
        error=reason,
        tags=(),
        attachments=(),
        inputs=NULL,
        outputs=NULL,
        extra=NULL,
        events=NULL,
        feedback_stats=NULL,
        flags=(*run.flags, REDACTION_FAILED),
    )
