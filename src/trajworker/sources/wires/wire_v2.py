"""`POST /api/v2/runs/query`: the SmithDB generation (langsmith-api.md section 3).

Its defaults are silent and harmful (only ids, only the last 24 hours), so selects and both bounds are always sent.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from trajworker.model.times import EARLIEST
from trajworker.sources.wires.instants import MARGIN, from_on, text_of
from trajworker.sources.wires.query import Detail, Query
from trajworker.sources.wires.row import Row
from trajworker.sources.wires.wire import Rows

AFTER_ALL = datetime(2100, 1, 1, tzinfo=UTC)
"""With `EARLIEST` for questions of all times: without bounds the server looks at the last day only."""

OUTLINE = (
    "ID",
    "TRACE_ID",
    "PROJECT_ID",
    "NAME",
    "RUN_TYPE",
    "STATUS",
    "START_TIME",
    "END_TIME",
    "DOTTED_ORDER",
    "THREAD_ID",
)
WHOLE = (
    *OUTLINE,
    *("PARENT_RUN_IDS", "FIRST_TOKEN_TIME", "ERROR", "TAGS", "INPUTS", "OUTPUTS", "EXTRA", "EVENTS", "ATTACHMENTS"),
    *("PROMPT_TOKENS", "COMPLETION_TOKENS", "TOTAL_TOKENS", "TOTAL_COST", "PROMPT_TOKEN_DETAILS"),
    *("COMPLETION_TOKEN_DETAILS", "FEEDBACK_STATS", "REFERENCE_EXAMPLE_ID"),
)
_SELECTS = {Detail.OUTLINE: OUTLINE, Detail.LISTING: (*OUTLINE, "EXTRA", "FEEDBACK_STATS"), Detail.WHOLE: WHOLE}


class _Page(Struct):
    items: list[Row]
    next_cursor: str | None = None


_read_page = msgspec.json.Decoder(_Page).decode
_read_row = msgspec.json.Decoder(Row).decode


class WireV2:
    """The v2 wire."""

    api = "v2"
    path = "/api/v2/runs/query"
    largest_page = 1000
    rows_key = "items"
    row_type = Row
    swift_span: timedelta | None = None

    def body(self, query: Query) -> bytes:
        """The request body of a query."""
        end = query.end + MARGIN if query.end else AFTER_ALL
        fields: dict[str, Any] = {
            "project_ids": [query.project_id],
            "min_start_time": from_on(query.start or EARLIEST),
            "max_start_time": text_of(end),
            "selects": _SELECTS[query.detail],
            "page_size": query.page_size,
        }
        if query.ids:
            fields["ids"] = query.ids
        if query.filter:
            fields["filter"] = query.filter
        if query.cursor:
            fields["cursor"] = query.cursor
        return msgspec.json.encode(fields)

    def rows(self, content: bytes) -> Rows:
        """The page in an answer."""
        page = _read_page(content)
        return Rows(page.items, page.next_cursor or None)

    def row(self, content: bytes) -> Row:
        """One run of a page."""
        return _read_row(content)

    def tier(self, _query: Query, _now: datetime) -> str:
        """One limit for all queries."""
        return "v2"
