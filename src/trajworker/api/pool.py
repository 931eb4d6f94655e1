"""Folds exported conversations on every core, in the order they come.

The processes are started first, so that they are ready when the first conversations are.

The workers are processes of their own program over pipes, not forks of the caller's: a library cannot know which
threads and locks it would copy, nor import the caller's main module twice.
"""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from queue import SimpleQueue
from signal import strsignal
from typing import IO, Any, Self, cast

import msgspec

from trajworker.api.failures import FoldProcessEnded
from trajworker.api.fold_process import AssembledLine, decode_lines, lines_of, read_frame, write_frame
from trajworker.assembly import FoldSettings

POOL_BYTES = 512 * 1024
"""Exports smaller than this, some thousand rows, are done before a process has started."""
MOST_PROCESSES = 8
ENDS_WITHIN_S = 5.0
"""A process that closed its pipes has ended by then, unless something keeps it."""
AHEAD = 2
"""Batches per process that are under way or done before they are asked for."""


FoldBatches = Callable[[Iterator[Any]], Iterator[AssembledLine]]
"""From Arrow batches of whole conversations to their lines, in order."""


@contextmanager
def open_pool(size_bytes: int, settings: FoldSettings) -> Iterator[FoldBatches]:
    """Fold an export of so many bytes, in processes of their own where it is worth it."""
    cores = _cores()
    if size_bytes < POOL_BYTES or cores == 1 or not sys.executable:
        yield lambda batches: (line for batch in batches for line in lines_of(ipc_of(batch), settings))
        return
    with _Pool(min(cores, MOST_PROCESSES), settings) as pool:
        yield pool.folded


def _cores() -> int:
    """How many cores this process may use; all of the machine's where the system does not say (macOS)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ipc_of(batch: Any) -> memoryview:  # noqa: ANN401 - pyarrow has no types
    """An Arrow batch as bytes."""
    pa = import_module("pyarrow")
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return memoryview(sink.getvalue())


class _Pool:
    """Processes that fold, each driven by a thread that waits for it."""

    def __init__(self, size: int, settings: FoldSettings) -> None:
        self._size = size
        self._settings = msgspec.msgpack.encode(settings)
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self._stack = ExitStack()
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="trajworker-fold")

    def __enter__(self) -> Self:
        paths = os.pathsep.join(path for path in sys.path if path)
        for _ in range(self._size):
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "trajworker.api.fold_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": paths},
            )
            self._stack.callback(_end, process)
            with suppress(BrokenPipeError):  # it is told of with the first batch
                write_frame(_pipe(process.stdin), self._settings)
            self._idle.put(process)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._stack.close()
        self._threads.shutdown()

    def folded(self, batches: Iterator[Any]) -> Iterator[AssembledLine]:
        """The lines of batches, in order; some batches are folded ahead."""
        under_way: deque[Future[list[AssembledLine]]] = deque()
        for batch in batches:
            under_way.append(self._threads.submit(self._fold, batch))
            while len(under_way) > self._size * AHEAD:
                yield from under_way.popleft().result()
        while under_way:
            yield from under_way.popleft().result()

    def _fold(self, batch: Any) -> list[AssembledLine]:  # noqa: ANN401 - pyarrow has no types
        process = self._idle.get()
        try:
            write_frame(_pipe(process.stdin), ipc_of(batch))
            answer = read_frame(_pipe(process.stdout))
        except (BrokenPipeError, ValueError):
            answer = None
        self._idle.put(process)
        if answer is None:
            raise FoldProcessEnded(
                f"a process that assembles conversations ended before its time ({_how_ended(process)}); import again, "
                "and where it was killed for lack of memory, fewer conversations at once"
            )
        return decode_lines(answer)


def _how_ended(process: subprocess.Popen[bytes]) -> str:
    """The signal or the exit status of a process that closed its pipes."""
    try:
        status = process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        return "it closed its pipes"
    if status >= 0:
        return f"exit status {status}"
    return f"signal {-status}, {strsignal(-status) or 'unknown'}"


def _pipe(stream: IO[bytes] | None) -> Any:  # noqa: ANN401 - a raw pipe, written in one piece
    return cast("IO[bytes]", stream)


def _end(process: subprocess.Popen[bytes]) -> None:
    """An idle process ends by itself when there are no more frames; one at work is ended."""
    with suppress(BrokenPipeError, ValueError):
        _pipe(process.stdin).close()
    process.kill()
    _pipe(process.stdout).close()
    process.wait()
