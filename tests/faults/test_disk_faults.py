"""A disk that is full, read-only or failing: nothing is lost, nothing is torn, and what cannot be known is fatal."""

import errno
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.crashing import judge, needs_strace, rehearse, snapshot, start
from faults.mounting import a_small_disk, needs_mount, remount
from support.looking import activities, seen
from support.published import lines_in
from support.rights import held_to_modes
from support.staged import FOREVER, a_page, a_run, an_emission
from trajworker.errors import EXIT_IO, PathNotAllowed, SinkFull, StagingFull, TrajworkerError
from trajworker.ports import Stream
from trajworker.sinks import JsonlSettings, JsonlSink, Limits, open_sink, verify
from trajworker.staging import Staging, open_staging

pytestmark = pytest.mark.slow
BIG = b'"' + b"x" * 100_000 + b'"'


@pytest.mark.root
@needs_mount
async def test_a_full_staging_disk_undoes_the_page_and_goes_on_once_there_is_room(tmp_path: Path) -> None:
    with a_small_disk(tmp_path / "small", 3000) as disk:
        async with open_staging(disk / "s.db") as staging:
            number = 0
            try:
                while number < 100:
                    await staging.stage(a_page([a_run(f"r{number}", outputs=BIG)], number))
                    number += 1
            except StagingFull:
                pass
            assert 3 < number < 30
            assert len(await activities(staging)) == number
            with pytest.raises(StagingFull):
                await staging.stage(a_page([a_run(f"r{number}", outputs=BIG)], number))
            remount(disk, "size=64m")
            for again in range(number, 40):
                await staging.stage(a_page([a_run(f"r{again}", outputs=BIG)], again))
            assert len(await activities(staging)) == 40


async def emit_one(staging: Staging, sink: JsonlSink, content: bytes) -> None:
    (activity,) = [one async for one in staging.changed(FOREVER)][:1]
    (line,) = await sink.append([([b'["', content, b'"]'], Stream.TRAJECTORIES)])
    await sink.commit([an_emission(activity, await seen(staging, activity.conversation), line, content)])


@pytest.mark.root
@needs_mount
async def test_a_full_output_disk_leaves_no_torn_line(tmp_path: Path) -> None:
    async with open_staging(tmp_path / "s.db") as staging:
        await staging.stage(a_page([a_run("a", thread="a"), a_run("b", thread="b"), a_run("c", thread="c")], 1))
        with a_small_disk(tmp_path / "small", 256) as disk:
            async with open_sink(staging, JsonlSettings(out=disk / "out")) as sink:
                await emit_one(staging, sink, b"x" * 100_000)
                for _ in range(3):
                    with pytest.raises(SinkFull):
                        await emit_one(staging, sink, b"y" * 300_000)
                (part,) = (disk / "out").glob(".*.part")
                assert part.stat().st_size == 100_005
                remount(disk, "size=16m")
                await emit_one(staging, sink, b"y" * 300_000)
                await emit_one(staging, sink, b"z")
                await sink.publish_all()
            assert [len(line[0]) for line in lines_in(disk / "out")] == [100_000, 300_000, 1]
            assert verify(disk / "out").problems == ()


@pytest.mark.root
@needs_mount
async def test_a_file_for_whose_manifest_there_is_no_room_is_published_once_there_is_some(tmp_path: Path) -> None:
    async with open_staging(tmp_path / "s.db") as staging:
        await staging.stage(a_page([a_run("a", thread="a"), a_run("b", thread="b"), a_run("c", thread="c")], 1))
        with a_small_disk(tmp_path / "small", 256) as disk:
            settings = JsonlSettings(out=disk / "out", limits=Limits(seal_lines=1))
            async with open_sink(staging, settings) as sink:
                await emit_one(staging, sink, b"x")
                found = os.statvfs(disk)
                remount(disk, f"nr_inodes={found.f_files - found.f_ffree + 1}")  # one for the part, none beside it
                await emit_one(staging, sink, b"y")
                for _ in range(2):
                    with pytest.raises(SinkFull):
                        await sink.publish_due()
                assert list(lines_in(disk / "out")) == [["x"]]
                remount(disk, "nr_inodes=100")
                await emit_one(staging, sink, b"z")
                assert list(lines_in(disk / "out")) == [["x"], ["y"], ["z"]]
                assert verify(disk / "out").problems == ()


