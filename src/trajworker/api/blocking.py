"""The library for code that waits: the names of seed 002 as thin faces over `trajworker.aio`.

One loop runs in a thread of its own for the whole process, so that a blocking call works wherever it is made: in a
script, in a notebook whose loop is running, in any thread.
"""

import atexit
import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import anyio
from anyio.from_thread import BlockingPortal

from trajworker import aio
from trajworker.api.arguments import When
from trajworker.api.fidelity import faithful_line
from trajworker.api.importing import Wanted
from trajworker.api.lines import open_lines
from trajworker.api.listing import ConversationSummary
from trajworker.api.options import STORAGE_DIR
from trajworker.api.saving import Documents, Format, folder_of, published_lines, refuse_unknown_format, trajectories_in
from trajworker.redaction import BasePiiRedactor
from trajworker.trajectory import Trajectory

T = TypeVar("T")


class _Loop:
    """The loop that blocking calls run in; begun by the first of them, and anew in a forked process."""

    _lock: threading.Lock
    _portal: BlockingPortal | None
    _thread: threading.Thread | None

    def __init__(self) -> None:
        self._begin_anew()
        os.register_at_fork(after_in_child=self._begin_anew)
        atexit.register(self._close)

    def run(self, function: Callable[[], Awaitable[T]]) -> T:
        """Wait for a coroutine function; an interrupt cancels it, and comes out once that has ended."""
        ended = threading.Event()

        async def to_its_end() -> T:
            try:
                return await function()
            finally:
                ended.set()

        task = self.portal().start_task_soon(to_its_end)
        try:
            return task.result()
        except BaseException:
            task.cancel()
            ended.wait()  # what it works on is closed next
            raise

    def portal(self) -> BlockingPortal:
        """The way into the loop."""
        with self._lock:
            if self._portal is None:
                # Not anyio's start_blocking_portal: in a forked process, where no thread but the forking one lives on,
                # its clean-up would wait for this one for ever, whether the process goes on or ends.
                ready: Future[BlockingPortal] = Future()
                self._thread = threading.Thread(target=_serve, args=(ready,), name="trajworker", daemon=True)
                self._thread.start()
                self._portal = ready.result()
            return self._portal

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._portal = self._thread = None

    def _close(self) -> None:
        if self._portal is not None and self._thread is not None:
            self._portal.call(self._portal.stop)
            self._thread.join()
        self._portal = None


def _serve(ready: "Future[BlockingPortal]") -> None:
    """Run a loop until its portal is stopped."""

    async def serve() -> None:
        async with BlockingPortal() as portal:
            ready.set_result(portal)
            await portal.sleep_until_stopped()

    try:
        anyio.run(serve)
    except BaseException as error:
        if ready.done():
            raise
        ready.set_exception(error)  # whoever waits would wait for ever


_LOOP = _Loop()


class Client:
    """One project of one provider, read by calls that wait. See `trajworker.aio.Client`, of which this is the face."""

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
        self._client = aio.Client(provider, api_key, project_id, storage_dir, debug, endpoint, workspace_id)

    @classmethod
    def of(cls, client: aio.Client) -> "Client":
        """The face of a client."""
        face = cls.__new__(cls)
        face._client = client  # noqa: SLF001 - its own
        return face

    def list_conversations(
        self, limit: int | None = 50, since: When | None = None, until: When | None = None
    ) -> list[ConversationSummary]:
        """See `trajworker.aio.Client.list_conversations`."""
        return _LOOP.run(lambda: self._client.list_conversations(limit, since, until))

    def iter_conversations(
        self,
        conversations: Iterable[Wanted] | Wanted | None = None,
        bulk: bool = False,  # noqa: FBT001, FBT002 - the signature of seed 002
        source: str | os.PathLike[str] | None = None,
        stage: bool = True,  # noqa: FBT001, FBT002 - same
        redactor: BasePiiRedactor | None = None,
    ) -> Iterator[Trajectory]:
        """See `trajworker.aio.Client.iter_conversations`."""
        found = self._client.iter_conversations(conversations, bulk, source, stage, redactor)
        try:
            while (one := _LOOP.run(lambda: anext(found, None))) is not None:
                yield one
        finally:
            _LOOP.run(found.aclose)

    def import_conversations(
        self,
        conversations: Iterable[Wanted] | Wanted | None = None,
        bulk: bool = False,  # noqa: FBT001, FBT002 - the signature of seed 002
        source: str | os.PathLike[str] | None = None,
        stage: bool = True,  # noqa: FBT001, FBT002 - same
        redactor: BasePiiRedactor | None = None,
    ) -> list[Trajectory]:
        """See `trajworker.aio.Client.import_conversations`."""
        return _LOOP.run(lambda: self._client.import_conversations(conversations, bulk, source, stage, redactor))


