"""The routes of the simulator and the door in front of them."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from trajworker.simulator.door import Door
from trajworker.simulator.erasing import ErasingRoutes
from trajworker.simulator.faults import bare_path
from trajworker.simulator.feedback import FeedbackRoutes
from trajworker.simulator.info import info
from trajworker.simulator.ingest import IngestRoutes
from trajworker.simulator.problems import Refusal, json_response
from trajworker.simulator.projects import ProjectRoutes
from trajworker.simulator.reads_threads import ReadsThreads
from trajworker.simulator.reads_v1 import ReadsV1
from trajworker.simulator.reads_v2 import ReadsV2
from trajworker.simulator.settings import Mode
from trajworker.simulator.simulator import Simulator

NOT_FOUND = 404
_SIMULATED = "this server knows runs, traces, threads, projects and feedback"
Handler = Callable[[Request], Awaitable[Response]]


def build(simulator: Simulator) -> Door:
    """The ASGI application of a simulator."""
    v1, v2 = _v1_routes(simulator), _v2_routes(simulator)
    mounts = [
        Mount("/api/v1", routes=v1),
        Mount("/api/v2", routes=v2),
        Mount("/v2", routes=v2),
        Mount("/api", routes=v1),
        Mount("/", routes=v1),
    ]
    return Door(simulator, Starlette(routes=mounts, exception_handlers={HTTPException: _unrouted}))


async def _unrouted(request: Request, error: Exception) -> Response:
    """404 and 405 of the router, as JSON; a path that nobody serves may be one of LangSmith that is not simulated."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code != NOT_FOUND:
        v2 = bare_path(request.url.path).startswith("/v2/")
        return Refusal(error.status_code, error.detail).response(request.url.path, v2=v2)
    return await _not_simulated(request)


async def _not_simulated(request: Request) -> Response:
    """501, since a 404 would say "there is none" to a client."""
    path = request.url.path
    refusal = Refusal(501, f"{request.method} {path} is not simulated; {_SIMULATED}")
    answer = refusal.response(path, v2=bare_path(path).startswith("/v2/"))
    answer.headers["x-should-retry"] = "false"  # the SDK asks again after any other 5xx
    return answer


def _v1_routes(simulator: Simulator) -> list[Route]:
    reads, feedback = ReadsV1(simulator.state), FeedbackRoutes(simulator.state)
    ingest = IngestRoutes(simulator.state, simulator.intake)
    projects = ProjectRoutes(simulator.state, simulator.eraser)
    erasing = ErasingRoutes(simulator.state, simulator.eraser)
    served = simulator.settings.mode is not Mode.V2

    async def server_info(_request: Request) -> Response:
        return json_response(info(simulator.settings))

    async def healthy(_request: Request) -> Response:
        return json_response({"status": "ok"})

    return [
        _route("/info", "GET", server_info),
        _route("/info/health", "GET", healthy),
        _route("/settings", "GET", reads.workspace),
        _route("/runs", "POST", ingest.create_run),
        _route("/runs/batch", "POST", ingest.batch),
        _route("/runs/multipart", "POST", ingest.multipart),
        _route("/runs/{run_id:uuid}", "PATCH", ingest.update_run),
        _route("/runs/query", "POST", reads.query_runs if served else _gone),
        _route("/runs/stats", "POST", reads.stats if served else _gone),
        _route("/runs/{run_id:uuid}", "GET", reads.read_run if served else _gone),
        _route("/runs/delete", "POST", erasing.delete_runs),
        _route("/sessions", "GET", projects.listing),
        _route("/sessions", "POST", projects.create),
        _route("/sessions/resolutions", "GET", _not_simulated),
        _route("/sessions/{project_id}", "GET", projects.read),
        _route("/sessions/{project_id}", "PATCH", projects.update),
        _route("/sessions/{project_id}", "DELETE", projects.delete),
        _route("/feedback", "GET", feedback.listing),
        _route("/feedback", "POST", feedback.create),
        _route("/feedback/tokens", "GET", _not_simulated),
        _route("/feedback/tokens", "POST", _not_simulated),
        _route("/feedback/{feedback_id}", "GET", feedback.read),
        _route("/feedback/{feedback_id}", "PATCH", feedback.update),
        _route("/feedback/{feedback_id}", "DELETE", feedback.delete),
        _route("/_attachments/{run_id}/{name:path}", "GET", reads.attachment),
    ]


def _v2_routes(simulator: Simulator) -> list[Route]:
    reads, threads = ReadsV2(simulator.state), ReadsThreads(simulator.state)
    if simulator.settings.mode is Mode.V1:
        status = simulator.settings.v2_refusal_status

        async def refuse(_request: Request) -> Response:
            raise Refusal(status, "not served by this backend")

        return [Route("/{path:path}", _answering(refuse, v2=True), methods=["GET", "POST"])]
    return [
        _route("/runs/query", "POST", reads.query_runs, v2=True),
        _route("/runs/{run_id}", "GET", reads.read_run, v2=True),
        _route("/runs/{run_id}/url", "GET", reads.run_url, v2=True),
        _route("/traces/query", "POST", reads.query_traces, v2=True),
        _route("/traces/{trace_id}/runs", "GET", reads.trace_runs, v2=True),
        _route("/threads/query", "POST", threads.query_threads, v2=True),
        _route("/threads/{thread_id:path}/stats", "GET", threads.thread_stats, v2=True),
        _route("/threads/{thread_id:path}/traces", "GET", threads.thread_traces, v2=True),
    ]


def _route(path: str, method: str, handler: Handler, *, v2: bool = False) -> Route:
    return Route(path, _answering(handler, v2=v2), methods=[method])


def _answering(handler: Handler, *, v2: bool) -> Handler:
    """Turn refusals into the words of their generation."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refusal as refusal:
            return refusal.response(request.url.path, v2=v2)

    return answer


async def _gone(_request: Request) -> Response:
    raise Refusal(501, "This endpoint is not supported on this backend. Use the v2 API.")
