"""Runs as v1 answers with them: `RunSchema` rows, one encoder per select."""

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec import Raw

from trajworker.simulator.store import Store
from trajworker.simulator.stored_run import StoredRun, encode

REQUIRED = ("id", "name", "run_type", "session_id", "status", "trace_id", "dotted_order", "app_path")
"""Fields `RunSchema` requires: present whatever is selected."""

_STORED = tuple(
    name
    for name in StoredRun.__struct_fields__
    if name not in ("start_us", "end_us", "own_usage", "manifest_s3_id", "execution_order")
)
_NOT_BY_DEFAULT = frozenset(
    {"inputs_preview", "outputs_preview", "inputs_s3_urls", "outputs_s3_urls", "s3_urls", "messages"}
)
DEFAULT_SELECT = (
    *(name for name in _STORED if name not in _NOT_BY_DEFAULT),
    *("manifest_id", "manifest_s3_id", "execution_order", "parent_run_ids"),
)

_SIGNED = ("error", "events", "extra", "serialized", "inputs", "outputs")
_EMPTY = ("manifest", "trace_min_max_start_time", "inserted_at")
SELECTABLE = frozenset({*_STORED, *_EMPTY, "child_run_ids", "manifest_s3_id", *(f"{n}_or_signed_url" for n in _SIGNED)})


class Shape(NamedTuple):
    """The keys of a row and how each is read."""

    names: tuple[str, ...]
    read: Callable[[StoredRun], tuple[Any, ...]]
    derived: tuple[tuple[str, Callable[[Store, StoredRun, str], Any]], ...]


@cache
def shape(select: tuple[str, ...]) -> Shape:
    """The row shape of a select; unknown names must have been refused before."""
    wanted = tuple(dict.fromkeys((*REQUIRED, *select)))
    plain = tuple(name for name in wanted if name in StoredRun.__struct_fields__ and name not in _DERIVED)
    derived = tuple((name, _DERIVED[name]) for name in wanted if name in _DERIVED)
    return Shape(plain, attrgetter(*plain), derived)


def rows(store: Store, runs: Sequence[StoredRun], select: tuple[str, ...], tenant_id: str) -> list[dict[str, Any]]:
    """Rows of a page, ready to encode."""
    names, read, derived = shape(select)
    page = []
    for run in runs:
        row = dict(zip(names, read(run), strict=True))
        for name, derive in derived:
            row[name] = derive(store, run, tenant_id)
        page.append(row)
    return page


def app_path(run: StoredRun, tenant_id: str) -> str:
    """Path of the run in the web application."""
    return run.app_path or (
        f"/o/{tenant_id}/projects/p/{run.session_id}/r/{run.id}?trace_id={run.trace_id}&start_time={run.start_time}"
    )


def feedback_stats(store: Store, run: StoredRun) -> Raw:
    """Feedback of a run, summed by key; what a recording says stands while nothing was posted."""
    rows_of_run = [store.feedback[key] for key in store.feedback_of_run.get(run.id, ())]
    return encode(stats_by_key(rows_of_run)) if rows_of_run else run.feedback_stats


def stats_by_key(feedback: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Pieces of feedback, summed by key."""
    keys = dict.fromkeys(str(row["key"]) for row in feedback)
    return {key: _stats([row for row in feedback if row["key"] == key]) for key in keys}


def _stats(rows_of_key: list[dict[str, Any]]) -> dict[str, Any]:
    scores = [float(row["score"]) for row in rows_of_key if isinstance(row.get("score"), int | float)]
    values: dict[str, int] = {}
    for row in rows_of_key:
        if isinstance(row.get("value"), str):
            values[row["value"]] = values.get(row["value"], 0) + 1
    average = sum(scores) / len(scores) if scores else None
    spread = None if average is None else (sum((score - average) ** 2 for score in scores) / len(scores)) ** 0.5
    return {
        "n": len(rows_of_key),
        "avg": average,
        "min": min(scores, default=None),
        "max": max(scores, default=None),
        "stdev": spread,
        "errors": 0,
        "values": values,
        "comments": [row["comment"] for row in rows_of_key if row.get("comment")],
        "sources": [row["feedback_source"] for row in rows_of_key if row.get("feedback_source")],
        "contains_thread_feedback": False,
    }


def _child_run_ids(store: Store, run: StoredRun, _tenant_id: str) -> list[str]:
    """All runs below this one, in the order of the tree."""
    below = [e.latest for e in store.trace(run.trace_id) if e.latest and run.id in (e.latest.parent_run_ids or ())]
    return [child.id for child in sorted(below, key=lambda child: child.dotted_order)]


def _nothing(_store: Store, _run: StoredRun, _tenant_id: str) -> None:
    return None


def _unsigned(name: str) -> Callable[[Store, StoredRun, str], Any]:
    return lambda _store, run, _tenant_id: getattr(run, name)


_DERIVED: dict[str, Callable[[Store, StoredRun, str], Any]] = {
    "app_path": lambda _store, run, tenant_id: app_path(run, tenant_id),
    "feedback_stats": lambda store, run, _tenant_id: feedback_stats(store, run),
    "child_run_ids": _child_run_ids,
    **dict.fromkeys(_EMPTY, _nothing),
    **{f"{name}_or_signed_url": _unsigned(name) for name in _SIGNED},
}
