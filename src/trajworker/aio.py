"""The library for code that runs in an event loop: `Client`, and the verbs of seed 002 on a client of the module's own.

Use `trajworker.aio` as `trajworker` itself, with `await` before each call; both are the same code.
"""

import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import aclosing
from pathlib import Path

import anyio.to_thread

from trajworker.api.arguments import When, known_limit, point_in_time
from trajworker.api.bulk import bulk_trajectories
from trajworker.api.bulk_request import Bulk
from trajworker.api.connecting import Connector
from trajworker.api.failures import ImportIncomplete
from trajworker.api.fidelity import faithful_line
from trajworker.api.finding import find_conversations
from trajworker.api.identity import known_redactor
from trajworker.api.importing import Import, Importer, Wanted, ids_of
from trajworker.api.lines import open_lines
from trajworker.api.listing import ConversationSummary
from trajworker.api.options import STORAGE_DIR, Connection, Options, options_of
from trajworker.api.redaction import configured_redactor
from trajworker.api.saving import Documents, Format, folder_of, published_lines, refuse_unknown_format, trajectories_in
from trajworker.errors import NotInitialised
from trajworker.model.times import AHEAD, EARLIEST, moment_at
from trajworker.ports import Slice
from trajworker.redaction import BasePiiRedactor
from trajworker.trajectory import Trajectory

__all__ = ["Client", "import_conversations", "init", "iter_conversations", "list_conversations", "save"]


