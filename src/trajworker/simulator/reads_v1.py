"""The v1 read endpoints: runs, settings, stats."""

from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trajworker.simulator import cursors, wire_v1
from trajworker.simulator.asking import ask, body_of, moment, only_known
from trajworker.simulator.problems import Refusal, json_response, unprocessable
from trajworker.simulator.selection import Query
from trajworker.simulator.state import State
from trajworker.simulator.stats import run_stats
from trajworker.simulator.stored_run import StoredRun

MAX_LIMIT = 100
DEPRECATED = {"Deprecation": "true", "Sunset": "Sun, 31 Jan 2027 23:59:59 GMT"}
_SCOPE_MISSING = "At least one of 'session', 'id', 'parent_run', or 'reference_example' must be specified"
_RunType = Literal["tool", "chain", "llm", "retriever", "embedding", "prompt", "parser"]


class RunsQuery(msgspec.Struct, kw_only=True):
    """Body of `/runs/query` and `/runs/stats`; unknown fields are ignored, as the server does."""

    session: list[str] | None = None
    id: list[str] | None = None
    trace: str | None = None
    parent_run: str | None = None
    run_type: _RunType | None = None
    is_root: bool | None = None
    error: bool | None = None
    start_time: str | None = None
    end_time: str | None = None
    filter: str | None = None
    trace_filter: str | None = None
    tree_filter: str | None = None
    query: str | None = None
    search_filter: str | None = None
    reference_example: list[str] | None = None
    execution_order: int | None = None
    cursor: str | None = None
    limit: int = MAX_LIMIT
    order: Literal["asc", "desc"] = "desc"
    select: list[str] | None = None
    skip_pagination: bool | None = None


def question(body: RunsQuery) -> Query:
    """The query a v1 body means. Ids switch all other conditions off."""
    if not (body.session or body.id or body.trace or body.parent_run or body.reference_example):
        raise Refusal(400, _SCOPE_MISSING)
    if body.id:
        return Query(ids=tuple(body.id), ascending=body.order == "asc")
    return Query(
        projects=tuple(body.session) if body.session else None,
        trace_ids=(body.trace,) if body.trace else None,
        parent_run=body.parent_run,
        run_type=body.run_type,
        is_root=True if body.execution_order == 1 else body.is_root,
        has_error=body.error,
        start_low_us=moment(body.start_time, "start_time"),
        ended_before_us=moment(body.end_time, "end_time"),
        filter=body.filter,
        trace_filter=body.trace_filter,
        tree_filter=body.tree_filter,
        search=body.search_filter or (f"search({msgspec.json.encode(body.query).decode()})" if body.query else None),
        reference_examples=tuple(body.reference_example) if body.reference_example else None,
        ascending=body.order == "asc",
    )


class ReadsV1:
    """Handlers of the v1 reads over one state."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def query_runs(self, request: Request) -> Response:
        """POST /runs/query."""
        body = body_of(request, RunsQuery)
        if body.limit > MAX_LIMIT:
            raise Refusal(400, f"Limit exceeds maximum allowed value of {MAX_LIMIT}")
        if body.limit < 1:
            raise unprocessable(("body", "limit"), "Input should be greater than or equal to 1", "greater_than_equal")
        select = only_known(body.select, wire_v1.SELECTABLE) or wire_v1.DEFAULT_SELECT
        query = question(body)
        whole = body.trace is not None and not body.id
        after = None if whole else ask(lambda: cursors.read(body.cursor))
        page = ask(lambda: self._state.select(query, after, None if whole else body.limit))
        following = None if page.next_key is None else cursors.after(page.next_key)
        answer = {
            "runs": self._rows(page.runs, select),
            "cursors": {"next": following, "prev": None},
            "search_cursors": None,
            "parsed_query": None,
        }
        return json_response(answer, headers=DEPRECATED)

    async def read_run(self, request: Request) -> Response:
        """GET /runs/{id}."""
        run = self._state.visible(str(request.path_params["run_id"]))
        if run is None:
            raise Refusal(404, "Run not found")
        select = (*wire_v1.DEFAULT_SELECT, "s3_urls", "inputs_preview", "outputs_preview", "child_run_ids")
        return json_response(self._rows([run], select)[0], headers=DEPRECATED)

    async def stats(self, request: Request) -> Response:
        """POST /runs/stats."""
        query = question(body_of(request, RunsQuery))
        found = ask(lambda: self._state.select(query, None, None)).runs
        return json_response(run_stats(found))

    async def workspace(self, _request: Request) -> Response:
        """GET /settings."""
        settings = self._state.settings
        return json_response(
            {
                "id": settings.tenant_id,
                "display_name": settings.tenant_name,
                "created_at": "2026-01-01T00:00:00",
                "tenant_handle": None,
            }
        )

    async def attachment(self, request: Request) -> Response:
        """GET of a presigned attachment URL."""
        key = (request.path_params["run_id"], request.path_params["name"])
        stored = self._state.store.attachments.get(key)
        if stored is None:
            raise Refusal(404, "Attachment not found")
        return Response(stored[1], media_type=stored[0])

    def _rows(self, runs: list[StoredRun], select: tuple[str, ...]) -> list[dict[str, Any]]:
        return wire_v1.rows(self._state.store, runs, select, self._state.settings.tenant_id)
