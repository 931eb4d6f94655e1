"""An import that is left before its end leaves nothing behind: no thread, no folder with what was staged."""

import gc
import json
import os
import signal
import socket
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

import trajworker as tj
from support.library import KEY, PROJECT, conversation, served

ENDING_S = 2.0
Import = Callable[[tj.aio.Client, Path], AsyncGenerator[tj.Trajectory, None]]


@pytest.fixture(autouse=True)
def unaided() -> Iterator[None]:
    """Nobody collects garbage, which would close what was left sooner or later."""
    gc.disable()
    yield
    gc.enable()


def from_file(client: tj.aio.Client, rows: Path) -> AsyncGenerator[tj.Trajectory, None]:
    return client.iter_conversations(bulk=True, source=rows)


def from_memory(client: tj.aio.Client, _rows: Path) -> AsyncGenerator[tj.Trajectory, None]:
    return client.iter_conversations(stage=False)


@pytest.mark.parametrize("begin", [from_file, from_memory])
async def test_folder_and_thread_are_gone_once_it_is_closed(
    begin: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = conversation("a") + conversation("b")
    (tmp_path / "runs.jsonl").write_text("\n".join(map(json.dumps, runs)), "utf-8")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, runs)
        client = tj.aio.Client(api_key=KEY, project_id=PROJECT, endpoint=url, storage_dir=tmp_path / "staged")
        before = staging_threads()
        found = begin(client, tmp_path / "runs.jsonl")
        async with aclosing(found):
            assert (await anext(found)).task.conversation_id is not None
            theirs = staging_threads() - before
            assert theirs
        for thread in theirs:  # closed, it ends by itself
            thread.join(ENDING_S)
        assert not theirs & staging_threads()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_an_interrupt_while_a_conversation_is_waited_for_comes_out_as_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found = tj.Client(api_key=KEY, project_id=PROJECT, endpoint=url, storage_dir=tmp_path).iter_conversations()
        held: list[socket.socket] = []
        asked = threading.Thread(target=lambda: (held.append(silent.accept()[0]), os.kill(os.getpid(), signal.SIGINT)))
        asked.start()
        with pytest.raises(KeyboardInterrupt):
            next(found)
        asked.join()
        held[0].close()


def staging_threads() -> set[threading.Thread]:
    """Threads but those that anyio keeps for the next one who waits for something."""
    return {one for one in threading.enumerate() if "AnyIO" not in one.name}