class Client:
    """One project of one provider, read asynchronously. Clients hold nothing open: make as many as you like.

    Args:
        provider: `"langsmith"`.
        api_key: the provider's key; without it LANGSMITH_API_KEY, then LANGCHAIN_API_KEY of the environment.
        project_id: name or id of the project.
        storage_dir: folder for staging files, made when something is staged (0700; the files 0600); without it
            `library.storage_dir` of the configuration.
        debug: log what happens to stderr; never transcripts, never the key.
        endpoint: the server, without it LANGSMITH_ENDPOINT, then LangSmith's cloud.
        workspace_id: needed for keys that see several workspaces.

    Raises:
        ConfigError: no key, no project, an unknown provider, an endpoint that is none.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the signature of seed 002
        self,
        provider: str = "langsmith",
        api_key: str | None = None,
        project_id: str | None = None,
        storage_dir: str | os.PathLike[str] = STORAGE_DIR,
        debug: bool = False,  # noqa: FBT001, FBT002 - the signature of seed 002
        endpoint: str | None = None,
        workspace_id: str | None = None,
    ) -> None:
        given = Connection(
            provider=provider,
            api_key=api_key,
            project_id=project_id,
            storage_dir=storage_dir,
            debug=debug,
            endpoint=endpoint,
            workspace_id=workspace_id,
        )
        self._connector = Connector(options_of(given))

    @classmethod
    def of(cls, options: Options) -> "Client":
        """A client for settings that were read elsewhere, as the command line does."""
        client = cls.__new__(cls)
        client._connector = Connector(options)  # noqa: SLF001 - its own
        return client

    async def list_conversations(
        self, limit: int | None = 50, since: When | None = None, until: When | None = None
    ) -> list[ConversationSummary]:
        """The conversations seen last, newest first, each with all its turns; `limit` None for all there are.

        They are told as far as root runs tell; see `ConversationSummary`. What they are is decided by importing them.

        `since` and `until` bound the start of turns: only those within count, and only conversations that have any.

        Raises:
            ConfigError: a limit below 0, a time that is none.
            ProjectNotFound, NotAllowed, SourceUnavailable: as their names say.
        """
        limit = known_limit(limit)
        start, end = point_in_time(since, "since"), point_in_time(until, "until")
        if limit == 0:
            return []
        async with self._connector.source() as connected:
            now = await connected.view.source.now()
            start = EARLIEST if start is None else moment_at(start, now)
            end = now + AHEAD if end is None else moment_at(end, now)
            part = Slice(project_id=connected.project.id, start=start, end=end)
            return await find_conversations(connected.view, part, limit) if part.start < part.end else []

    async def iter_conversations(
        self,
        conversations: Iterable[Wanted] | Wanted | None = None,
        bulk: bool = False,  # noqa: FBT001, FBT002 - the signature of seed 002
        source: str | os.PathLike[str] | None = None,
        stage: bool = True,  # noqa: FBT001, FBT002 - same
        redactor: BasePiiRedactor | None = None,
    ) -> AsyncGenerator[Trajectory, None]:
        """As `import_conversations`, one after the other: for what does not fit in memory.

        Left before its end it holds its staging until it is closed: `async with contextlib.aclosing(...)`.

        Raises:
            ImportIncomplete: after the last trajectory, naming the conversations that could not be had.
        """
        ids, redactor, options = ids_of(conversations), known_redactor(redactor), self._connector.options
        from_file = bulk or source is not None
        if redactor is None:  # nothing of a file is kept, so no secret is for its sake
            redactor = configured_redactor(options, stage=stage and not from_file)
        if from_file:
            found = bulk_trajectories(Bulk.of(source, options, ids, stage=stage, redactor=redactor))
        else:
            found = Importer(self._connector).trajectories(Import(conversations=ids, stage=stage, redactor=redactor))
        async with aclosing(found):
            async for trajectory in found:
                yield trajectory

    async def import_conversations(
        self,
        conversations: Iterable[Wanted] | Wanted | None = None,
        bulk: bool = False,  # noqa: FBT001, FBT002 - the signature of seed 002
        source: str | os.PathLike[str] | None = None,
        stage: bool = True,  # noqa: FBT001, FBT002 - same
        redactor: BasePiiRedactor | None = None,
    ) -> list[Trajectory]:
        """One trajectory per conversation, in the order asked for; without `conversations` all of them, newest first.

        Args:
            conversations: ids (of threads, or of traces), or summaries; None for all of the project, within
                `source.since` and `source.until` where the configuration bounds them.
            bulk: read an export file instead of asking the API.
            source: the file or folder, required with `bulk`; where it is given, it is read without `bulk` too.
            stage: keep what was read in `storage_dir`, so that what did not change is not fetched again.
            redactor: masks every text before it is staged, and so before anything touches disk; ids, those of threads
                too, stay as they are. Without it the one that `redaction.mode` of the configuration asks for.

        Raises:
            ConversationNotFound: names every unknown id; nothing was fetched.
            ImportIncomplete: names what could not be read or masked, and holds the rest.
            ConfigError, SourceError, StagingError: as their names say.
        """
        found: list[Trajectory] = []
        try:
            async for one in self.iter_conversations(conversations, bulk, source, stage, redactor):
                found.append(one)  # noqa: PERF401 - what came before an error is kept
        except ImportIncomplete as incomplete:
            raise ImportIncomplete(incomplete.failures, found) from None
        return found


_clients: list[Client] = []
"""The client that `init` made, if it did."""


def init(  # noqa: PLR0913, PLR0917 - the signature of seed 002
    provider: str = "langsmith",
    api_key: str | None = None,
    project_id: str | None = None,
    storage_dir: str | os.PathLike[str] = STORAGE_DIR,
    debug: bool = False,  # noqa: FBT001, FBT002 - the signature of seed 002
    endpoint: str | None = None,
    workspace_id: str | None = None,
) -> Client:
    """Configure the library (seed 002); the arguments are those of `Client`. Returns the client, for those who want it.

    Raises:
        ConfigError: as `Client`.
    """
    _clients[:] = [Client(provider, api_key, project_id, storage_dir, debug, endpoint, workspace_id)]
    return _clients[0]


def configured() -> Client:
    """The client of the module; raises NotInitialised before `init`."""
    if not _clients:
        raise NotInitialised("call trajworker.init(api_key=..., project_id=...) first, or use a Client of your own")
    return _clients[0]


async def list_conversations(
    limit: int | None = 50, since: When | None = None, until: When | None = None
) -> list[ConversationSummary]:
    """See `Client.list_conversations`."""
    return await configured().list_conversations(limit, since, until)


def iter_conversations(
    conversations: Iterable[Wanted] | Wanted | None = None,
    bulk: bool = False,  # noqa: FBT001, FBT002 - the signature of seed 002
    source: str | os.PathLike[str] | None = None,
    stage: bool = True,  # noqa: FBT001, FBT002 - same
    redactor: BasePiiRedactor | None = None,
) -> AsyncGenerator[Trajectory, None]:
    """See `Client.iter_conversations`."""
    return configured().iter_conversations(conversations, bulk, source, stage, redactor)


async def import_conversations(
    conversations: Iterable[Wanted] | Wanted | None = None,
    bulk: bool = False,  # noqa: FBT001, FBT002 - the signature of seed 002
    source: str | os.PathLike[str] | None = None,
    stage: bool = True,  # noqa: FBT001, FBT002 - same
    redactor: BasePiiRedactor | None = None,
) -> list[Trajectory]:
    """See `Client.import_conversations`."""
    return await configured().import_conversations(conversations, bulk, source, stage, redactor)


async def save(
    trajectories: Trajectory | Iterable[Trajectory] | AsyncIterable[Trajectory],
    output_dir: str | os.PathLike[str],
    format: Format = "json",  # noqa: A002 - the word users know
) -> list[Path]:
    """As `trajworker.save`; what `iter_conversations` hands out may be given as it is. It needs no `init`."""
    refuse_unknown_format(format)
    folder, found = folder_of(output_dir), _each(trajectories)
    if format == "json":
        return [path async for path in _documents(found, folder)]
    async with open_lines(folder) as writer:
        async for one in found:
            await writer.add(faithful_line(one))
    return await anyio.to_thread.run_sync(published_lines, folder)


async def _documents(found: AsyncIterable[Trajectory], folder: Path) -> AsyncIterator[Path]:
    documents = Documents(folder)
    async for one in found:
        yield await anyio.to_thread.run_sync(documents.add, one, faithful_line(one))


async def _each(given: Trajectory | Iterable[Trajectory] | AsyncIterable[Trajectory]) -> AsyncIterator[Trajectory]:
    if isinstance(given, AsyncIterable):
        async for one in given:
            yield one
        return
    for one in trajectories_in(given):
        yield one
