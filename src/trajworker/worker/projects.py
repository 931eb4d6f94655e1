"""Which projects are read now: asked anew before each cycle, each by itself, so that a lost one stops nobody."""

from collections.abc import Sequence

from msgspec import Struct

from trajworker.errors import NotAllowed, ProjectNotFound, SourceError
from trajworker.model.run import Project
from trajworker.ports import RunSource


class Found(Struct, frozen=True, kw_only=True):
    """Projects to read, and why others cannot be, by the name that was asked for."""

    projects: list[Project] = []
    failed: dict[str, SourceError] = {}


async def find_projects(source: RunSource, names: Sequence[str]) -> Found:
    """Resolve names, ids and patterns; raises the SourceError of a source that answers nobody."""
    projects: dict[str, Project] = {}
    failed: dict[str, SourceError] = {}
    for name in dict.fromkeys(names):
        try:
            projects |= {project.id: project for project in await source.find_projects([name])}
        except (ProjectNotFound, NotAllowed) as error:
            failed[name] = error
    return Found(projects=list(projects.values()), failed=failed)
