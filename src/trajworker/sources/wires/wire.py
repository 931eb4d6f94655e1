"""What both generations of `runs/query` have in common, so that everything above speaks to either."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from trajworker.sources.wires.query import Query
from trajworker.sources.wires.row import Row


class Rows(Struct, frozen=True):
    """The rows of a page, and the cursor of the next."""

    rows: Sequence[Row]
    next_cursor: str | None


class Wire(Protocol):
    """One generation of the API."""

    api: str
    path: str
    largest_page: int
    rows_key: str
    """Where the rows stand in the answer."""
    swift_span: timedelta | None
    """Queries for runs that ended within this time of their window's start have the better limit; None: no such."""

    @property
    def row_type(self) -> type[Row]:
        """What a run of it is decoded into."""
        ...

    def body(self, query: Query) -> bytes:
        """The request body of a query."""
        ...

    def rows(self, content: bytes) -> Rows:
        """The page in an answer; raises `MsgspecError`, `RecursionError` or `UnicodeError` on what is not plain."""
        ...

    def row(self, content: bytes) -> Row:
        """One run of a page; raises as `rows` does."""
        ...

    def tier(self, query: Query, now: datetime, /) -> str:
        """Which documented rate limit a query falls under."""
        ...
