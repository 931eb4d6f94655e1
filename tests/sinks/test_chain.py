"""Starts that fail and may be tried again, and the chain of manifests where numbers are void."""

import contextlib
import shutil
from pathlib import Path

import pytest

from support.crashed import ALL, Crash, Failing, dying, restart
from support.emitting import append, emit
from support.published import lines_in
from trajworker.errors import OutputDamaged, SinkError
from trajworker.ports import Stream
from trajworker.sinks import JsonlSettings, Limits, open_sink, repair, verify
from trajworker.sinks.folder import Folder
from trajworker.staging import Staging

PART = ".0000000001.jsonl.part"


@pytest.mark.parametrize("damaged", [1, 2])
async def test_a_start_that_fails_holds_no_file_locked(staging: Staging, out: Path, damaged: int) -> None:
    async with dying(staging, out) as sink:
        await emit(staging, sink, most=2)
        await emit(staging, sink, Stream.LATE, most=2)
    before = set(Path("/dev/fd").iterdir())
    (out / f".{damaged:010}.jsonl.part").write_bytes(b"")
    for _ in range(2):
        with pytest.raises(OutputDamaged):
            await restart(staging, out)
    assert set(Path("/dev/fd").iterdir()) == before
    assert (await repair(out, staging)).voided == (damaged,)
    assert sorted(map(str, await restart(staging, out))) == sorted(map(str, ALL))


async def test_a_start_that_fails_because_a_name_cannot_be_synced_holds_no_file_open(
    staging: Staging, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dying(staging, out) as sink:
        await append(staging, sink)
    (out / PART).unlink()
    before = set(Path("/dev/fd").iterdir())

    def fail(_: Folder) -> None:
        raise SinkError("could not be synced")

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "sync", fail)
        with pytest.raises(SinkError, match="synced"):
            await restart(staging, out)
    assert set(Path("/dev/fd").iterdir()) == before
    assert await restart(staging, out) == ALL


@pytest.mark.parametrize("number", range(1, 5))
async def test_a_void_number_is_told_wherever_the_process_ended(staging: Staging, out: Path, number: int) -> None:
    """After its row, before and after the row with its manifest, and after that of the part that follows."""
    ledger = Failing(staging, 0, after=number != 2)
    with contextlib.suppress(Crash):
        async with open_sink(ledger, JsonlSettings(out=out)) as sink:
            await append(staging, sink, Stream.LATE, most=1)
            await sink.discard()
            await emit(staging, sink)
            ledger.left = {1: 2, 2: 3, 3: 3, 4: 5}[number]  # the row is read, void, void with manifest, read, sealed
            await sink.publish_all()
    assert ledger.left == 0
    assert await restart(staging, out) == ALL
    assert verify(out).void == (1,)


async def test_repair_keeps_the_chain_where_a_part_before_the_lost_one_still_grew(staging: Staging, out: Path) -> None:
    async with dying(staging, out) as sink:
        await emit(staging, sink, most=2)
        await emit(staging, sink, Stream.LATE, most=2)
        await append(staging, sink, Stream.LATE)
    (out / ".0000000002.jsonl.part").unlink()
    assert (await repair(out, staging)).voided == (2,)
    assert sorted(map(str, await restart(staging, out))) == sorted(map(str, ALL))
    assert verify(out).void == (2,)


async def a_lost_folder_repaired(staging: Staging, out: Path) -> None:
    """Two files were published, and with their folder they are lost."""
    async with open_sink(staging, JsonlSettings(out=out, limits=Limits(seal_lines=3))) as sink:
        await emit(staging, sink, most=3)
        await emit(staging, sink)
    assert verify(out).files == 2
    shutil.rmtree(out)
    out.mkdir(mode=0o700)
    assert (await repair(out, staging)).voided == (1, 2)


async def test_a_folder_that_was_lost_is_whole_again_after_repair(staging: Staging, out: Path) -> None:
    await a_lost_folder_repaired(staging, out)
    checked = verify(out)
    assert (checked.void, checked.files, checked.problems) == ((1, 2), 0, ())
    assert sorted(map(str, await restart(staging, out))) == sorted(map(str, ALL))
    checked = verify(out)
    assert (checked.void, checked.files, checked.problems) == ((1, 2), 1, ())
    first_again = out / "trajectories-0000000003.jsonl.manifest.json"
    first_again.write_bytes(first_again.read_bytes().replace(b'"previous": "', b'"previous": "0'))
    assert verify(out).problems, "the chain goes on over what was lost"


async def test_notes_that_were_lost_too_are_written_again_at_the_next_start(staging: Staging, out: Path) -> None:
    await a_lost_folder_repaired(staging, out)
    for note in out.glob("*.void.json"):
        note.unlink()
    await restart(staging, out)
    assert (verify(out).void, verify(out).problems) == ((1, 2), ())


async def test_an_altered_file_without_a_manifest_is_void_once_it_was_repaired(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        await emit(staging, sink)
        await sink.publish_all()
    (out / "trajectories-0000000001.jsonl").write_bytes(b"rubbish")
    (out / "trajectories-0000000001.jsonl.manifest.json").unlink()
    await repair(out, staging)
    assert (verify(out).void, verify(out).problems) == ((1,), ())
    await restart(staging, out)
    assert (verify(out).void, verify(out).problems) == ((1,), ())
    assert sorted(map(str, lines_in(out))) == sorted(map(str, ALL))


async def test_a_note_that_is_none_is_a_problem(staging: Staging, out: Path) -> None:
    await a_lost_folder_repaired(staging, out)
    (out / "trajectories-0000000001.jsonl.void.json").write_bytes(b"rubbish")
    checked = verify(out)
    assert checked.void == (2,)
    assert [problem.partition(":")[0] for problem in checked.problems] == [
        "trajectories-0000000001.jsonl.void.json is no note of a lost file"
    ]
