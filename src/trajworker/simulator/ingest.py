"""The ingest endpoints: single runs, batches and multipart bodies."""

from typing import Any

import msgspec
from msgspec import Raw
from starlette.requests import Request
from starlette.responses import Response

from trajworker.simulator.asking import BODY
from trajworker.simulator.feedback import store_feedback
from trajworker.simulator.merge import Intake, refusal
from trajworker.simulator.multipart import Part, parts, unpacked
from trajworker.simulator.problems import json_response
from trajworker.simulator.state import State
from trajworker.simulator.stored_run import NULL, decode

ACCEPTED = 202
_FIELDS = frozenset({"inputs", "outputs", "events", "error", "extra", "serialized"})


class _Batch(msgspec.Struct):
    post: list[dict[str, Any]] | None = None
    patch: list[dict[str, Any]] | None = None


class IngestRoutes:
    """Handlers that write."""

    def __init__(self, state: State, intake: Intake) -> None:
        self._state = state
        self._intake = intake

    async def create_run(self, request: Request) -> Response:
        """POST /runs."""
        self._intake.post(_json(_body(request), dict[str, Any]))
        return json_response({"message": "Run created"}, ACCEPTED)

    async def update_run(self, request: Request) -> Response:
        """PATCH /runs/{id}."""
        fields = _json(_body(request), dict[str, Any])
        self._intake.patch(fields | {"id": str(request.path_params["run_id"])})
        return json_response({"message": "Run updated"}, ACCEPTED)

    async def batch(self, request: Request) -> Response:
        """POST /runs/batch."""
        batch = _json(_body(request), _Batch)
        for fields in (*(batch.post or ()), *(batch.patch or ())):
            _require_lineage(fields)
        for fields in batch.post or ():
            self._intake.post(fields)
        for fields in batch.patch or ():
            self._intake.patch(fields)
        return json_response({"message": "Runs batch ingested"}, ACCEPTED)

    async def multipart(self, request: Request) -> Response:
        """POST /runs/multipart."""
        operations, rest = _gather(parts(_body(request), request.headers.get("content-type", "")))
        for (kind, _), fields in operations.items():
            _require_lineage(fields)
            (self._intake.post if kind == "post" else self._intake.patch)(fields)
        for part in rest:
            kind, _, name = part.name.partition(".")
            if kind == "feedback":
                store_feedback(self._state, _json(part.data, dict[str, Any]))
            else:
                run_id, _, label = name.partition(".")
                self._intake.attach(run_id, label, part.content_type, part.data)
        return json_response({}, ACCEPTED)


def _body(request: Request) -> bytes:
    body: bytes = request.scope[BODY]
    return unpacked(body, request.headers.get("content-encoding", ""))


def _json(data: bytes, kind: Any) -> Any:  # noqa: ANN401 - the type is the argument
    try:
        return msgspec.convert(decode(Raw(data)), kind)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise refusal(422, f"invalid body: {error}") from error


def _require_lineage(fields: dict[str, Any]) -> None:
    if not fields.get("trace_id") or not fields.get("dotted_order"):
        raise refusal(422, "trace_id and dotted_order are required in batches")


def _gather(found: list[Part]) -> tuple[dict[tuple[str, str], dict[str, Any]], list[Part]]:
    """Operations put together from their parts, in order of first appearance, and the other parts."""
    operations: dict[tuple[str, str], dict[str, Any]] = {}
    rest = []
    for part in found:
        kind, _, name = part.name.partition(".")
        if kind in ("post", "patch"):
            run_id, _, field = name.partition(".")
            fields = operations.setdefault((kind, run_id), {"id": run_id})
            _add(fields, field, part)
        elif kind in ("attachment", "feedback"):
            rest.append(part)
        else:
            raise refusal(422, f"unexpected part {part.name!r}")
    return operations, rest


def _add(fields: dict[str, Any], field: str, part: Part) -> None:
    if field == "":
        fields.update(_json(part.data, dict[str, Any]))
    elif field in _FIELDS:
        fields[field] = _json(part.data or bytes(NULL), Any)
    else:
        raise refusal(422, f"unexpected part {part.name!r}")
