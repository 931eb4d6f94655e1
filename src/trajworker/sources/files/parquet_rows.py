"""Rows of an export, as `parquet` selects them, to runs: column by column, because an export has millions of rows."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from msgspec import Raw, Struct

from trajworker.model.run import CLAMPED_TIME, ERROR, NULL, PENDING, SUCCESS, Run, RunStatus
from trajworker.model.times import EPOCH

NO_JSON = "not_json"
"""Flag of a run of which a payload was no JSON and is kept as text."""
TIMES = {"start_time": "start_us", "end_time": "end_us", "first_token_time": "first_token_us"}
JSON_COLUMNS = ("inputs", "outputs", "extra")
COLUMNS = (
    *("session_id", "conversation_id", "trace_id", "id", "name", "run_type", "status", "error", "parent_run_id"),
    *("dotted_order", "start_us", "end_us", "first_token_us", "inputs", "outputs", "extra"),
    *("prompt_tokens", "completion_tokens", "total_tokens", "total_cost"),
)
_STATUSES = {status.value: status for status in RunStatus}
_PROJECT, _CONVERSATION, _TRACE, _RUN = (itemgetter(place) for place in range(4))


class ExportedConversation(Struct, frozen=True, kw_only=True):
    """One conversation of an export: its key, and its runs trace by trace in order of start."""

    project_id: str
    conversation_id: str
    traces: list[list[Run]]


def conversations_of(batch: Any) -> Iterator[ExportedConversation]:  # noqa: ANN401 - pyarrow has no types
    """The conversations of an Arrow batch that is sorted and holds them whole; a run that comes twice counts once."""
    for (project, name), rows in groupby(_rows(batch), lambda row: row[:2]):
        # of equal ids that follow each other the later one is the more complete
        traces = [list({row[3]: _run(row) for row in trace}.values()) for _, trace in groupby(rows, _TRACE)]
        yield ExportedConversation(project_id=project, conversation_id=name, traces=traces)


def runs_of(batch: Any) -> list[Run]:  # noqa: ANN401 - pyarrow has no types
    """The runs of an Arrow batch, in whatever order; their payloads are JSON."""
    return [mended(_run(row)) for row in _rows(batch)]


def mended(run: Run) -> Run:
    """A run whose payloads are JSON: those that are not are kept as text, and flagged."""
    changed = {name: _text(payload) for name in JSON_COLUMNS if not _is_json(payload := getattr(run, name))}
    return msgspec.structs.replace(run, **changed, flags=(*run.flags, NO_JSON)) if changed else run


def _rows(batch: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - pyarrow has no types
    return zip(*(batch[name].to_pylist() for name in COLUMNS), strict=True)


def _run(row: tuple[Any, ...]) -> Run:
    project, _, trace, run_id, name, run_type, status, error, parent, order, start, end, first_token, *rest = row
    inputs, outputs, extra, prompt_tokens, completion_tokens, total_tokens, cost = rest
    start_time = EPOCH if start is None else EPOCH + timedelta(microseconds=start)
    end_time = None if end is None else max(start_time, EPOCH + timedelta(microseconds=end))
    return Run(
        id=run_id,
        trace_id=trace,
        project_id=project,
        name=name or "",
        run_type=(run_type or "chain").lower(),
        status=_STATUSES.get(status or "") or _status(status, error, ended=end is not None),
        start_time=start_time,
        end_time=end_time,
        first_token_time=None if first_token is None else EPOCH + timedelta(microseconds=first_token),
        dotted_order=order or "",
        parent_run_id=parent or None,
        error=error,
        inputs=Raw(inputs) if inputs else NULL,
        outputs=Raw(outputs) if outputs else NULL,
        extra=Raw(extra) if extra else NULL,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        total_tokens=total_tokens,
        total_cost=cost,
        flags=() if start is not None else (CLAMPED_TIME,),
    )


def _status(named: str | None, error: str | None, *, ended: bool) -> RunStatus:
    known = _STATUSES.get((named or "").lower())
    if known is not None:
        return known
    if error:
        return ERROR
    return SUCCESS if ended else PENDING


def _is_json(payload: Raw) -> bool:
    try:
        msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return True


def _text(payload: Raw) -> Raw:
    return Raw(msgspec.json.encode(bytes(payload).decode("utf-8", "replace")))
