"""For tests of the library: a simulator in a thread of its own, and conversations made for it."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time
from typing import Any

from anyio.from_thread import start_blocking_portal

import trajworker as tj
from trajworker.simulator import Simulator, SimulatorSettings, serve

PROJECT = "support-bot"
START = datetime(2026, 1, 1, tzinfo=UTC)
KEY = "canary-key-0123456789"  # a canary: no key


@contextmanager
def served(
    settings: SimulatorSettings | None = None, now_s: Callable[[], float] = time
) -> Iterator[tuple[Simulator, str]]:
    """A simulator and its URL, for callers that wait."""
    simulator = Simulator(settings or SimulatorSettings(), now_s=now_s)
    with start_blocking_portal("asyncio") as portal, portal.wrap_async_context_manager(serve(simulator)) as url:
        yield simulator, url


def client(url: str, folder: Path, project: str = PROJECT, **more: Any) -> tj.Client:
    """A client for the simulator that stages in a folder."""
    return tj.Client(api_key=KEY, project_id=project, endpoint=url, storage_dir=folder, **more)


def run_id(*named: object) -> str:
    """An id that is the same for the same words."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(map(str, named))))


def turn(
    thread: str | None, number: int, history: Sequence[dict[str, Any]], *, fillers: int = 0, ended: bool = True
) -> list[dict[str, Any]]:
    """The runs of one turn as v1 tells them: a root, `fillers` tools, and the call that saw the history."""
    start = START + timedelta(minutes=10 * number)
    root = run_id(thread or "alone", number)
    metadata = {"thread_id": thread} if thread else {}
    rows = [
        _row("chain", root, None, start, metadata, {"messages": list(history[:-1])}, {"output": history[-1]["content"]})
    ]
    for filler in range(fillers):
        inputs = {"input": f"{{'place': 'p{filler}'}}"}
        rows.append(_row("tool", run_id(root, filler), rows[0], start, metadata, inputs, {"output": f"found {filler}"}))
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    answer = {"choices": [{"message": history[-1], "finish_reason": "stop"}], "usage": usage}
    call = _row("llm", run_id(root, "llm"), rows[0], start, metadata, {"messages": list(history[:-1])}, answer)
    rows.append(call | usage)
    if not ended:
        rows[0] |= {"end_time": None, "status": "pending", "outputs": None}
    return rows


def conversation(thread: str | None, turns: int = 2, said: str = "hello", **more: Any) -> list[dict[str, Any]]:
    """The runs of a conversation in which the user says the same thing in each turn."""
    history: list[dict[str, Any]] = []
    rows = []
    for number in range(turns):
        history += [{"role": "user", "content": said}, {"role": "assistant", "content": f"answer {number} of {thread}"}]
        rows += turn(thread, number, history, **more)
    return rows


def later(rows: list[dict[str, Any]], by: timedelta) -> list[dict[str, Any]]:
    """The same runs so much later."""
    for row in rows:
        for name in ("start_time", "end_time"):
            row[name] = (datetime.fromisoformat(row[name]) + by).isoformat()
    return rows


def _row(  # noqa: PLR0913, PLR0917 - a run has many fields
    kind: str,
    name: str,
    above: dict[str, Any] | None,
    start: datetime,
    metadata: dict[str, Any],
    inputs: Any,
    outputs: Any,
) -> dict[str, Any]:
    segment = start.strftime("%Y%m%dT%H%M%S%fZ") + name
    return {
        "id": name,
        "trace_id": above["trace_id"] if above else name,
        "parent_run_id": above["id"] if above else None,
        "name": "ChatOpenAI" if kind == "llm" else kind,
        "run_type": kind,
        "status": "success",
        "start_time": start.replace(tzinfo=None).isoformat(),
        "end_time": (start + timedelta(seconds=1)).replace(tzinfo=None).isoformat(),
        "dotted_order": f"{above['dotted_order']}.{segment}" if above else segment,
        "inputs": inputs,
        "outputs": outputs,
        "extra": {"metadata": metadata},
        "session_id": run_id(PROJECT),
        "thread_id": metadata.get("thread_id"),
    }
