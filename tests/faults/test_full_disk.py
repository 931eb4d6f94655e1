"""Row 57: a full disk stops what takes data in, and nothing else; what was committed is never told as undone."""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from faults.mounting import a_small_disk, needs_mount, remount
from faults.test_disk_faults import BIG, fill
from support.looking import activities, seen
from support.published import lines_in
from support.staged import FOREVER, PROJECT_ID, a_page, a_run, an_emission
from trajworker.errors import StagingFull
from trajworker.ports import Stream
from trajworker.sinks import JsonlSettings, JsonlSink, open_sink, verify
from trajworker.staging import Staging, open_staging
from trajworker.staging.reserve import RESERVE_BYTES, Reserve
from trajworker.staging.wal import WriteAheadLog

pytestmark = [pytest.mark.slow, pytest.mark.root, needs_mount]

KIB = RESERVE_BYTES // 1024 + 12_000
LARGE_BYTES = 1_000_000
EARLIER, LATER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that has room for the reserve and for some pages."""
    with a_small_disk(tmp_path / "small", KIB) as small:
        yield small


async def staged_until_full(staging: Staging) -> int:
    """Stage conversations of one run each, until there is no room; how many."""
    for number in range(1000):
        try:
            await staging.stage(a_page([a_run(f"r{number}", thread=f"t{number}", outputs=BIG)], number + 1))
        except StagingFull:
            return number
    pytest.fail("the disk is never full")


async def emit(staging: Staging, sink: JsonlSink, content: bytes) -> None:
    """Emit the conversation that is due first."""
    activity = next(iter([one async for one in staging.changed(FOREVER)]))
    (line,) = await sink.append([([b'["', content, b'"]'], Stream.TRAJECTORIES)])
    await sink.commit([an_emission(activity, await seen(staging, activity.conversation), line, content)])


def room(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def fill_but(size: int, filler: Path) -> None:
    """Take every byte but so many."""
    fill(filler)
    os.truncate(filler, filler.stat().st_size - size)


async def test_on_a_full_disk_what_is_staged_is_delivered_and_reading_goes_on_by_itself_once_there_is_room(
    disk: Path, tmp_path: Path
) -> None:
    async with (
        open_staging(disk / "s.db") as staging,
        open_sink(staging, JsonlSettings(out=tmp_path / "out")) as sink,
    ):
        await staging.keep_reserve()
        assert await staged_until_full(staging) > 3
        fill(disk / "filler")
        said = 0
        while (disk / "s.db.reserve").stat().st_size:  # what a page that was undone left of the log is used up first
            await emit(staging, sink, b"%d" % said)
            said += 1
        fill_but(1_000_000, disk / "filled again")
        for _ in range(2):
            await emit(staging, sink, b"%d" % said)
            said += 1
        for _ in range(2):
            with pytest.raises(StagingFull, match="reserve"):
                await staging.stage(a_page([a_run("small")], 1000))
        await sink.publish_all()
        (disk / "filled again").unlink()
        outcome = await staging.stage(a_page([a_run("small")], 1001))
        assert outcome.changed == 1
        assert (disk / "s.db.reserve").stat().st_blocks * 512 == RESERVE_BYTES, "and is whole again"
    assert list(lines_in(tmp_path / "out")) == [[str(number)] for number in range(said)]


async def test_compaction_frees_a_full_disk_by_itself(disk: Path, tmp_path: Path) -> None:
    async with (
        open_staging(disk / "s.db") as staging,
        open_sink(staging, JsonlSettings(out=tmp_path / "out")) as sink,
    ):
        await staging.keep_reserve()
        for number in range(20):
            await staging.stage(a_page([a_run(f"r{number}", thread=f"t{number}", outputs=BIG)], number + 1))
            await emit(staging, sink, b"x")
        fill(disk / "filler")
        assert await staging.compact(EARLIER) == 0
        with pytest.raises(StagingFull):
            await staging.stage(a_page([a_run("next", outputs=BIG)], 1000))
        while await staging.compact(LATER):
            pass
        assert (await staging.stage(a_page([a_run("next", outputs=BIG)], 1001))).changed == 1
        assert (disk / "s.db.reserve").stat().st_size == RESERVE_BYTES


@pytest.mark.parametrize("others", [True, False])
async def test_purging_works_on_a_disk_without_a_byte_left(disk: Path, others: bool) -> None:  # noqa: FBT001 - parametrized
    async with open_staging(disk / "s.db") as staging:
        await staging.keep_reserve()
        if others:
            number = 5
            for one in range(number):
                await staging.stage(a_page([a_run(f"r{one}", thread=f"t{one}", outputs=BIG)], one + 1))
        else:
            number = await staged_until_full(staging)
    if others:
        fill(disk / "filler")
        assert room(disk) == 0
    command = [sys.executable, "-m", "trajworker", "purge", "--staging", str(disk / "s.db"), "--before", "2099-01-01"]
    done = await anyio.run_process(command, check=False)
    assert done.returncode == 0, done.stderr
    assert f"erased {number} conversations" in done.stdout.decode()
    assert room(disk) > 1_000_000


async def test_purging_more_than_the_reserve_can_log_at_once_goes_on_one_conversation_at_a_time(tmp_path: Path) -> None:
    """Room for the log of all of them is what a full disk has not."""
    number = RESERVE_BYTES // LARGE_BYTES + 10
    with a_small_disk(tmp_path / "small", 100_000) as disk:
        async with open_staging(disk / "s.db") as staging:
            await staging.keep_reserve()
            for one in range(number):
                run = a_run(f"r{one}", thread=f"t{one}", outputs=b'"%s"' % (b"x" * LARGE_BYTES))
                await staging.stage(a_page([run], one + 1))
        async with open_staging(disk / "s.db") as staging:
            fill(disk / "filler")
            assert (await staging.purge_before(LATER)).conversations == number
            assert (await staging.figures()).projects[0].runs == 0


async def test_a_log_that_finds_no_room_in_the_file_undoes_nothing_that_was_committed(tmp_path: Path) -> None:
    """There is no reserve here: moving the log into the file fails, after a delivery was committed in the log."""
    with a_small_disk(tmp_path / "small", 12_000) as disk:
        async with (
            open_staging(disk / "s.db") as staging,
            open_sink(staging, JsonlSettings(out=tmp_path / "out")) as sink,
        ):
            for number in range(20):
                await staging.stage(a_page([a_run(f"r{number}", thread=f"t{number}", outputs=BIG)], number + 1))
            await emit(staging, sink, b"before")
            size = (disk / "s.db").stat().st_size
            fill_but(1_000_000, disk / "filler")
            staging._database._log = WriteAheadLog(disk / "s.db", checkpoint_bytes=1)
            await emit(staging, sink, b"short")
            assert (disk / "s.db").stat().st_size > size, "the log was on its way into the file"
            assert (disk / "s.db-wal").stat().st_size > 0, "and could not be emptied"
            with pytest.raises(StagingFull):
                await emit(staging, sink, b"longer than that")
            (disk / "filler").unlink()
            for content in (b"longer than that", b"and on"):
                await emit(staging, sink, content)
        async with (
            open_staging(disk / "s.db") as staging,
            open_sink(staging, JsonlSettings(out=tmp_path / "out")) as sink,
        ):
            await sink.publish_all()
            assert len(await activities(staging)) == 16
    assert list(lines_in(tmp_path / "out")) == [["before"], ["short"], ["longer than that"], ["and on"]]
    assert verify(tmp_path / "out").problems == ()


async def test_a_disk_too_small_for_the_reserve_does_without(tmp_path: Path) -> None:
    with a_small_disk(tmp_path / "small", 4000) as disk:
        async with open_staging(disk / "s.db") as staging:
            await staging.keep_reserve()
            assert not (disk / "s.db.reserve").exists()
            assert await staged_until_full(staging) > 3
            with pytest.raises(StagingFull):
                await staging.purge_conversation(PROJECT_ID, "t0")
            remount(disk, "size=8000k")
            await staging.purge_conversation(PROJECT_ID, "t0")


def test_where_the_system_cannot_set_room_aside_it_is_written(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate")
    reserve = Reserve(disk / "s.db")
    before = room(disk)
    assert reserve.hold()
    assert before - room(disk) == RESERVE_BYTES
    assert (reserve.spend(), reserve.spent, reserve.spend()) == (True, True, False)
    fill(disk / "filler")
    assert not reserve.hold()
    assert reserve.spent
    (disk / "filler").unlink()
    assert reserve.hold()
    assert not reserve.spent
