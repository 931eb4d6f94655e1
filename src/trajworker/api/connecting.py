"""Opens what an import needs: the source, with the redactor before it, and a staging file or none."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from anyio.lowlevel import RunVar
from msgspec import Struct
from msgspec.structs import replace

from trajworker import wiring
from trajworker.api.identity import identity_of
from trajworker.api.options import Options, staging_file
from trajworker.api.source_view import SourceView
from trajworker.errors import ProjectNotFound, StagingOwned
from trajworker.events import ApiChosen, Event
from trajworker.model.run import Project
from trajworker.redaction import BasePiiRedactor
from trajworker.sources.asking.pacing import Paces
from trajworker.sources.langsmith import LangSmithSource
from trajworker.sources.redacting import RedactingSource
from trajworker.staging import MEMORY, Staging, open_staging

MOST_TOLD = 5
"""Projects that an error names."""
_PACES: RunVar[Paces] = RunVar("trajworker_paces")
"""Paces of an event loop: all clients of a loop share what a key is allowed."""


class Connected(Struct, frozen=True):
    """An open source and the project that is read."""

    view: SourceView
    project: Project


class Connector:
    """Opens sources of one project, as often as wanted; remembers what the server speaks and the project's id."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._spoken: str | None = None
        self._project: Project | None = None

    @asynccontextmanager
    async def source(self, redactor: BasePiiRedactor | None = None) -> AsyncIterator[Connected]:
        """The source of the project; raises ProjectNotFound naming near ones, NotAllowed, SourceUnavailable."""
        settings = self.options.settings
        asked = replace(wiring.source_settings(settings), known_api="v2" if self._spoken == "v2" else None)
        paces = _PACES.get(None) or Paces()
        _PACES.set(paces)
        async with LangSmithSource(asked, self._listen, paces=paces) as source:
            if self._project is None:
                found = await source.find_projects([self.options.project])
                self._project = _only(found, self.options.project)
            keys = frozenset(settings.conversation.thread_keys)
            redacting = None if redactor is None else RedactingSource(source, redactor, keys)
            yield Connected(SourceView(source, redacting, self.options.observer), self._project)

    def place(self, project: Project, redactor: BasePiiRedactor | None, *, stage: bool) -> Path | None:
        """The staging file; None for memory only: where it is asked for, or where the redactor cannot be told.

        What one redactor masked must not be taken for what another one would have masked.
        """
        identity = identity_of(redactor)
        return staging_file(self.options, project, identity) if stage and identity is not None else None

    def _listen(self, event: Event) -> None:
        if isinstance(event, ApiChosen):
            self._spoken = event.api
        self.options.observer(event)


def _only(found: Sequence[Project], asked: str) -> Project:
    """The project that was asked for; raises `ProjectNotFound` for a pattern that matches several."""
    if len(found) == 1:
        return found[0]
    names = ", ".join(repr(project.name) for project in found[:MOST_TOLD])
    more = f" and {len(found) - MOST_TOLD:,} more" if len(found) > MOST_TOLD else ""
    raise ProjectNotFound(f"{asked!r} is a pattern and matches {names}{more}: write the name or the id of one project")


@asynccontextmanager
async def staging_at(place: Path | None = None) -> AsyncIterator[Staging]:
    """The staging file, or one in memory that touches no disk; raises StagingBusy where another import has it open."""
    try:
        async with open_staging(place or MEMORY) as staging:
            yield staging
    except StagingOwned:
        raise StagingOwned(
            f"another import stages in {place}: wait until it is done, import without staging (--no-stage, "
            "stage=False), or stage elsewhere (library.storage_dir)"
        ) from None
