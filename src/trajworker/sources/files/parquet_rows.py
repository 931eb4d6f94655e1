"""Rows of an export, as `parquet` selects them, to runs: column by column, because an export has millions of rows."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from trajworker.decoding import REFUSED
from trajworker.errors import MalformedRun
from trajworker.model.run import CLAMPED_TIME, NULL, Run, a_count, newest_versions
from trajworker.ports import Unreadable
from trajworker.sources.wires.instants import moment_of
from trajworker.sources.wires.plausible import NO_ID, STATUSES, cost_of, parent_in, status_of, times_of

NO_JSON = "not_json"
"""Flag of a run of which a payload was no JSON and is kept as text."""
TIMES = {"start_time": "start_us", "end_time": "end_us", "first_token_time": "first_token_us"}
JSON_COLUMNS = ("inputs", "outputs", "extra")
COLUMNS = (
    *("session_id", "conversation_id", "trace_id", "id", "name", "run_type", "status", "error", "parent_run_id"),
    *("dotted_order", "start_us", "end_us", "first_token_us", "inputs", "outputs", "extra"),
    *("prompt_tokens", "completion_tokens", "total_tokens", "total_cost"),
)
_PROJECT, _TRACE, _RUN = map(itemgetter, (0, 2, 3))


class ExportedConversation(Struct, frozen=True, kw_only=True):
    """One conversation of an export: its key, and its runs trace by trace in order of start, each once."""

    project_id: str
    conversation_id: str
    traces: list[list[Run]] = []
    failure: str | None = None
    """Why it cannot be handed out, where a run of it cannot be read."""


def conversations_of(batch: Any) -> Iterator[ExportedConversation]:  # noqa: ANN401 - pyarrow has no types
    """The conversations of an Arrow batch that is sorted and holds them whole."""
    for (project, name), rows in groupby(_rows(batch), lambda row: row[:2]):
        try:
            traces = [list(newest_versions(map(_run, trace)).values()) for _, trace in groupby(rows, _TRACE)]
        except MalformedRun as reason:
            failure = f"a run of it cannot be read ({reason})"
            yield ExportedConversation(project_id=project, conversation_id=name, failure=failure)
        else:
            yield ExportedConversation(project_id=project, conversation_id=name, traces=traces)


def runs_of(batch: Any) -> list[Run | Unreadable]:  # noqa: ANN401 - pyarrow has no types
    """The runs of an Arrow batch, in whatever order; their payloads are JSON."""
    return [_read(row) for row in _rows(batch)]


def _read(row: tuple[Any, ...]) -> Run | Unreadable:
    try:
        return mended(_run(row))
    except MalformedRun as reason:  # the row itself stays in the export, where it can be looked at
        project, run_id, trace = _PROJECT(row), _RUN(row), _TRACE(row)
        return Unreadable(project_id=project, run_id=run_id, reason=str(reason), raw=b"", trace_id=trace)


def mended(run: Run) -> Run:
    """A run whose payloads are JSON: those that are not are kept as text, and flagged."""
    changed = {name: _text(payload) for name in JSON_COLUMNS if not _is_json(payload := getattr(run, name))}
    return replace(run, **changed, flags=(*run.flags, NO_JSON)) if changed else run


def _rows(batch: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - pyarrow has no types
    return zip(*(batch[name].to_pylist() for name in COLUMNS), strict=True)


def _run(row: tuple[Any, ...]) -> Run:
    """The run of a row, by the rules of the wires.

    Raises:
        MalformedRun: it tells no id, or no start time.
    """
    project, _, trace, run_id, name, run_type, status, error, parent, order, start, end, first_token, *rest = row
    inputs, outputs, extra, prompt_tokens, completion_tokens, total_tokens, cost = rest
    if run_id is None:
        raise MalformedRun(NO_ID)
    began = None if start is None else moment_of(start)
    ended = None if end is None else moment_of(end)
    start_time, end_time, honest = times_of(began, ended, order or "")
    # in two steps, as `wires.row` does it and for the same reason
    run = Run(
        id=run_id,
        trace_id=trace,
        project_id=project,
        name=name or "",
        run_type=run_type.lower() if run_type else "",
        status=STATUSES.get(status or "") or status_of(status, error, ended=end is not None),
        start_time=start_time,
        end_time=end_time,
        first_token_time=None if first_token is None else moment_of(first_token),
        dotted_order=order or "",
        parent_run_id=parent or parent_in(order or "", run_id, trace),
        error=error,
        flags=() if honest else (CLAMPED_TIME,),
    )
    return replace(
        run,
        inputs=Raw(inputs) if inputs else NULL,
        outputs=Raw(outputs) if outputs else NULL,
        extra=Raw(extra) if extra else NULL,
        prompt_tokens=None if prompt_tokens is None else a_count(prompt_tokens),
        completion_tokens=None if completion_tokens is None else a_count(completion_tokens),
        total_tokens=None if total_tokens is None else a_count(total_tokens),
        total_cost=None if cost is None else cost_of(cost),
    )


def _is_json(payload: Raw) -> bool:
    try:
        msgspec.json.decode(payload)
    except REFUSED:
        return False
    return True


def _text(payload: Raw) -> Raw:
    return Raw(msgspec.json.encode(bytes(payload).decode("utf-8", "replace")))
