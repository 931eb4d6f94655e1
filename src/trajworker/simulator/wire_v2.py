"""Runs as v2 answers with them: upper-case enums, zoned times, wrapped details, only what is selected."""

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec import Raw

from trajworker.simulator import instants
from trajworker.simulator.store import Store
from trajworker.simulator.stored_run import StoredRun, decode
from trajworker.simulator.wire_v1 import app_path, feedback_stats

DEFAULT_SELECTS = ("ID",)
_ERROR_PREVIEW_LENGTH = 250
_MICROSECONDS = 1_000_000
_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens")
_COSTS = ("prompt_cost", "completion_cost", "total_cost")


class Context(NamedTuple):
    """What a row needs besides its run."""

    store: Store
    tenant_id: str
    base_url: str


Reader = Callable[[StoredRun, Context], Any]


def _zoned(name: str) -> Reader:
    def read(run: StoredRun, _context: Context) -> str | None:
        text = getattr(run, name)
        return text + "Z" if text else None

    return read


def _recorded_time(name: str) -> Reader:
    """For times that are kept as they came, with or without a zone."""

    def read(run: StoredRun, _context: Context) -> str | None:
        moment = instants.parse_optional(getattr(run, name))
        return None if moment is None else instants.zoned(moment)

    return read


def _plain(name: str) -> Reader:
    get = attrgetter(name)
    return lambda run, _context: get(run)


def _upper(name: str) -> Reader:
    return lambda run, _context: getattr(run, name).upper()


def _details(name: str) -> Reader:
    def read(run: StoredRun, _context: Context) -> dict[str, Raw] | None:
        raw = getattr(run, name)
        return None if bytes(raw) == b"null" else {"raw": raw}

    return read


def _number(name: str) -> Reader:
    def read(run: StoredRun, _context: Context) -> float | None:
        value = getattr(run, name)
        return None if value is None else float(value)

    return read


def latency_seconds(run: StoredRun) -> float | None:
    """Duration of a run that has ended."""
    return None if run.end_us is None else (run.end_us - run.start_us) / _MICROSECONDS


def preview_of_error(run: StoredRun) -> str | None:
    """The first characters of the error."""
    return None if run.error is None else run.error[:_ERROR_PREVIEW_LENGTH]


def _attachments(run: StoredRun, context: Context) -> dict[str, str] | None:
    urls = decode(run.s3_urls)
    if not isinstance(urls, dict):
        return None
    return {
        name.removeprefix("attachment."): _absolute(str(about.get("presigned_url", "")), context.base_url)
        for name, about in urls.items()
    }


def _absolute(url: str, base_url: str) -> str:
    return base_url + url if url.startswith("/") else url


def _events(run: StoredRun, _context: Context) -> list[dict[str, Any]] | None:
    events = decode(run.events)
    if not isinstance(events, list):
        return None
    return [_event(event) for event in events if isinstance(event, dict)]


def _event(event: dict[str, Any]) -> dict[str, Any]:
    """Events carry millisecond times in v2."""
    moment = instants.parse_optional(event.get("time"))
    shown = {"name": event.get("name"), "time": None if moment is None else _milliseconds(moment)}
    return shown | {"kwargs": event["kwargs"]} if "kwargs" in event else shown


