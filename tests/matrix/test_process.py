"""A process that is starved: of memory, of a quick disk, of its loop; and a log that a reader holds.

Rows 41, 54, 55, 61 and 68. The worker is a process of its own here, as a pod would run it, so that
what it takes is its own.
"""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from faults.crashing import needs_strace
from matrix.workspace import Workspace, said, turn
from support.published import lines_in
from support.scripted_server import scripted
from support.staged import a_page, a_run
from trajworker.staging import open_staging, read_figures
from trajworker.staging.wal import CHECKPOINT_BYTES

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HEARTBEAT = Path(__file__).with_name("heartbeat.py")
LONGEST_LAG_S = 0.25
RSS_BYTES = 256 * 1024 * 1024
DELAY = "fdatasync,fsync:delay_exit=50000"
OOM_BYTES = 24 * 1024 * 1024
PEAK = """
# A process of its own in between, small itself: a child starts with the peak of whoever forked it.
import resource, subprocess, sys
code = subprocess.call([sys.executable, *sys.argv[1:]])
sys.stderr.write(f"peak {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024}")
sys.exit(code if code >= 0 else 128 - code)
"""
CGROUPS = Path("/sys/fs/cgroup")
LIMITS = {
    "first": (CGROUPS / "memory", {"memory.limit_in_bytes": str(OOM_BYTES)}),
    "second": (CGROUPS, {"memory.max": str(OOM_BYTES), "memory.swap.max": "0"}),
}
"""Where groups are made and what limits them, in both versions of cgroups."""


def bare(url: str, folder: Path) -> list[str]:
    """The worker as it is typed, behind `python`."""
    files = ["--out", str(folder / "out"), "--staging", str(folder / "staging" / "s.db")]
    instantly = ["--settle", "0s", "--idle", "0s"]
    return ["-m", "trajworker", "run", "--once", "--project", "p", "--endpoint", url, *instantly, *files]


def command(url: str, folder: Path) -> list[str]:
    """The worker, measured."""
    return [sys.executable, "-c", PEAK, *bare(url, folder)]


