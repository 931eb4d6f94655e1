"""One run as it comes over either wire, and how it becomes a `model.Run`.

Both generations of the API are decoded into the same attribute names (`wire_v1`, `wire_v2` rename the fields), so that
there is one conversion. Source: langsmith-api.md sections 2.2 and 3.2.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Raw, Struct
from msgspec.structs import replace

from trajworker.model.run import CLAMPED_TIME, NULL, Run, a_count, ancestors
from trajworker.sources.wires.instants import utc
from trajworker.sources.wires.plausible import STATUSES, cost_of, parent_in, status_of, times_of

_NO_FIGURES = (NULL, Raw(b"{}"), Raw(b""))


class Row(Struct, kw_only=True, gc=False):
    """A run on the wire; every field but the id may be null or absent.

    In the order of the API's own object (langsmith-api.md section 3.1): each is looked for behind the one before.
    """

    attachment_prefix: ClassVar[str] = ""
    """What marks an attachment among the names in `attachments`."""

    id: str
    name: str | None = None
    run_type: str | None = None
    status: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    first_token_time: datetime | None = None
    error: str | None = None
    extra: Raw = NULL
    events: Raw = NULL
    inputs: Raw = NULL
    outputs: Raw = NULL
    parent_run_id: str | None = None
    parent_run_ids: tuple[str, ...] | None = None
    project_id: str | None = None
    trace_id: str | None = None
    thread_id: str | int | None = None
    dotted_order: str | None = None
    reference_example_id: str | None = None
    total_tokens: int | float | None = None
    prompt_tokens: int | float | None = None
    completion_tokens: int | float | None = None
    total_cost: float | str | None = None
    prompt_token_details: dict[str, Any] | None = None
    completion_token_details: dict[str, Any] | None = None
    tags: tuple[str, ...] | None = None
    attachments: dict[str, Raw] | None = None
    feedback_stats: Raw = NULL


ThreadKeyOf = Callable[[str | int | None, Raw], str | None]


class Reader(Struct, frozen=True):
    """Makes runs of rows. `project_id` is the project that was asked, `thread_key` the rule for its conversations."""

    project_id: str
    thread_key: ThreadKeyOf

    def run(self, row: Row, flags: tuple[str, ...] = ()) -> Run:
        """The run of a row.

        Raises:
            MalformedRun: it tells no start time.
        """
        order = row.dotted_order or ""
        start, end, honest = times_of(row.start_time, row.end_time, order)
        # In two steps: a call with more than 15 keywords is made by way of dicts, which costs more than it does here.
        run = Run(
            id=row.id,
            trace_id=row.trace_id or _trace_of(row, order),
            project_id=row.project_id or self.project_id,
            name=row.name or "",
            run_type=row.run_type.lower() if row.run_type else "",
            status=STATUSES.get(row.status or "") or status_of(row.status, row.error, ended=row.end_time is not None),
            start_time=start,
            end_time=end,
            dotted_order=order,
            parent_run_id=row.parent_run_id or _parent_of(row, order),
            thread_id=row.thread_id if isinstance(row.thread_id, str) and row.thread_id else self._thread_of(row),
            inputs=row.inputs,
            outputs=row.outputs,
            extra=row.extra,
            flags=flags if honest else (*flags, CLAMPED_TIME),
        )
        return _with_details(run, row)

    def _thread_of(self, row: Row) -> str | None:
        return self.thread_key(row.thread_id, row.extra)


def _with_details(run: Run, row: Row) -> Run:
    """The run, with all that it can do without."""
    return replace(
        run,
        first_token_time=utc(row.first_token_time) if row.first_token_time is not None else None,
        error=row.error,
        tags=row.tags or (),
        events=row.events,
        attachments=_attachment_names(row) if row.attachments else (),
        prompt_tokens=a_count(row.prompt_tokens) if row.prompt_tokens is not None else None,
        completion_tokens=a_count(row.completion_tokens) if row.completion_tokens is not None else None,
        total_tokens=a_count(row.total_tokens) if row.total_tokens is not None else None,
        total_cost=cost_of(row.total_cost) if row.total_cost is not None else None,
        prompt_token_details=_details(row.prompt_token_details) if row.prompt_token_details else None,
        completion_token_details=_details(row.completion_token_details) if row.completion_token_details else None,
        feedback_stats=NULL if row.feedback_stats in _NO_FIGURES else row.feedback_stats,
        reference_example_id=row.reference_example_id,
    )


def _trace_of(row: Row, order: str) -> str:
    above = ancestors(order) or row.parent_run_ids
    return above[0] if above else row.id


def _parent_of(row: Row, order: str) -> str | None:
    if row.parent_run_ids:
        return row.parent_run_ids[-1]
    return parent_in(order, row.id, row.trace_id)


def _attachment_names(row: Row) -> tuple[str, ...]:
    """Names only: what they point at is never opened, and the signed addresses go no further."""
    prefix = row.attachment_prefix
    return tuple(name.removeprefix(prefix) for name in row.attachments or () if name.startswith(prefix))


def _details(details: dict[str, Any]) -> dict[str, int] | None:
    """Token details; v2 wraps them in `{"raw": ..}`."""
    inner = details.get("raw", details)
    if not isinstance(inner, dict):
        return None
    counts = {name: a_count(count) for name, count in inner.items() if isinstance(count, int | float)}
    return {name: count for name, count in counts.items() if count is not None}