def _milliseconds(moment_us: int) -> str:
    return instants.naive(moment_us // 1000 * 1000 + 1)[:-3] + "Z"


def _feedback(run: StoredRun, context: Context) -> Raw:
    return feedback_stats(context.store, run)


_READERS: dict[str, Reader] = {
    "ID": _plain("id"),
    "NAME": _plain("name"),
    "RUN_TYPE": _upper("run_type"),
    "STATUS": _upper("status"),
    "START_TIME": _zoned("start_time"),
    "END_TIME": _zoned("end_time"),
    "LATENCY_SECONDS": lambda run, _context: latency_seconds(run),
    "FIRST_TOKEN_TIME": _recorded_time("first_token_time"),
    "ERROR": _plain("error"),
    "ERROR_PREVIEW": lambda run, _context: preview_of_error(run),
    "EXTRA": _plain("extra"),
    "METADATA": lambda run, _context: run.metadata(),
    "EVENTS": _events,
    "INPUTS": _plain("inputs"),
    "INPUTS_PREVIEW": _plain("inputs_preview"),
    "OUTPUTS": _plain("outputs"),
    "OUTPUTS_PREVIEW": _plain("outputs_preview"),
    "MANIFEST": _plain("serialized"),
    "PARENT_RUN_IDS": _plain("parent_run_ids"),
    "PROJECT_ID": _plain("session_id"),
    "TRACE_ID": _plain("trace_id"),
    "THREAD_ID": _plain("thread_id"),
    "DOTTED_ORDER": _plain("dotted_order"),
    "IS_ROOT": _plain("is_root"),
    "REFERENCE_EXAMPLE_ID": _plain("reference_example_id"),
    "REFERENCE_DATASET_ID": _plain("reference_dataset_id"),
    **{name.upper(): _plain(name) for name in _TOKENS},
    **{name.upper(): _number(name) for name in _COSTS},
    "PROMPT_TOKEN_DETAILS": _details("prompt_token_details"),
    "COMPLETION_TOKEN_DETAILS": _details("completion_token_details"),
    "PROMPT_COST_DETAILS": _details("prompt_cost_details"),
    "COMPLETION_COST_DETAILS": _details("completion_cost_details"),
    "PRICE_MODEL_ID": _plain("price_model_id"),
    "TAGS": _plain("tags"),
    "APP_PATH": lambda run, context: app_path(run, context.tenant_id),
    "ATTACHMENTS": _attachments,
    "THREAD_EVALUATION_TIME": lambda _run, _context: None,
    "IS_IN_DATASET": _plain("in_dataset"),
    "LAST_QUEUED_AT": _recorded_time("last_queued_at"),
    "SHARE_URL": lambda _run, _context: None,
    "FEEDBACK_STATS": _feedback,
    "LS_USER_ID": lambda _run, _context: None,
}
SELECTABLE = frozenset(_READERS)


def _own_tokens(index: int) -> Reader:
    return lambda run, _context: own_usage(run)[index]


def _own_only(reader: Reader) -> Reader:
    return lambda run, context: reader(run, context) if _is_leaf_of_usage(run) else None


_OWN_READERS = _READERS | {
    **{name.upper(): _own_tokens(index) for index, name in enumerate(_TOKENS)},
    **{name.upper(): _own_only(_READERS[name.upper()]) for name in _COSTS},
    **{name: _own_only(read) for name, read in _READERS.items() if name.endswith("_DETAILS")},
}


def _is_leaf_of_usage(run: StoredRun) -> bool:
    """Whether a recording's figures are the run's own; on the others they are sums."""
    return run.run_type in ("llm", "embedding") or any(run.own_usage or ())


def own_usage(run: StoredRun) -> tuple[int, int, int]:
    """Prompt, completion and total tokens of the run itself, without those below it."""
    if run.own_usage is not None:
        return run.own_usage
    if _is_leaf_of_usage(run):
        return run.prompt_tokens or 0, run.completion_tokens or 0, run.total_tokens or 0
    return 0, 0, 0


@cache
def _row_readers(selects: tuple[str, ...], with_subtree: bool) -> tuple[tuple[str, Reader], ...]:  # noqa: FBT001 - a cache key
    readers = _READERS if with_subtree else _OWN_READERS
    return tuple((name.lower(), readers[name]) for name in dict.fromkeys(selects))


def rows(
    runs: Sequence[StoredRun], selects: tuple[str, ...], context: Context, *, with_subtree: bool
) -> list[dict[str, Any]]:
    """Rows of a page, ready to encode: only what is selected."""
    readers = _row_readers(selects or DEFAULT_SELECTS, with_subtree)
    return [{key: read(run, context) for key, read in readers} for run in runs]


_TRACE_READERS: dict[str, Reader] = {
    "OP": lambda _run, _context: None,
    "LATENCY": lambda run, _context: latency_seconds(run),
    **{
        name: _READERS[name]
        for name in (
            *("THREAD_ID", "TRACE_ID", "NAME", "START_TIME", "END_TIME", "FIRST_TOKEN_TIME", "INPUTS", "OUTPUTS"),
            *("INPUTS_PREVIEW", "OUTPUTS_PREVIEW", "ERROR", "ERROR_PREVIEW"),
            *(name.upper() for name in (*_TOKENS, *_COSTS)),
            *("PROMPT_TOKEN_DETAILS", "COMPLETION_TOKEN_DETAILS"),
            *("PROMPT_COST_DETAILS", "COMPLETION_COST_DETAILS"),
        )
    },
}
THREAD_TRACE_SELECTABLE = frozenset({*_TRACE_READERS, "TURN_NUMBER"})


def thread_traces(
    roots: Sequence[tuple[int, StoredRun]], selects: tuple[str, ...], context: Context
) -> list[dict[str, Any]]:
    """Turns of a thread; each root comes with its number in the whole thread. Nothing selected: only the trace."""
    wanted = tuple(dict.fromkeys(selects)) or ("TRACE_ID",)
    return [
        {name.lower(): number if name == "TURN_NUMBER" else _TRACE_READERS[name](run, context) for name in wanted}
        for number, run in roots
    ]
