"""Corpora on disk: made once from a plan, kept in a temporary folder, loaded by the simulator.

A folder holds `runs.jsonl` and `projects.json` for the simulator, `truth.jsonl` (one line a conversation) and
`corpus.json` with its figures.
"""

import contextlib
import hashlib
import os
import random
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from bench.dialogues import Dialect, Dialogue, Plan, Spread, dialogues
from bench.recording import PROJECT, PROJECT_ID, Recorder

FORMAT: Final = 4
"""One more when the same plan makes other runs than before."""
SMALL_CHARS: Final = 60
LARGE_CHARS: Final = 3000
SIZES: Final = {"xs": 240, "s": 2_000, "m": 24_000, "l": 200_000}
LONG_TURNS: Final = 1_000
WIDE_RUNS: Final = 10_000


class Truth(Struct, frozen=True):
    """What is known of one conversation: digests of its messages in order, and its figures."""

    conversation_id: str
    turns: int
    runs: int
    input_tokens: int
    output_tokens: int
    messages: list[str]
    trace_ids: list[str]


class Figures(Struct, frozen=True):
    """What a corpus holds; `start` and `end` bound the start times of its runs."""

    runs: int
    conversations: int
    turns: int
    messages: int
    row_bytes: int
    start: datetime
    end: datetime


class Corpus(Struct, frozen=True):
    """A corpus on disk."""

    plan: Plan
    folder: Path
    figures: Figures

    def truth(self) -> dict[str, Truth]:
        """By conversation id."""
        lines = (self.folder / "truth.jsonl").read_bytes().splitlines()
        read = (msgspec.json.decode(line, type=Truth) for line in lines)
        return {truth.conversation_id: truth for truth in read}


def sized(size: str, *, large: bool = False, spread: Spread = Spread.DAY) -> Plan:
    """A plan of the three sizes (and `xs` for CI)."""
    payload = "large" if large else "small"
    chars = LARGE_CHARS if large else SMALL_CHARS
    return Plan(name=f"{size}-{payload}-{spread}", runs=SIZES[size], chars=chars, spread=spread)


def long(turns: int, total: int = LONG_TURNS) -> Plan:
    """Conversations of that many turns each, `total` turns together."""
    return Plan(
        name=f"long-{turns}x{total // turns}", turns=turns, conversations=total // turns, dialect=Dialect.OPENAI
    )


def wide(runs: int = WIDE_RUNS) -> Plan:
    """One trace of that many runs."""
    return Plan(name=f"wide-{runs}", runs=runs, wide=True)


def corpus(plan: Plan) -> Corpus:
    """The corpus of a plan, made now unless it is there."""
    key = hashlib.sha256(msgspec.json.encode((FORMAT, plan))).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / "trajworker-bench" / "corpora" / f"{plan.name}-{key}"
    if not (folder / "corpus.json").exists():
        _make(plan, folder)
    return Corpus(plan, folder, msgspec.json.decode((folder / "corpus.json").read_bytes(), type=Figures))


def digest(message: dict[str, Any]) -> str:
    """Of what a message says: role, text, calls with their ids, the call a result answers."""
    calls = [[c.get("id"), c.get("name"), c.get("arguments")] for c in message.get("tool_calls") or ()]
    said = [message["role"], message.get("content") or "", calls, message.get("tool_call_id")]
    return hashlib.blake2b(msgspec.json.encode(said, order="sorted"), digest_size=8).hexdigest()


def _make(plan: Plan, folder: Path) -> None:
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    making.mkdir(parents=True)
    try:
        figures = _write(plan, making)
        (making / "projects.json").write_bytes(msgspec.json.encode({PROJECT: PROJECT_ID}))
        (making / "corpus.json").write_bytes(msgspec.json.encode(figures))
        with contextlib.suppress(OSError):  # somebody else was faster; theirs is the same
            making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _write(plan: Plan, folder: Path) -> Figures:
    rng = random.Random(f"{plan.name}/{plan.seed}")
    runs = turns = messages = size = conversations = 0
    begins: list[str] = []
    with (folder / "runs.jsonl").open("wb") as rows, (folder / "truth.jsonl").open("wb") as truths:
        for dialogue in dialogues(plan):
            recorder = Recorder(dialogue, plan, rng)
            count = 0
            for row in recorder.rows():
                rows.write(row + b"\n")
                size += len(row)
                count += 1
                if count == 1 or b'"parent_run_id":null' in row:
                    begins.append(_start(row))
            begins.append(_start(row))
            truth = _truth(dialogue, recorder, count)
            truths.write(msgspec.json.encode(truth) + b"\n")
            runs, turns, messages = runs + count, turns + truth.turns, messages + len(truth.messages)
            conversations += 1
    return Figures(
        runs,
        conversations,
        turns,
        messages,
        size,
        datetime.fromisoformat(min(begins) + "+00:00"),
        datetime.fromisoformat(max(begins) + "+00:00") + timedelta(hours=1),
    )


def _start(row: bytes) -> str:
    where = row.index(b'"start_time":"') + 14
    return row[where : where + 26].decode()


def _truth(dialogue: Dialogue, recorder: Recorder, runs: int) -> Truth:
    return Truth(
        dialogue.id,
        len(dialogue.turns),
        runs,
        recorder.usage.prompt,
        recorder.usage.completion,
        [digest(message) for message in dialogue.messages()],
        recorder.trace_ids,
    )
