"""The v1 read endpoints: runs, projects, settings, stats."""

from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trajworker.simulator import cursors, instants, wire_v1
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

    async def projects(self, request: Request) -> Response:
        """GET /sessions: a bare array, empty where nothing fits."""
        ask_for = request.query_params
        limit = _whole(ask_for.get("limit", "100"), "limit", 1, MAX_LIMIT)
        offset = _whole(ask_for.get("offset", "0"), "offset", 0, 1 << 31)
        projects = [self._project(project.id, stats=False) for project in self._state.store.projects.values()]
        ids = ask_for.getlist("id")
        kept = [
            row
            for row in projects
            if ("name" not in ask_for or row["name"] == ask_for["name"])
            and ask_for.get("name_contains", "").lower() in row["name"].lower()
            and (not ids or row["id"] in ids)
        ]
        kept.sort(key=lambda row: row["start_time"], reverse=ask_for.get("sort_by_desc", "true").lower() != "false")
        shown = kept[offset : offset + limit]
        if ask_for.get("include_stats", "false").lower() == "true":
            shown = [self._project(row["id"], stats=True) for row in shown]
        return json_response(shown)

    async def project(self, request: Request) -> Response:
        """GET /sessions/{id}."""
        project_id = request.path_params["project_id"]
        if project_id not in self._state.store.projects:
            raise Refusal(404, "Project not found")
        return json_response(self._project(project_id, stats=True))

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

    def _project(self, project_id: str, *, stats: bool) -> dict[str, Any]:
        project = self._state.store.projects[project_id]
        now_us = self._state.now_us()
        row: dict[str, Any] = {
            "id": project.id,
            "tenant_id": self._state.settings.tenant_id,
            "name": project.name,
            "start_time": instants.naive(self._state.project_start_us(project)),
            "end_time": None if project.end_us is None else instants.naive(project.end_us),
            "description": project.description,
            "extra": project.extra,
            "default_dataset_id": None,
            "reference_dataset_id": None,
            "trace_tier": None,
            "last_run_start_time": None,
        }
        timeline = self._state.store.timeline(project_id)
        newest = next((entry for entry in reversed(timeline) if entry.at(now_us) is not None), None)
        if newest is not None:
            row["last_run_start_time"] = instants.naive(newest.key[0])
        if stats:
            runs = [run for entry in timeline if (run := entry.at(now_us)) is not None]
            row |= run_stats(runs)
        return row


def _whole(text: str, name: str, lowest: int, highest: int) -> int:
    if not text.lstrip("-").isdigit() or not lowest <= int(text) <= highest:
        raise unprocessable(("query", name), f"Input should be an integer from {lowest} to {highest}", "int_parsing")
    return int(text)
