"""Killing the reference run at a chosen system call, and the oracle that judges what a restart makes of it.

The kill is injected by strace at the entry of the n-th call of one kind, on one side (staging's files or the sink's).
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import pytest
from msgspec import Struct

from faults import reference_run
from support.published import files_in, lines_in
from trajworker.sinks import JsonlSettings, open_sink, verify
from trajworker.staging import open_staging

REFERENCE = Path(reference_run.__file__)
CALLS = "openat,fsync,fdatasync,pwrite64,write,rename,renameat2,linkat,ftruncate,unlink,unlinkat"
RESTART_LIMIT_S = 2.0
RUN_LIMIT_S = 60
SWEEP = os.environ.get("TRAJWORKER_SWEEP", "")
"""How many points are run: `full` for every one (about 0.6 s each), a number, or as many as CI has time for."""
PARTS = 14


class Point(Struct, frozen=True):
    """The n-th call of a kind, on the side of the sink's files or of all others."""

    call: str
    sink: bool
    number: int

    def __str__(self) -> str:
        return f"{'sink' if self.sink else 'staging'}-{self.call}-{self.number}"


@cache
def why_not_strace() -> str | None:
    """Why kills cannot be injected here; None where they can."""
    strace = shutil.which("strace")
    if strace is None:
        return "strace is missing (apt-get install strace)"
    probe = subprocess.run([strace, "-f", "-e", "trace=fsync", "/bin/true"], capture_output=True, check=False)
    return None if probe.returncode == 0 else "strace may not trace here (ptrace is forbidden)"


needs_strace = pytest.mark.skipif(why_not_strace() is not None, reason=str(why_not_strace()))


def start(folder: Path, *options: str, bug: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the reference program under strace to its end or its death."""
    command = ["strace", "-f", *options, sys.executable, str(REFERENCE), str(folder)]
    return subprocess.run(
        command + ([bug] if bug else []), capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False
    )


def traced(folder: Path, *, bug: str | None = None) -> list[str]:
    """The lines of strace of a run without a crash, with paths instead of descriptors."""
    log = folder.with_suffix(".strace")
    ended = start(folder, "-y", "-o", str(log), "-e", f"trace={CALLS}", bug=bug)
    assert ended.returncode == 0, ended.stderr
    return log.read_text().splitlines()


def kill_at(folder: Path, point: Point, *, bug: str | None = None) -> bool:
    """Run and kill at the point; False where the run ended before it."""
    inject = [
        "-o",
        os.devnull,
        "-e",
        f"trace={point.call}",
        "-e",
        f"inject={point.call}:signal=KILL:when={point.number}",
    ]
    only = [option for path in sink_files(folder) for option in ("-P", str(path))] if point.sink else []
    ended = start(folder, *inject, *only, bug=bug)
    assert ended.returncode in (0, -9, 137), ended.stderr
    return ended.returncode != 0


def sink_files(folder: Path) -> Iterator[Path]:
    """Every file that the sink may write during the reference run."""
    out = folder / "out"
    yield out
    for seq in range(1, PARTS):
        yield out / f".{seq:010}.jsonl.part"
        for stream in ("trajectories", "late"):
            yield out / f".{stream}-{seq:010}.jsonl.manifest.json.scratch"


@cache
def points(scratch: Path) -> list[Point]:
    """Every point at which the reference run can be killed."""
    counts: dict[tuple[str, bool], int] = {}
    for line in traced(scratch):
        if (found := re.match(r"\d+ +(\w+)\((.*)", line)) and found[1] != "openat":
            key = (found[1], "/out" in found[2])
            counts[key] = counts.get(key, 0) + 1
    return [Point(call, sink, number + 1) for (call, sink), count in sorted(counts.items()) for number in range(count)]


def chosen(all_points: list[Point], at_most: int) -> list[Point]:
    """All points in a full sweep, else so many: of each kind some, and over its whole length."""
    if SWEEP == "full":
        return all_points
    at_most = int(SWEEP or at_most)
    by_kind: dict[tuple[str, bool], list[Point]] = {}
    for point in all_points:
        by_kind.setdefault((point.call, point.sink), []).append(point)
    taken: list[Point] = []
    for left, kind in zip(range(len(by_kind), 0, -1), sorted(by_kind.values(), key=len), strict=True):
        share = max(1, (at_most - len(taken)) // left)
        taken += [kind[index * len(kind) // share] for index in range(share)] if share < len(kind) else kind
    return taken


class Crash(Struct, frozen=True):
    """What lay in the output folder when the process died."""

    finals: dict[str, bytes]


def snapshot(folder: Path) -> Crash:
    """Everything with a final name, whether its manifest is there or not."""
    return Crash({path.name: path.read_bytes() for path in (folder / "out").glob("[!.]*")})


def judge(folder: Path, crash: Crash) -> None:
    """Start again, then hold what is published against the ledger, the crash and a run that never crashed."""
    began = time.perf_counter()
    anyio.run(recover, folder)
    assert time.perf_counter() - began < RESTART_LIMIT_S, "recovery took too long"
    anyio.run(reference_run.run, folder)
    after = snapshot(folder).finals
    assert {name: after.get(name) for name in crash.finals} == crash.finals, "a published file changed"
    checked = verify(folder / "out")
    assert checked.problems == ()
    assert all(f"{name}.manifest.json" in after for name in after if not name.endswith(".json"))
    said = [(head[0], head[1]) for head, _ in lines_in(folder / "out")]
    assert len(said) == len(set(said)), "a revision was said twice"
    assert sorted(said) == sorted(anyio.run(ledger, folder)), "the ledger says something else"
    assert newest(folder) == calm(), "what is published is not what a run without a crash publishes"
    assert said_in_order(said)


async def recover(folder: Path) -> None:
    """Open both as a worker does, which brings them to agree."""
    settings = JsonlSettings(out=folder / "out")
    async with open_staging(folder / "staging" / "s.db") as staging, open_sink(staging, settings):
        pass


def said_in_order(said: list[tuple[str, int]]) -> bool:
    """Whether the revisions of each conversation are 1, 2, 3, ... in the order of the files."""
    revisions: dict[str, list[int]] = {}
    for name, revision in said:
        revisions.setdefault(name, []).append(revision)
    return all(found == list(range(1, len(found) + 1)) for found in revisions.values())


def newest(folder: Path) -> dict[str, Any]:
    """Content of the newest revision of each conversation."""
    return {head[0]: content for head, content in lines_in(folder / "out")}


async def ledger(folder: Path) -> list[tuple[str, int]]:
    """Conversation and revision of every emission."""
    async with open_staging(folder / "staging" / "s.db") as staging:
        return await staging._database.read(
            lambda connection: connection.execute(
                "SELECT c.id, e.revision FROM emission e JOIN conversation c ON c.key = e.conversation WHERE NOT e.lost"
            ).fetchall()
        )


_CALM: dict[str, Any] = {}


def calm() -> dict[str, Any]:
    """What a run without a crash publishes last."""
    return _CALM


def rehearse(folder: Path) -> None:
    """Run once without a crash and remember what came of it."""
    folder.mkdir(parents=True)
    anyio.run(reference_run.run, folder)
    _CALM.update(newest(folder))
    assert len(_CALM) == reference_run.CONVERSATIONS
    assert json.dumps(_CALM)
    assert files_in(folder / "out")
