"""The v2 read endpoints for threads: conversations, newest first, and their turns, oldest first."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trajworker.simulator import cursors, instants, wire_v1, wire_v2
from trajworker.simulator.asking import ask, body_of, only_known
from trajworker.simulator.problems import Refusal, json_response, unprocessable
from trajworker.simulator.reads_v2 import (
    check_page_size,
    refuse_search_without_stream,
    required_project,
    window,
)
from trajworker.simulator.selection import Query
from trajworker.simulator.state import State
from trajworker.simulator.stats import costs, latencies_s, percentile
from trajworker.simulator.store import Key
from trajworker.simulator.stored_run import StoredRun
from trajworker.simulator.thread_stats import FIGURES, figures

MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 20
_FEEDBACK = "FEEDBACK_STATS"
_STATS = frozenset({*FIGURES, _FEEDBACK})


class ThreadsQuery(msgspec.Struct, kw_only=True):
    """Body of `/v2/threads/query`."""

    project_id: str | None = None
    filter: str | None = None
    min_start_time: str | None = None
    max_start_time: str | None = None
    thread_filter: str | None = None
    trace_filter: str | None = None
    tree_filter: str | None = None
    page_size: int = DEFAULT_PAGE_SIZE
    cursor: str | None = None
    ai_search: str | None = None


class ReadsThreads:
    """Handlers of the thread reads over one state."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def query_threads(self, request: Request) -> Response:
        """POST /v2/threads/query: threads with a turn in the window, counted within it."""
        body = body_of(request, ThreadsQuery)
        refuse_search_without_stream(request, body.ai_search)
        check_page_size(body.page_size, MAX_PAGE_SIZE)
        if body.thread_filter is not None:
            raise Refusal(501, "thread_filter is not served by this backend")
        project_id = required_project(self._state, body.project_id)
        low_us, high_us = window(self._state, body.min_start_time, body.max_start_time)
        query = Query(
            projects=(project_id,),
            is_root=True,
            start_low_us=low_us,
            start_high_us=high_us,
            filter=body.filter,
            trace_filter=body.trace_filter,
            tree_filter=body.tree_filter,
        )
        after = ask(lambda: cursors.read(body.cursor))
        items, last = ask(lambda: self._page(query, after, body.page_size))
        return json_response({"items": items, "next_cursor": None if last is None else cursors.after(last)})

    def _page(self, query: Query, after: Key | None, size: int) -> tuple[list[dict[str, Any]], Key | None]:
        """Walk the roots from the newest; a thread stands where its newest root in the window is."""
        now_us = self._state.now_us()
        items: list[dict[str, Any]] = []
        last: Key | None = None
        shown: set[str] = set()
        for key, root in self._state.selector().matches(query, now_us, after):
            if root.thread_id is None or root.thread_id in shown:
                continue
            turns = self._turns(query, root.thread_id, now_us)
            if turns[-1][0] != key:
                continue
            if len(items) == size:
                return items, last
            items.append(self._thread(root.thread_id, [turn for _, turn in turns]))
            shown.add(root.thread_id)
            last = key
        return items, None

    def _turns(self, query: Query, thread_id: str, now_us: int) -> list[tuple[Key, StoredRun]]:
        of_thread = msgspec.structs.replace(query, thread_id=thread_id, ascending=True)
        return list(self._state.selector().matches(of_thread, now_us))

    def _thread(self, thread_id: str, turns: list[StoredRun]) -> dict[str, Any]:
        first, last = turns[0], turns[-1]
        durations = latencies_s(turns)
        errors = [turn.error for turn in turns if turn.error is not None]
        return {
            "thread_id": thread_id,
            "count": len(turns),
            "first_trace_id": first.trace_id,
            "last_trace_id": last.trace_id,
            "trace_id": last.trace_id,
            "first_inputs": first.inputs_preview,
            "last_outputs": last.outputs_preview,
            "last_error": errors[-1] if errors else None,
            "num_errored_turns": len(errors),
            "min_start_time": instants.zoned(first.start_us),
            "max_start_time": instants.zoned(last.start_us),
            "start_time": instants.zoned(last.start_us),
            "latency_p50": percentile(durations, 0.5),
            "latency_p99": percentile(durations, 0.99),
            "total_tokens": sum(turn.total_tokens or 0 for turn in turns),
            "total_cost": costs(turns),
            "total_token_details": None,
            "total_cost_details": None,
            "feedback_stats": wire_v1.feedback_stats(self._state.store, last),
            "query_metadata": None,
        }

    async def thread_traces(self, request: Request) -> Response:
        """GET /v2/threads/{thread_id}/traces: roots only, oldest first, numbered over the whole thread."""
        params = request.query_params
        project_id = required_project(self._state, params.get("project_id"))
        text = params.get("page_size", str(DEFAULT_PAGE_SIZE))
        if not text.isdigit():
            raise unprocessable(("query", "page_size"), "Input should be a valid integer", "int_parsing")
        check_page_size(int(text), MAX_PAGE_SIZE)
        whole = Query(
            projects=(project_id,),
            thread_id=request.path_params["thread_id"],
            is_root=True,
            ascending=True,
        )
        wanted = msgspec.structs.replace(
            whole,
            filter=params.get("filter"),
            trace_filter=params.get("trace_filter"),
            tree_filter=params.get("tree_filter"),
        )
        selects = only_known(params.getlist("selects"), wire_v2.THREAD_TRACE_SELECTABLE)
        after = ask(lambda: cursors.read(params.get("cursor")))
        page = ask(lambda: self._state.select(wanted, after, int(text)))
        numbers = self._turn_numbers(whole)
        context = wire_v2.Context(self._state.store, self._state.settings.tenant_id, str(request.base_url).rstrip("/"))
        items = wire_v2.thread_traces([(numbers[run.id], run) for run in page.runs], selects, context)
        return json_response(
            {"items": items, "next_cursor": None if page.next_key is None else cursors.after(page.next_key)}
        )

    async def thread_stats(self, request: Request) -> Response:
        """GET /v2/threads/{thread_id}/stats: figures of the whole thread, or of the turns that a filter leaves."""
        params = request.query_params
        selects = only_known(params.getlist("selects"), _STATS)
        if not selects:
            raise Refusal(400, "selects is required")
        query = Query(
            projects=(required_project(self._state, params.get("session_id")),),
            thread_id=request.path_params["thread_id"],
            is_root=True,
            filter=params.get("filter"),
            ascending=True,
        )
        turns = ask(lambda: self._state.select(query, None, None)).runs
        stats = figures([name for name in selects if name != _FEEDBACK], turns)
        if _FEEDBACK in selects:
            stats["feedback_stats"] = wire_v1.stats_by_key(self._feedback(turns))
        return json_response(stats)

    def _feedback(self, turns: list[StoredRun]) -> list[dict[str, Any]]:
        """Feedback posted to any run of the turns."""
        runs = [entry.id for turn in turns for entry in self._state.store.trace(turn.trace_id)]
        return [row for run_id in runs for row in self._state.feedback_of(run_id)]

    def _turn_numbers(self, whole: Query) -> dict[str, int]:
        turns = self._state.select(whole, None, None).runs
        ordered = sorted(turns, key=lambda run: (run.start_us, run.trace_id))
        return {run.id: number for number, run in enumerate(ordered, start=1)}
