"""Runs, pages and emissions made by hand, for the tests of staging and of the sinks."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from msgspec import Raw

from trajworker.model.run import Run, RunStatus
from trajworker.ports import Activity, Emission, Line, Page, Slice, StagedPage

PROJECT_ID = "11111111-1111-4111-8111-111111111111"
START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=30)
FOREVER = datetime(9000, 1, 1, tzinfo=UTC)
_NAMES = UUID(int=7)


def named(name: str) -> str:
    """A UUID that is the same for the same name."""
    return str(uuid5(_NAMES, name))


def minute(number: float) -> datetime:
    """A time within the range of the tests."""
    return START + timedelta(minutes=number)


def a_run(  # noqa: PLR0913 - a run has this many sides that tests turn
    name: str,
    trace: str | None = None,
    *,
    thread: str | None = None,
    at: float = 0.0,
    ended: bool = True,
    outputs: bytes = b'{"answer":"yes"}',
    stats: bytes = b"null",
) -> Run:
    """A run called `name` of the trace called `trace` (a root if that is itself or not told)."""
    root = named(trace or name)
    start = minute(at)
    stamp = start.strftime("%Y%m%dT%H%M%S%fZ")
    own = named(name)
    return Run(
        id=own,
        trace_id=root,
        project_id=PROJECT_ID,
        name=name,
        run_type="chain",
        status=RunStatus.SUCCESS if ended else RunStatus.PENDING,
        start_time=start,
        end_time=start + timedelta(seconds=1) if ended else None,
        dotted_order=f"{stamp}{root}" if own == root else f"{START.strftime('%Y%m%dT%H%M%S%fZ')}{root}.{stamp}{own}",
        parent_run_id=None if own == root else root,
        thread_id=thread,
        inputs=Raw(b'{"question":"tea?"}'),
        outputs=Raw(outputs),
        feedback_stats=Raw(stats),
    )


def a_page(runs: Iterable[Run], fetch_seq: int, part: Slice | None = None, *, done: bool = False) -> StagedPage:
    """A page of those runs."""
    return StagedPage(page=Page(runs=tuple(runs)), fetch_seq=fetch_seq, slice=part, done=done)


def an_emission(activity: Activity, seen: dict[str, int], line: Line | None, content: bytes) -> Emission:
    """The emission of the next revision, or of none where there is no line."""
    return Emission(
        conversation=activity.conversation,
        revision=activity.revision + (line is not None),
        content_hash=hashlib.sha256(content).digest(),
        line=line,
        seen=seen,
    )


def a_slice(start: float, end: float, **more: object) -> Slice:
    """A slice from one minute to another."""
    return Slice(project_id=PROJECT_ID, start=minute(start), end=minute(end), **more)  # type: ignore[arg-type]


def ids(names: Sequence[str]) -> list[str]:
    """The UUIDs of those names."""
    return [named(name) for name in names]
