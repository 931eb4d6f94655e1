"""Runs for tests: recorded v1 rows as the model has them, and small hand-made ones."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Raw

from trajworker.assembly.threads import thread_key
from trajworker.model.run import Run, RunStatus


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def _raw(value: Any) -> Raw:
    return Raw(json.dumps(value, ensure_ascii=False).encode())


def from_v1(row: dict[str, Any]) -> Run:
    """A row of v1 `/runs/query` as a Run."""
    start = _time(row["start_time"])
    assert start is not None
    status = {"success": RunStatus.SUCCESS, "error": RunStatus.ERROR}.get(row["status"], RunStatus.PENDING)
    extra = row.get("extra") or {}
    return Run(
        id=row["id"],
        trace_id=row["trace_id"],
        project_id=row["session_id"],
        name=row["name"],
        run_type=row["run_type"],
        status=status,
        start_time=start,
        end_time=_time(row.get("end_time")),
        first_token_time=_time(row.get("first_token_time")),
        dotted_order=row.get("dotted_order") or "",
        parent_run_id=row.get("parent_run_id"),
        thread_id=thread_key(row.get("thread_id"), extra.get("metadata")),
        error=row.get("error"),
        tags=tuple(row.get("tags") or ()),
        inputs=_raw(row.get("inputs")),
        outputs=_raw(row.get("outputs")),
        extra=_raw(extra),
        total_tokens=row.get("total_tokens"),
        prompt_tokens=row.get("prompt_tokens"),
        completion_tokens=row.get("completion_tokens"),
        total_cost=row.get("total_cost"),
    )


def conversations(runs: Iterable[Run]) -> dict[str, list[list[Run]]]:
    """Traces by conversation: the root's key, else a descendant's, else the trace's own id; traces by start."""
    traces: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        traces[run.trace_id].append(run)
    found: dict[str, list[list[Run]]] = defaultdict(list)
    for trace_id, held in traces.items():
        root = next((run for run in held if run.is_root), held[0])
        key = root.thread_id or next((run.thread_id for run in held if run.thread_id), None) or trace_id
        found[key].append(held)
    for held_traces in found.values():
        held_traces.sort(key=lambda one: min(run.start_time for run in one))
    return dict(found)


class Recorder:
    """Makes the runs of hand-written traces: times one millisecond apart, ids that read well."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)
        self._count = 0

    def _tick(self) -> datetime:
        self._now += timedelta(milliseconds=10)
        return self._now

    def run(  # noqa: PLR0913 - a run has many fields
        self,
        kind: str,
        inputs: Any,
        outputs: Any,
        parent: Run | None = None,
        *,
        name: str = "",
        error: str | None = None,
        metadata: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
        thread: str | None = "t",
        pending: bool = False,
        **fields: Any,
    ) -> Run:
        """One run, a root unless it has a parent."""
        self._count += 1
        run_id = f"00000000-0000-4000-8000-{self._count:012d}"
        start = self._tick()
        segment = start.strftime("%Y%m%dT%H%M%S%fZ") + run_id
        status = RunStatus.PENDING if pending else RunStatus.ERROR if error else RunStatus.SUCCESS
        return Run(
            id=run_id,
            trace_id=parent.trace_id if parent else run_id,
            project_id="p",
            name=name or kind,
            run_type=kind,
            status=status,
            start_time=start,
            end_time=None if pending else start + timedelta(milliseconds=5),
            dotted_order=f"{parent.dotted_order}.{segment}" if parent else segment,
            parent_run_id=parent.id if parent else None,
            thread_id=thread,
            error=error,
            inputs=_raw(inputs),
            outputs=_raw(outputs),
            extra=_raw({**(extra or {}), "metadata": metadata or {}}),
            **fields,
        )
