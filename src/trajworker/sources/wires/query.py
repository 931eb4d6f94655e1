"""What is asked of the server, told the same way for both wires; filters are put together here and nowhere else."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum

import msgspec
from msgspec import Struct

from trajworker.sources.wires.instants import MARGIN, text_of


class Detail(Enum):
    """How much of each run is wanted."""

    WHOLE = "whole"
    """All that `model.Run` holds."""
    OUTLINE = "outline"
    """Ids, times and states only: cheap for the server, used to find what cannot be read whole."""
    LISTING = "listing"
    """The outline, and the metadata that may hold the conversation's key."""


class Query(Struct, frozen=True, kw_only=True):
    """A question about runs of one project.

    `start` and `end` bound start times, [start, end); None on both means all times. `ids` asks for just those runs.
    `ended_before` says that runs which ended later, or have not, may be left out. `needed_only` asks for roots and the
    run types of the settings only (`RunsQuery` puts that into the filter). `cursor` is the server's own.
    """

    project_id: str
    page_size: int
    start: datetime | None = None
    end: datetime | None = None
    ended_before: datetime | None = None
    ids: tuple[str, ...] = ()
    filter: str | None = None
    needed_only: bool = True
    cursor: str | None = None
    detail: Detail = Detail.WHOLE


def quoted(text: str) -> str:
    """A string as the filter language takes it: JSON, every special character escaped."""
    return msgspec.json.encode(text).decode()


def needed(run_types: Sequence[str]) -> str | None:
    """Roots, and runs of those types; None where no type is named, which means every run."""
    if not run_types:
        return None
    return f"or(eq(is_root, true), in(run_type, [{_listed(run_types)}]))"


def roots() -> str:
    """Root runs only."""
    return "eq(is_root, true)"


def of_thread(thread_id: str) -> str:
    """Runs of one conversation, by the server's own idea of it."""
    return f"eq(thread_id, {quoted(thread_id)})"


def of_threads(thread_ids: Sequence[str]) -> str:
    """Runs of several conversations; a list of `eq`, because `in(thread_id, ..)` is documented nowhere."""
    each = [of_thread(thread_id) for thread_id in thread_ids]
    return each[0] if len(each) == 1 else f"or({', '.join(each)})"


def of_metadata(keys: Sequence[str], value: str) -> str:
    """Runs whose metadata holds a value under one of some keys: conversations that a server does not know by thread."""
    return f"and(in(metadata_key, [{_listed(keys)}]), eq(metadata_value, {quoted(value)}))"


def of_traces(trace_ids: Sequence[str]) -> str:
    """Runs of some traces."""
    return f"in(trace_id, [{_listed(trace_ids)}])"


def started_before(moment: datetime) -> str:
    """Runs that started before a moment (the v1 body has no such bound)."""
    return f"lt(start_time, {quoted(text_of(moment))})"


def ended_after(moment: datetime) -> str:
    """Runs that ended after a moment, whenever they started."""
    return f"gt(end_time, {quoted(text_of(moment))})"


def swift() -> str:
    """Runs that are over and did not fail: a server calls a run that only when it has an end."""
    return 'eq(status, "success")'


def not_swift(moment: datetime) -> str:
    """All others, and those that ended at a moment or later."""
    return f'or(neq(status, "success"), gte(end_time, {quoted(text_of(moment - MARGIN))}))'


def both(*filters: str | None) -> str | None:
    """All of the filters that are there."""
    present = [one for one in filters if one]
    if not present:
        return None
    return present[0] if len(present) == 1 else f"and({', '.join(present)})"


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(quoted(text) for text in texts)
