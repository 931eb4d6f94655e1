"""Finds projects by name, id or pattern (`GET /sessions`, langsmith-api.md section 2.3)."""

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec
from msgspec import Struct

from trajworker.decoding import REFUSED
from trajworker.errors import ProjectNotFound
from trajworker.model.run import Project, is_uuid
from trajworker.sources.asking.client import Ask, Client
from trajworker.sources.asking.failure import Failure, Kind
from trajworker.sources.asking.transport import Request
from trajworker.sources.wires.reading import NotAPage

PATH = "/api/v1/sessions"
PAGE = 100
"""Projects a request; the server takes no more."""
MOST_LISTED = 10_000
"""Projects looked at for a pattern."""
MOST_NEAR = 1_000
"""Projects looked at for near names."""
_WILD = "*?["
_UNKNOWN_ID = (400, 404, 422)


class _Session(Struct):
    id: str
    name: str


class Projects:
    """The projects of a workspace."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def find(self, names: Sequence[str]) -> list[Project]:
        """Projects by name, id or pattern, each once, in the order asked for.

        Raises:
            ProjectNotFound: naming all that are missing, with near names.
            Failure: the server does not answer usably.
        """
        found: dict[str, Project] = {}
        missing: list[str] = []
        for name in dict.fromkeys(names):
            projects = await self._matching(name)
            if not projects:
                missing.append(name)
            found |= {project.id: project for project in projects}
        if missing:
            raise ProjectNotFound(await self._advice(missing))
        return list(found.values())

    async def _matching(self, name: str) -> list[Project]:
        if is_uuid(name):
            return await self._by_id(name)
        named = await self._list((("name", name),), 1)
        exact = [project for project in named if project.name == name]
        # A server that answers with another project does not look for whole names: look ourselves.
        if exact or not (named or any(sign in name for sign in _WILD)):
            return exact
        return [project for project in await self._list((), MOST_LISTED) if fnmatchcase(project.name, name)]

    async def _by_id(self, project_id: str) -> list[Project]:
        request = Request(path=f"{PATH}/{project_id}", params=(("include_stats", "false"),))
        try:
            session = await self._client.ask(Ask(request=request, tier="other", understand=_session))
        except Failure as failure:
            if failure.kind is Kind.STATUS and failure.status in _UNKNOWN_ID:
                return []
            raise
        return [_project(session)]

    async def _list(self, params: tuple[tuple[str, str], ...], most: int) -> list[Project]:
        projects: list[Project] = []
        while len(projects) < most:
            limit = min(PAGE, most - len(projects))
            paging = (("limit", str(limit)), ("offset", str(len(projects))), ("include_stats", "false"))
            request = Request(path=PATH, params=(*params, *paging))
            sessions = await self._client.ask(Ask(request=request, tier="other", understand=_sessions))
            projects += [_project(session) for session in sessions]
            if len(sessions) < limit:
                break
        return projects

    async def _advice(self, missing: list[str]) -> str:
        known = [project.name for project in await self._list((), MOST_NEAR)]
        lines = []
        for name in missing:
            near = difflib.get_close_matches(name, known, n=3)
            hint = f" Did you mean {', '.join(map(repr, near))}?" if near else ""
            lines.append(f"There is no project {name!r} in this workspace.{hint}")
        if not known:
            lines.append("The key sees no project at all: check source.workspace_id.")
        return " ".join(lines)


def _project(session: _Session) -> Project:
    return Project(id=session.id, name=session.name)


def _session(content: bytes) -> _Session:
    try:
        return msgspec.json.decode(content, type=_Session)
    except REFUSED:
        raise NotAPage("no project") from None


def _sessions(content: bytes) -> list[_Session]:
    try:
        return msgspec.json.decode(content, type=list[_Session])
    except REFUSED:
        raise NotAPage("no list of projects") from None