def fill(filler: Path) -> None:
    """Take every byte that is left."""
    descriptor = os.open(filler, os.O_CREAT | os.O_WRONLY)
    try:
        while os.write(descriptor, b"0" * 4096):
            pass
    except OSError as error:
        assert error.errno == errno.ENOSPC  # noqa: PT017 - any other would be a fault of the test
    finally:
        os.close(descriptor)


@pytest.mark.root
@needs_mount
async def test_a_ledger_without_room_takes_the_lines_back(tmp_path: Path) -> None:
    with a_small_disk(tmp_path / "small", 3000) as disk:
        async with (
            open_staging(disk / "s.db") as staging,
            open_sink(staging, JsonlSettings(out=tmp_path / "out")) as sink,
        ):
            await staging.stage(a_page([a_run("a", thread="a"), a_run("b", thread="b")], 1))
            await emit_one(staging, sink, b"x")
            filler = disk / "filler"
            fill(filler)
            with pytest.raises(StagingFull):
                await emit_one(staging, sink, b"y")
            filler.unlink()
            await emit_one(staging, sink, b"y")
            await sink.publish_all()
        assert list(lines_in(tmp_path / "out")) == [["x"], ["y"]]


@pytest.mark.root
@needs_mount
async def test_a_disk_that_is_read_only_is_refused_at_start(tmp_path: Path) -> None:
    with a_small_disk(tmp_path / "small", 4000) as disk:
        (disk / "staging").mkdir(mode=0o700)
        remount(disk, "ro")
        for folder in ("staging", "new"):
            with pytest.raises(PathNotAllowed, match="mounted read-only; mount it writable"):
                async with open_staging(disk / folder / "s.db"):
                    pass


@needs_strace
@pytest.mark.parametrize("call", ["fsync", "fdatasync"])
@pytest.mark.parametrize("number", [3, 14])
def test_one_failed_sync_is_fatal_though_the_next_would_succeed(tmp_path: Path, call: str, number: int) -> None:
    rehearse(tmp_path / "calm")
    folder = tmp_path / "failing"
    folder.mkdir()
    log = tmp_path / "log"
    options = ["-y", "-o", str(log), "-e", "trace=fsync,fdatasync,renameat2"]
    ended = start(folder, *options, "-e", f"inject={call}:error=EIO:when={number}")
    assert ended.returncode != 0
    assert re.search("StagingError|SinkError", ended.stderr)
    lines = log.read_text().splitlines()
    failed = next(index for index, line in enumerate(lines) if "(INJECTED)" in line)
    assert [line for line in lines[failed:] if "renameat2" in line] == [], "a file was published after a failed sync"
    judge(folder, snapshot(folder))


@contextmanager
def few_descriptors(limit: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("spare", [0, 1, 2])
async def test_without_descriptors_left_it_fails_in_words_and_loses_nothing(tmp_path: Path, spare: int) -> None:
    async with open_staging(tmp_path / "s.db") as staging:
        await staging.stage(a_page([a_run("a", thread="a")], 1))
        lowest_free = os.dup(0)
        os.close(lowest_free)
        with few_descriptors(lowest_free + spare), pytest.raises(TrajworkerError) as ended:
            await open_and_emit(staging, tmp_path / "out")
        assert ended.value.exit_code == EXIT_IO
        await open_and_emit(staging, tmp_path / "out")
    assert list(lines_in(tmp_path / "out")) == [["x"]]


async def open_and_emit(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        if await activities(staging):  # else the emission stood, and only its file was not sealed yet
            await emit_one(staging, sink, b"x")
        await sink.publish_all()


OPENING = """
import anyio, sys
from pathlib import Path
from trajworker.sinks import JsonlSettings, open_sink
from trajworker.staging import open_staging
async def main():
    async with open_staging(":memory:") as staging, open_sink(staging, JsonlSettings(out=Path(sys.argv[1]))):
        pass
anyio.run(main)
"""


def test_a_folder_that_may_not_be_written_is_refused_at_start(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir(mode=0o500)
    command = held_to_modes([sys.executable, "-c", OPENING, str(out)])
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert PathNotAllowed.__name__ in ended.stderr
