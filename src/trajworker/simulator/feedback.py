"""Feedback: scores and comments on runs, posted, listed, changed and deleted."""

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trajworker.simulator import instants
from trajworker.simulator.asking import body_of
from trajworker.simulator.problems import Refusal, json_response, unprocessable
from trajworker.simulator.state import State
from trajworker.simulator.store import FOREVER_US

MAX_LIMIT = 100
_CHANGEABLE = frozenset({"score", "value", "comment", "correction"})


def store_feedback(state: State, document: dict[str, Any]) -> dict[str, Any]:
    """Keep one piece of feedback (posted twice with one id: the later one); the row as it is listed.

    Raises:
        Refusal: 422 without a key, or with times that are none.
    """
    if not isinstance(document.get("key"), str):
        raise unprocessable(("body", "key"), "Field required", "missing")
    try:
        times = {name: instants.parse_optional(document.get(name)) for name in ("created_at", "modified_at")}
    except instants.BadInstant as error:
        raise unprocessable(("body", "created_at"), str(error), "datetime_parsing") from error
    now_us = state.now_us()
    feedback_id = str(document.get("id") or uuid.uuid4())
    run_id = document.get("run_id")
    run = state.visible(str(run_id)) if run_id else None
    row = {
        "id": feedback_id,
        "key": document["key"],
        "score": document.get("score"),
        "value": document.get("value"),
        "comment": document.get("comment"),
        "correction": document.get("correction"),
        "run_id": run_id,
        "trace_id": document.get("trace_id") or (run.trace_id if run else None),
        "session_id": document.get("session_id") or (run.session_id if run else None),
        "start_time": run.start_time if run else document.get("start_time"),
        "is_root": run.is_root if run else None,
        "feedback_source": document.get("feedback_source"),
        **{name: instants.naive(now_us if moment is None else moment) for name, moment in times.items()},
        "feedback_thread_id": document.get("feedback_thread_id"),
        "feedback_group_id": document.get("feedback_group_id"),
        "extra": document.get("extra"),
    }
    if feedback_id not in state.store.feedback and run_id:
        state.store.feedback_of_run.setdefault(str(run_id), []).append(feedback_id)
    state.store.feedback[feedback_id] = row
    return row


class FeedbackRoutes:
    """Handlers of `/feedback` over one state."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def create(self, request: Request) -> Response:
        """POST /feedback."""
        return json_response(store_feedback(self._state, body_of(request, dict[str, Any])))

    async def read(self, request: Request) -> Response:
        """GET /feedback/{id}."""
        return json_response(self._asked_for(request))

    async def update(self, request: Request) -> Response:
        """PATCH /feedback/{id}."""
        row = self._asked_for(request)
        changes = body_of(request, dict[str, Any])
        row |= {name: value for name, value in changes.items() if name in _CHANGEABLE}
        row["modified_at"] = instants.naive(self._state.now_us())
        return json_response(row)

    async def delete(self, request: Request) -> Response:
        """DELETE /feedback/{id}."""
        self._state.store.drop_feedback(self._asked_for(request)["id"])
        return json_response({})

    def _asked_for(self, request: Request) -> dict[str, Any]:
        row = self._state.store.feedback.get(request.path_params["feedback_id"])
        if row is None:
            raise Refusal(404, "Feedback not found")
        return row

    async def listing(self, request: Request) -> Response:
        """GET /feedback: a bare array, oldest first, paged by offset."""
        params = request.query_params
        limit, offset = params.get("limit", str(MAX_LIMIT)), params.get("offset", "0")
        if not limit.isdigit() or not offset.isdigit() or not 1 <= int(limit) <= MAX_LIMIT:
            raise unprocessable(("query", "limit"), f"Input should be from 1 to {MAX_LIMIT}", "less_than_equal")
        window = (_bound(request, "min_created_at", 0), _bound(request, "max_created_at", FOREVER_US))
        rows = [row for row in self._state.store.feedback.values() if _fits(row, request, window)]
        return json_response(rows[int(offset) : int(offset) + int(limit)])


def _bound(request: Request, name: str, otherwise: int) -> int:
    try:
        moment_us = instants.parse_optional(request.query_params.get(name))
    except instants.BadInstant as error:
        raise unprocessable(("query", name), str(error), "datetime_parsing") from error
    return otherwise if moment_us is None else moment_us


def _fits(row: dict[str, Any], request: Request, window: tuple[int, int]) -> bool:
    params = request.query_params
    for name, field in (("run", "run_id"), ("session", "session_id"), ("key", "key")):
        wanted = params.getlist(name)
        if wanted and row[field] not in wanted:
            return False
    sources = params.getlist("source")
    if sources and (row["feedback_source"] or {}).get("type") not in sources:
        return False
    for name, field in (("has_score", "score"), ("has_comment", "comment")):
        if name in params and (row[field] is not None) is not (params[name].lower() == "true"):
            return False
    return window[0] <= instants.parse(row["created_at"]) < window[1]
