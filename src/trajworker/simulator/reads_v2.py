"""The v2 read endpoints for runs and traces; those for threads are in `reads_threads`."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from trajworker.simulator import cursors, wire_v2
from trajworker.simulator.asking import ask, body_of, moment, only_known
from trajworker.simulator.problems import Refusal, json_response
from trajworker.simulator.selection import Query
from trajworker.simulator.state import State
from trajworker.simulator.stored_run import StoredRun
from trajworker.simulator.wire_v1 import app_path

MAX_PAGE_SIZE = 1000
MAX_TRACES_PAGE_SIZE = 100
DEFAULT_TRACES_PAGE_SIZE = 20
DEFAULT_WINDOW_US = 24 * 3600 * 1_000_000
"""How far back a query looks that names no `min_start_time`."""
_NOT_FOUND = {"error": "run not found: resource not found"}
_RUN_TYPES = frozenset({"TOOL", "CHAIN", "LLM", "RETRIEVER", "EMBEDDING", "PROMPT", "PARSER"})
Strings = Annotated[list[str], Meta(min_length=1)]


class RunsQuery(msgspec.Struct, kw_only=True):
    """Body of `/v2/runs/query`."""

    project_ids: Strings | None = None
    reference_dataset_id: str | None = None
    ids: Strings | None = None
    trace_id: str | None = None
    run_type: str | None = None
    is_root: bool | None = None
    has_error: bool | None = None
    min_start_time: str | None = None
    max_start_time: str | None = None
    filter: str | None = None
    trace_filter: str | None = None
    tree_filter: str | None = None
    selects: list[str] | None = None
    page_size: int = 100
    cursor: str | None = None
    include_subtree_usage: bool = False
    reference_examples: list[str] | None = None
    ai_search: str | None = None


class TracesQuery(msgspec.Struct, kw_only=True):
    """Body of `/v2/traces/query`."""

    project_id: str | None = None
    trace_ids: list[str] | None = None
    min_start_time: str | None = None
    max_start_time: str | None = None
    trace_filter: str | None = None
    tree_filter: str | None = None
    selects: list[str] | None = None
    page_size: int = DEFAULT_TRACES_PAGE_SIZE
    cursor: str | None = None
    ai_search: str | None = None


def window(state: State, low: str | None, high: str | None) -> tuple[int, int | None]:
    """Start bounds of a query: the last day unless it says otherwise."""
    low_us = moment(low, "min_start_time")
    high_us = moment(high, "max_start_time")
    if low_us is None:
        low_us = state.now_us() - DEFAULT_WINDOW_US
    return low_us, high_us if high_us is not None else state.now_us()


def check_page_size(size: int, largest: int) -> None:
    """Refuse a page size out of bounds."""
    if not 1 <= size <= largest:
        raise Refusal(400, f"page_size must be between 1 and {largest}")


def refuse_search_without_stream(request: Request, ai_search: str | None) -> None:
    """`ai_search` is answered as a stream of events only."""
    if ai_search is not None and "text/event-stream" not in request.headers.get("accept", ""):
        raise Refusal(406, "ai_search requires Accept: text/event-stream")
    if ai_search is not None:
        raise Refusal(501, "ai_search is not simulated")


def required_project(state: State, project_id: str | None) -> str:
    """The project a request must name, and that must exist."""
    if not project_id:
        raise Refusal(400, "project_id is required")
    if project_id not in state.store.projects:
        raise Refusal(404, "project not found")
    return project_id


class ReadsV2:
    """Handlers of the v2 reads over one state."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def query_runs(self, request: Request) -> Response:
        """POST /v2/runs/query: newest first, and no way to ask otherwise."""
        body = body_of(request, RunsQuery)
        refuse_search_without_stream(request, body.ai_search)
        check_page_size(body.page_size, MAX_PAGE_SIZE)
        query = self._question(body)
        selects = only_known(body.selects, wire_v2.SELECTABLE)
        after = ask(lambda: cursors.read(body.cursor))
        page = ask(lambda: self._state.select(query, after, body.page_size))
        rows = self._rows(request, page.runs, selects, with_subtree=body.include_subtree_usage)
        following = None if page.next_key is None else cursors.after(page.next_key)
        return json_response({"items": rows, "next_cursor": following})

    def _question(self, body: RunsQuery) -> Query:
        if (body.project_ids is None) == (body.reference_dataset_id is None):
            raise Refusal(400, "exactly one of project_ids or reference_dataset_id is required")
        if body.run_type is not None and body.run_type not in _RUN_TYPES:
            raise Refusal(422, f"run_type must be one of {', '.join(sorted(_RUN_TYPES))}")
        low_us, high_us = window(self._state, body.min_start_time, body.max_start_time)
        return Query(
            projects=tuple(body.project_ids) if body.project_ids else (),
            ids=tuple(body.ids) if body.ids else None,
            trace_ids=(body.trace_id,) if body.trace_id else None,
            run_type=body.run_type.lower() if body.run_type else None,
            is_root=body.is_root,
            has_error=body.has_error,
            start_low_us=low_us,
            start_high_us=high_us,
            filter=body.filter,
            trace_filter=body.trace_filter,
            tree_filter=body.tree_filter,
            reference_examples=tuple(body.reference_examples) if body.reference_examples else None,
        )

    async def read_run(self, request: Request) -> Response:
        """GET /v2/runs/{id}."""
        params = request.query_params
        run = self._asked_for(request)
        selects = only_known(params.getlist("selects"), wire_v2.SELECTABLE)
        with_subtree = params.get("include_subtree_usage", "false").lower() == "true"
        return json_response(self._rows(request, [run], selects, with_subtree=with_subtree)[0])

    async def run_url(self, request: Request) -> Response:
        """GET /v2/runs/{id}/url: where the web application would show the run."""
        path = app_path(self._asked_for(request), self._state.settings.tenant_id)
        return json_response({"url": str(request.base_url).rstrip("/") + path})

    def _asked_for(self, request: Request) -> StoredRun:
        project_id = required_project(self._state, request.query_params.get("project_id"))
        run = self._state.visible(request.path_params["run_id"])
        if run is None or run.session_id != project_id:
            raise Refusal(404, "run not found", _NOT_FOUND)
        return run

    async def query_traces(self, request: Request) -> Response:
        """POST /v2/traces/query: roots, newest first, each with figures of its whole trace."""
        body = body_of(request, TracesQuery)
        refuse_search_without_stream(request, body.ai_search)
        check_page_size(body.page_size, MAX_TRACES_PAGE_SIZE)
        project_id = required_project(self._state, body.project_id)
        low_us, high_us = window(self._state, body.min_start_time, body.max_start_time)
        query = Query(
            projects=(project_id,),
            trace_ids=tuple(body.trace_ids) if body.trace_ids else None,
            is_root=True,
            start_low_us=low_us,
            start_high_us=high_us,
            filter=body.trace_filter,
            tree_filter=body.tree_filter,
        )
        selects = only_known(body.selects, wire_v2.SELECTABLE)
        after = ask(lambda: cursors.read(body.cursor))
        page = ask(lambda: self._state.select(query, after, body.page_size))
        rows = self._rows(request, page.runs, selects, with_subtree=False)
        items = [
            {"root_run": row, "trace_aggregates": _aggregates(run), "query_metadata": None}
            for row, run in zip(rows, page.runs, strict=True)
        ]
        following = None if page.next_key is None else cursors.after(page.next_key)
        return json_response({"items": items, "next_cursor": following})

    async def trace_runs(self, request: Request) -> Response:
        """GET /v2/traces/{trace_id}/runs: the whole trace, oldest first."""
        params = request.query_params
        project_id = required_project(self._state, params.get("project_id"))
        low, high = params.get("min_start_time"), params.get("max_start_time")
        if (low is None) != (high is None):
            raise Refusal(400, "min_start_time and max_start_time must be given together")
        query = Query(
            projects=(project_id,),
            trace_ids=(request.path_params["trace_id"],),
            start_low_us=moment(low, "min_start_time"),
            start_high_us=moment(high, "max_start_time"),
            filter=params.get("filter"),
            ascending=True,
        )
        selects = only_known(params.getlist("selects"), wire_v2.SELECTABLE)
        runs = ask(lambda: self._state.select(query, None, None)).runs
        return json_response({"items": self._rows(request, runs, selects, with_subtree=False)})

    def _rows(
        self, request: Request, runs: list[StoredRun], selects: tuple[str, ...], *, with_subtree: bool
    ) -> list[dict[str, Any]]:
        base_url = str(request.base_url).rstrip("/")
        context = wire_v2.Context(self._state.store, self._state.settings.tenant_id, base_url)
        return wire_v2.rows(runs, selects, context, with_subtree=with_subtree)


def _aggregates(root: StoredRun) -> dict[str, Any]:
    """A root of v1 carries the sums of its subtree: those of the trace."""
    return {
        "total_tokens": root.total_tokens,
        "total_cost": None if root.total_cost is None else float(root.total_cost),
        "first_token_time": None if root.first_token_time is None else root.first_token_time.removesuffix("Z") + "Z",
    }