def save(
    trajectories: Trajectory | Iterable[Trajectory],
    output_dir: str | os.PathLike[str],
    format: Format = "json",  # noqa: A002 - the word users know
) -> list[Path]:
    """Write trajectories as they come, any iterable of them, and return the files; `trajworker.load` reads them back.

    `json` is `{output_dir}/{conversation_id}.json` for each (seed 002), written atomically, in place of all that an
    earlier call wrote for the same conversation; ids that are no safe names are percent-encoded. Of one call each has a
    file of its own: where an id comes again, `{conversation_id}~2.json`; a conversation of another project never takes
    the place of one, it is `{conversation_id}~{digest}.json`. Those without an id are
    `unnamed~{digest}.json`, the digest that of their content, so that none takes another's place. `jsonl` is the
    worker's format: files of lines with manifests, in a folder that holds none yet.

    Raises:
        ConfigError: another format, no trajectory, or one that would not load back equal (nan, a lone surrogate, a
            tuple among arguments, a field of another type); names the place. What came before it is saved.
        SinkError, PathNotAllowed: the folder cannot or must not be written.
    """
    refuse_unknown_format(format)
    folder, found = folder_of(output_dir), trajectories_in(trajectories)
    if format == "json":
        documents = Documents(folder)
        return [documents.add(one, faithful_line(one)) for one in found]
    portal = _LOOP.portal()
    with portal.wrap_async_context_manager(open_lines(folder)) as writer:
        for one in found:
            portal.call(writer.add, faithful_line(one))
    return published_lines(folder)


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
        ConfigError: no key, no project, an unknown provider, an endpoint that is none.
    """
    return Client.of(aio.init(provider, api_key, project_id, storage_dir, debug, endpoint, workspace_id))


def list_conversations(
    limit: int | None = 50, since: When | None = None, until: When | None = None
) -> list[ConversationSummary]:
    """See `trajworker.aio.Client.list_conversations`; raises NotInitialised before `init`."""
    return Client.of(aio.configured()).list_conversations(limit, since, until)


def iter_conversations(
    conversations: Iterable[Wanted] | Wanted | None = None,
    bulk: bool = False,  # noqa: FBT001, FBT002 - the signature of seed 002
    source: str | os.PathLike[str] | None = None,
    stage: bool = True,  # noqa: FBT001, FBT002 - same
    redactor: BasePiiRedactor | None = None,
) -> Iterator[Trajectory]:
    """See `trajworker.aio.Client.iter_conversations`; raises NotInitialised before `init`."""
    return Client.of(aio.configured()).iter_conversations(conversations, bulk, source, stage, redactor)


def import_conversations(
    conversations: Iterable[Wanted] | Wanted | None = None,
    bulk: bool = False,  # noqa: FBT001, FBT002 - the signature of seed 002
    source: str | os.PathLike[str] | None = None,
    stage: bool = True,  # noqa: FBT001, FBT002 - same
    redactor: BasePiiRedactor | None = None,
) -> list[Trajectory]:
    """See `trajworker.aio.Client.import_conversations`; raises NotInitialised before `init`."""
    return Client.of(aio.configured()).import_conversations(conversations, bulk, source, stage, redactor)
