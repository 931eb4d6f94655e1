"""Deletion: traces and projects with all that hangs on them. No reader is told that they were there.

The request is that of LangSmith's page data-purging-compliance.
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from trajworker.simulator.asking import body_of, moment
from trajworker.simulator.merge import Intake
from trajworker.simulator.problems import json_response, unprocessable
from trajworker.simulator.selection import Query
from trajworker.simulator.state import State
from trajworker.simulator.store import Entry, Project
from trajworker.simulator.stored_run import StoredRun

QUEUED = 202
MAX_TRACES = 1000
"""Documented limit of one request."""
_NOTHING_NAMED = "give session_id and trace_ids, or metadata, or start_time and end_time"


class Eraser:
    """Takes traces and projects out of a state; what comes again afterwards begins anew."""

    def __init__(self, state: State, intake: Intake) -> None:
        self._state = state
        self._store = state.store
        self._intake = intake

    def trace(self, trace_id: str, project_id: str | None = None) -> None:
        """Delete a trace, or only its runs in one project."""
        gone = [entry for entry in self._store.trace(trace_id) if project_id in (None, entry.place.session_id)]
        self._forget(gone)
        for entry in gone:
            self._store.remove(entry)

    def project(self, project: Project) -> None:
        """Delete a project with its runs and all feedback on it."""
        self._forget(self._store.timeline(project.id))
        self._intake.forget_project(project.id)
        for row in list(self._store.feedback.values()):
            if row["session_id"] == project.id:
                self._store.drop_feedback(row["id"])
        self._store.drop_project(project)

    def _forget(self, gone: list[Entry]) -> None:
        """What is known of runs besides the runs. Before they leave the store: sums above them are corrected there."""
        ids = {entry.id for entry in gone}
        for entry in gone:
            self._intake.forget(entry)
            for feedback_id in list(self._store.feedback_of_run.get(entry.id, ())):
                self._store.drop_feedback(feedback_id)
        for key in [key for key in self._store.attachments if key[0] in ids]:
            del self._store.attachments[key]


class _Condemned(msgspec.Struct, kw_only=True):
    """Body of POST `/runs/delete`: traces of a project, or of a range of time, or with any of these metadata."""

    session_id: str | None = None
    trace_ids: list[str] | None = None
    metadata: dict[str, Any] | None = None
    start_time: str | None = None
    end_time: str | None = None


class ErasingRoutes:
    """Handlers that delete runs."""

    def __init__(self, state: State, eraser: Eraser) -> None:
        self._state = state
        self._eraser = eraser

    async def delete_runs(self, request: Request) -> Response:
        """POST /runs/delete. LangSmith queues it for a quiet hour; here it is done when the answer comes."""
        asked = body_of(request, _Condemned)
        if asked.trace_ids and asked.session_id and len(asked.trace_ids) > MAX_TRACES:
            raise unprocessable(("body", "trace_ids"), f"List should have at most {MAX_TRACES} items", "too_long")
        for trace_id in self._condemned(asked):
            self._eraser.trace(trace_id, asked.session_id)
        return json_response({"message": "Run deletes queued"}, QUEUED)

    def _condemned(self, asked: _Condemned) -> list[str]:
        if asked.trace_ids and asked.session_id:
            return asked.trace_ids
        if asked.trace_ids or not (asked.metadata or (asked.start_time and asked.end_time)):
            raise unprocessable(("body",), _NOTHING_NAMED, "missing")
        query = Query(
            projects=None if asked.session_id is None else (asked.session_id,),
            is_root=True,
            start_low_us=moment(asked.start_time, "start_time"),
            start_high_us=moment(asked.end_time, "end_time"),
        )
        roots = self._state.select(query, None, None).runs
        return [root.trace_id for root in roots if not asked.metadata or _has_any(root, asked.metadata)]


def _has_any(root: StoredRun, wanted: dict[str, Any]) -> bool:
    metadata = root.metadata()
    return any(
        key in metadata and metadata[key] in (values if isinstance(values, list) else [values])
        for key, values in wanted.items()
    )