def run(words: list[str]) -> tuple[int, int, str]:
    """Exit code, peak resident memory in bytes (0 where it was killed), and stderr of a process run to its end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LANGSMITH_", "COV"))}
    environment |= {"TRAJWORKER_SOURCE_RATE_SCALE": "1000"}
    ended = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    peak = re.search(r"peak (\d+)$", ended.stderr)
    return ended.returncode, int(peak[1]) if peak else 0, ended.stderr


async def beside(words: list[str]) -> tuple[int, int, str]:
    """The same, while the loop of the test goes on serving."""
    return await anyio.to_thread.run_sync(partial(run, words))


@pytest.mark.slow
async def test_a_page_of_25_mb_does_not_stop_the_heart(tmp_path: Path) -> None:
    said_often = [{"role": "user", "content": "long text, " * 50}] * 44_000
    half_a_pair = {"role": "user", "content": "\ud800, which has the whole page mended run by run"}
    rows = [turn(1, NOW, "small"), {**turn(2, NOW, "large"), "inputs": {"messages": [*said_often, half_a_pair]}}]
    async with scripted(Workspace(rows, NOW + timedelta(hours=1))) as server:
        code, _, told = await beside([sys.executable, str(HEARTBEAT), server.url, str(tmp_path)])
    assert code == 0, told
    assert sorted(said(tmp_path)) == [("large", 1), ("small", 1)]
    assert float(told) <= LONGEST_LAG_S


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_thread_of_100_000_runs_takes_bounded_memory(tmp_path: Path) -> None:
    traces, each = 2_000, 50
    rows = []
    for trace in range(traces):
        at = NOW - timedelta(seconds=traces - trace)
        root = turn(trace * each, at, "endless")
        rows.append(root)
        for number in range(trace * each + 1, (trace + 1) * each):
            child = turn(number, at + timedelta(milliseconds=number % each), "endless", run_type="CHAIN")
            rows.append({**child, "trace_id": root["id"], "parent_run_ids": [root["id"]]})
    async with scripted(Workspace(rows, NOW + timedelta(hours=1))) as server:
        code, rss_bytes, told = await beside(command(server.url, tmp_path))
    assert code == 0, told
    ((name, revision),) = said(tmp_path)
    assert (name, revision) == ("endless", 1)
    assert [len(line["messages"]) for line in lines_in(tmp_path / "out")] == [2 * traces]
    assert read_figures(tmp_path / "staging" / "s.db").projects[0].runs == traces * each
    assert rss_bytes <= RSS_BYTES


@contextmanager
def a_small_group() -> Iterator[Path]:
    """A memory cgroup in which the worker cannot live."""
    parent, limits = LIMITS["first" if (CGROUPS / "memory").is_dir() else "second"]
    group = parent / f"trajworker-{os.getpid()}"
    try:
        group.mkdir()
        for name, limit in limits.items():
            if name != "memory.swap.max" or (group / name).exists():
                (group / name).write_text(limit)
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        pytest.skip(f"no memory cgroup can be made here ({error.strerror})")
    try:
        yield group
    finally:
        group.rmdir()


@pytest.mark.slow
@pytest.mark.root
async def test_a_worker_killed_for_its_memory_goes_on_where_it_stood(tmp_path: Path) -> None:
    rows = [turn(number, NOW, f"t{number}", error="x" * 20_000) for number in range(1_000)]
    async with scripted(Workspace(rows, NOW + timedelta(hours=1))) as server:
        with a_small_group() as group:
            into = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh", sys.executable]
            code, _, told = await beside([*into, *bare(server.url, tmp_path)])
        assert code == -signal.SIGKILL, told
        code, _, told = await beside(command(server.url, tmp_path))
        assert code == 0, told
    assert sorted(said(tmp_path)) == sorted((f"t{number}", 1) for number in range(1_000))


@pytest.mark.slow
@needs_strace
async def test_a_disk_that_syncs_slowly_holds_the_source_back_and_not_the_pages_in_memory(tmp_path: Path) -> None:
    rows = [turn(number, NOW, f"t{number}", error="x" * 30_000) for number in range(500)]
    calm, slow = tmp_path / "calm", tmp_path / "slow"
    async with scripted(Workspace(rows, NOW + timedelta(hours=1))) as server:
        code, calm_bytes, told = await beside(command(server.url, calm))
        assert code == 0, told
        delayed = ["-f", "-qq", "-o", os.devnull, "-e", "trace=fdatasync,fsync", "-e", f"inject={DELAY}"]
        words = ["strace", *delayed, *command(server.url, slow)]
        code, slow_bytes, told = await beside(words)
        assert code == 0, told
    assert sorted(said(slow)) == sorted(said(calm))
    assert 0 < slow_bytes <= 1.3 * calm_bytes


@pytest.mark.slow
async def test_a_reader_that_holds_the_log_costs_space_only_for_as_long_as_it_reads(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    log = path.with_name("s.db-wal")
    big = b'"' + os.urandom(500_000).hex().encode() + b'"'
    async with open_staging(path) as staging:
        await staging.stage(a_page([a_run("first")], 1))
        with closing(sqlite3.connect(path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM run").fetchone()
            for number in range(80):
                await staging.stage(a_page([a_run(f"r{number}", outputs=big)], number + 2))
            assert log.stat().st_size > CHECKPOINT_BYTES
        for number in range(80, 130):
            await staging.stage(a_page([a_run(f"r{number}", outputs=big)], number + 2))
        assert log.stat().st_size <= 2 * CHECKPOINT_BYTES
    async with open_staging(path) as staging:
        assert len([one async for one in staging.changed(NOW + timedelta(days=9999))]) == 131
