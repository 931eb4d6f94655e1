"""`POST /api/v1/runs/query`: the ClickHouse generation (langsmith-api.md sections 2.1, 2.2, 5.1).

A page is 100 runs at most. The body bounds start times from below only; the upper bound goes into the filter. Its
`end_time` buys the faster rate tier for windows older than a week, but it bounds when runs ENDED: it hides those that
ended later or never. It is sent only where those are asked for by themselves, see `swiftness`.
"""

from datetime import datetime, timedelta
from typing import Any, ClassVar

import msgspec
from msgspec import Raw, Struct, field

from trajworker.sources.wires.instants import MARGIN, from_on, text_of
from trajworker.sources.wires.query import Detail, Query, both, started_before
from trajworker.sources.wires.row import Row
from trajworker.sources.wires.wire import Rows

FAST_WINDOW = timedelta(days=7, minutes=-5)
"""Queries that reach back less than a week have the higher rate limit; the minutes are for the server's clock."""
SWIFT_SPAN = FAST_WINDOW - MARGIN

OUTLINE = (
    "id",
    "trace_id",
    "session_id",
    "name",
    "run_type",
    "status",
    "start_time",
    "end_time",
    "dotted_order",
    "thread_id",
)
WHOLE = (
    *OUTLINE,
    *("parent_run_id", "parent_run_ids", "first_token_time", "error", "tags", "inputs", "outputs", "extra", "events"),
    *("s3_urls", "prompt_tokens", "completion_tokens", "total_tokens", "total_cost", "prompt_token_details"),
    *("completion_token_details", "feedback_stats", "reference_example_id"),
)
_SELECTS = {Detail.OUTLINE: OUTLINE, Detail.LISTING: (*OUTLINE, "extra", "feedback_stats"), Detail.WHOLE: WHOLE}


class RowV1(Row, kw_only=True):
    """A run as v1 names its fields."""

    attachment_prefix: ClassVar[str] = "attachment."

    project_id: str | None = field(default=None, name="session_id")
    attachments: dict[str, Raw] | None = field(default=None, name="s3_urls")


class _Cursors(Struct):
    next: str | None = None


class _Page(Struct):
    runs: list[RowV1]
    cursors: _Cursors | None = None


_read_page = msgspec.json.Decoder(_Page).decode
_read_row = msgspec.json.Decoder(RowV1).decode


class WireV1:
    """The v1 wire."""

    api = "v1"
    path = "/api/v1/runs/query"
    largest_page = 100
    rows_key = "runs"
    row_type = RowV1
    swift_span: timedelta | None = SWIFT_SPAN

    def body(self, query: Query) -> bytes:
        """The request body of a query."""
        fields: dict[str, Any] = {
            "session": [query.project_id],
            "select": _SELECTS[query.detail],
            "limit": query.page_size,
            "skip_prev_cursor": True,
        }
        if query.start:
            fields["start_time"] = from_on(query.start)
        if query.ended_before:
            fields["end_time"] = text_of(query.ended_before)
        if query.ids:
            fields["id"] = query.ids
        text = both(started_before(query.end + MARGIN) if query.end else None, query.filter)
        if text:
            fields["filter"] = text
        if query.cursor:
            fields["cursor"] = query.cursor
        return msgspec.json.encode(fields)

    def rows(self, content: bytes) -> Rows:
        """The page in an answer."""
        page = _read_page(content)
        return Rows(page.runs, (page.cursors.next or None) if page.cursors else None)

    def row(self, content: bytes) -> Row:
        """One run of a page."""
        return _read_row(content)

    def tier(self, query: Query, now: datetime) -> str:
        """The limit depends on how long the window is, which ends now unless ends are bounded."""
        recent = query.start is not None and (query.ended_before or now) - query.start + MARGIN <= FAST_WINDOW
        return "v1" if recent else "v1_slow"
