"""Projects (`sessions` in v1): made, listed, read, changed and deleted."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trajworker.simulator import instants
from trajworker.simulator.asking import body_of, moment
from trajworker.simulator.erasing import Eraser
from trajworker.simulator.problems import Refusal, json_response, unprocessable
from trajworker.simulator.state import State
from trajworker.simulator.stats import run_stats
from trajworker.simulator.store import Project

MAX_LIMIT = 100
_TAKEN = "Session already exists."


class _Told(msgspec.Struct, kw_only=True):
    """What a body tells; null tells nothing, since the SDK sends it for whatever it was not given."""

    description: str | None = None
    extra: dict[str, Any] | None = None
    end_time: str | None = None
    trace_tier: str | None = None


class _Changes(_Told, kw_only=True):
    """Body of PATCH `/sessions/{id}`."""

    name: str | None = None


class _New(_Told, kw_only=True):
    """Body of POST `/sessions`."""

    name: str
    id: str | None = None
    reference_dataset_id: str | None = None


class ProjectRoutes:
    """Handlers of `/sessions` over one state."""

    def __init__(self, state: State, eraser: Eraser) -> None:
        self._state = state
        self._eraser = eraser

    async def listing(self, request: Request) -> Response:
        """GET /sessions: a bare array, empty where nothing fits."""
        params = request.query_params
        limit = _whole(params.get("limit", "100"), "limit", 1, MAX_LIMIT)
        offset = _whole(params.get("offset", "0"), "offset", 0, 1 << 31)
        fitting = [project for project in self._state.store.projects.values() if _fits(project, request)]
        newest_first = params.get("sort_by_desc", "true").lower() != "false"
        fitting.sort(key=self._state.project_start_us, reverse=newest_first)
        stats = params.get("include_stats", "false").lower() == "true"
        return json_response([self._row(project, stats=stats) for project in fitting[offset : offset + limit]])

    async def read(self, request: Request) -> Response:
        """GET /sessions/{id}."""
        return json_response(self._row(self._asked_for(request), stats=True))

    async def create(self, request: Request) -> Response:
        """POST /sessions; with `?upsert=true` a project that is there is changed instead."""
        new = body_of(request, _New)
        store = self._state.store
        known = store.find_project(new.name)
        upsert = request.query_params.get("upsert", "false").lower() == "true"
        if (known is not None and not upsert) or (known is None and new.id in store.projects):
            raise Refusal(409, _TAKEN)
        project = known or store.project_named(new.name, self._state.now_us(), new.id)
        project.reference_dataset_id = new.reference_dataset_id or project.reference_dataset_id
        self._change(project, new)
        return json_response(self._row(project, stats=False))

    async def update(self, request: Request) -> Response:
        """PATCH /sessions/{id}."""
        project = self._asked_for(request)
        self._change(project, body_of(request, _Changes))
        return json_response(self._row(project, stats=False))

    async def delete(self, request: Request) -> Response:
        """DELETE /sessions/{id}: the project, its runs and their feedback."""
        self._eraser.project(self._asked_for(request))
        return json_response({})

    def _asked_for(self, request: Request) -> Project:
        project = self._state.store.projects.get(request.path_params["project_id"])
        if project is None:
            raise Refusal(404, "Project not found")
        return project

    def _change(self, project: Project, changes: _Changes | _New) -> None:
        end_us = moment(changes.end_time, "end_time")
        if changes.name is not None and changes.name != project.name:
            if self._state.store.find_project(changes.name) is not None:
                raise Refusal(409, _TAKEN)
            self._state.store.rename(project, changes.name)
        project.end_us = project.end_us if end_us is None else end_us
        for name in ("description", "extra", "trace_tier"):
            if getattr(changes, name) is not None:
                setattr(project, name, getattr(changes, name))

    def _row(self, project: Project, *, stats: bool) -> dict[str, Any]:
        now_us = self._state.now_us()
        timeline = self._state.store.timeline(project.id)
        newest = next((entry for entry in reversed(timeline) if entry.at(now_us) is not None), None)
        row: dict[str, Any] = {
            "id": project.id,
            "tenant_id": self._state.settings.tenant_id,
            "name": project.name,
            "start_time": instants.naive(self._state.project_start_us(project)),
            "end_time": None if project.end_us is None else instants.naive(project.end_us),
            "description": project.description,
            "extra": project.extra,
            "default_dataset_id": None,
            "reference_dataset_id": project.reference_dataset_id,
            "trace_tier": project.trace_tier,
            "last_run_start_time": None if newest is None else instants.naive(newest.key[0]),
        }
        if stats:
            row |= run_stats([run for entry in timeline if (run := entry.at(now_us)) is not None])
        return row


def _fits(project: Project, request: Request) -> bool:
    params = request.query_params
    ids, metadata = params.getlist("id"), (project.extra or {}).get("metadata")
    free = project.reference_dataset_id is None
    return (
        params.get("name", project.name) == project.name
        and params.get("name_contains", "").lower() in project.name.lower()
        and (not ids or project.id in ids)
        and ("reference_free" not in params or (params["reference_free"].lower() == "true") is free)
        and params.get("reference_dataset", project.reference_dataset_id) == project.reference_dataset_id
        and _holds(metadata, params.get("metadata"))
    )


def _holds(metadata: Any, wanted: str | None) -> bool:  # noqa: ANN401 - any JSON
    """Whether a project's metadata has all that is asked for."""
    if wanted is None:
        return True
    try:
        pairs = msgspec.json.decode(wanted, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise unprocessable(("query", "metadata"), str(error), "json_invalid") from error
    return isinstance(metadata, dict) and pairs.items() <= metadata.items()


def _whole(text: str, name: str, lowest: int, highest: int) -> int:
    if not text.lstrip("-").isdigit() or not lowest <= int(text) <= highest:
        raise unprocessable(("query", name), f"Input should be an integer from {lowest} to {highest}", "int_parsing")
    return int(text)
