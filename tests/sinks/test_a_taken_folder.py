"""Two workers with a staging file each and one folder: the second is refused, and nothing is overwritten."""

import errno
import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from support.crashed import ALL, restart, sealed
from support.emitting import emit
from support.published import lines_in
from support.staged import a_page, a_run
from trajworker.errors import FolderTaken
from trajworker.ports import Compression
from trajworker.sinks import JsonlSettings, open_sink, repair
from trajworker.staging import Staging, open_staging

PART = ".0000000001.jsonl.part"


async def test_a_folder_that_another_worker_opened_is_taken_though_nothing_lies_in_it(
    staging: Staging, out: Path, tmp_path: Path
) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        await refused(tmp_path / "other.db", out)
        await emit(staging, sink)
        await sink.publish_all()
    assert list(lines_in(out)) == ALL


async def test_a_part_that_another_worker_writes_is_not_removed_where_folders_cannot_be_locked(
    staging: Staging, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", of_files_alone)
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        await emit(staging, sink)
        await refused(tmp_path / "other.db", out)
        await sink.publish_all()
    assert list(lines_in(out)) == ALL


def of_files_alone(descriptor: int, operation: int, lock: Callable[[int, int], None] = fcntl.flock) -> None:
    """As NFS locks: only what is open for writing."""
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    lock(descriptor, operation)


async def refused(other: Path, out: Path) -> None:
    """A worker with a staging file of its own does not get the folder."""
    async with open_staging(other) as staging:
        with pytest.raises(FolderTaken, match="another worker"):
            async with open_sink(staging, JsonlSettings(out=out)):
                pass


@pytest.mark.parametrize("repaired", [False, True])
async def test_a_number_that_another_worker_published_meanwhile_is_theirs(
    staging: Staging, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, repaired: bool
) -> None:
    await sealed(staging, out, Compression.NONE, monkeypatch)
    if repaired:
        (out / PART).unlink()
        assert (await repair(out, staging)).voided == (1,)
    async with open_staging(tmp_path / "other.db") as other:
        await other.stage(a_page([a_run("theirs", thread="theirs")], 1))
        assert await restart(other, out) == [["theirs", 1]]
    theirs = {path.name: path.read_bytes() for path in out.iterdir()}
    for _ in range(2):
        with pytest.raises(FolderTaken, match="choose another --out"):
            await restart(staging, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == theirs
