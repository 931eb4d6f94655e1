"""What a start makes of what a crash left: every row of the table in reliability.md 2.4."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from support.crashed import ALL, Crash, Failing, dying, restart, sealed
from support.emitting import append, emit
from support.published import lines_in
from support.staged import a_page, a_run
from trajworker.errors import EXIT_IO, OutputDamaged, SinkError
from trajworker.ports import Compression, Consumed, Stream
from trajworker.sinks import (
    JsonlSettings,
    Limits,
    open_sink,
    repair,
    verify,
)
from trajworker.staging import Staging

PART = ".0000000001.jsonl.part"
FINAL = "trajectories-0000000001.jsonl"
MANIFEST = f"{FINAL}.manifest.json"


async def test_a_tail_that_was_not_committed_is_cut_off(staging: Staging, out: Path) -> None:
    async with dying(staging, out) as sink:
        await emit(staging, sink, most=2)
        await append(staging, sink)
    torn = (out / PART).read_bytes()
    assert torn.count(b"\n") == 6
    assert await restart(staging, out) == ALL


async def test_a_longer_tail_than_what_is_written_next_leaves_no_rest(staging: Staging, out: Path) -> None:
    async with dying(staging, out) as sink:
        await sink.append([([b'"' + b"x" * 5000 + b'"'], Stream.TRAJECTORIES)])
    assert await restart(staging, out) == ALL


@pytest.mark.parametrize("damage", [os.unlink, lambda path: os.truncate(path, 3)])
async def test_committed_bytes_that_are_gone_end_with_74(
    staging: Staging, out: Path, damage: Callable[[Path], None]
) -> None:
    async with dying(staging, out) as sink:
        await emit(staging, sink)
    damage(out / PART)
    with pytest.raises(OutputDamaged, match="repair") as ended:
        await restart(staging, out)
    assert ended.value.exit_code == EXIT_IO
    assert (await repair(out, staging)).voided == (1,)
    assert await restart(staging, out) == ALL
    assert verify(out).void == (1,)


async def test_a_part_that_goes_while_it_is_in_use_is_named_with_what_makes_it_again(
    staging: Staging, out: Path
) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        await emit(staging, sink)
        (out / PART).unlink()
        with pytest.raises(OutputDamaged, match=rf"{PART} is gone with \d+ committed bytes; `trajworker repair`"):
            await sink.publish_all()
    assert (await repair(out, staging)).voided == (1,)
    assert await restart(staging, out) == ALL


async def test_a_row_whose_part_was_never_written_to_goes_on(staging: Staging, out: Path) -> None:
    async with dying(staging, out) as sink:
        await append(staging, sink)
    (out / PART).unlink()
    assert await restart(staging, out) == ALL


@pytest.mark.parametrize("compression", Compression)
async def test_a_sealed_part_is_published(
    staging: Staging, out: Path, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sealed(staging, out, compression, monkeypatch)
    assert await restart(staging, out, compress=compression) == ALL
    assert list(out.glob(".*")) == []


@pytest.mark.parametrize("compression", Compression)
async def test_a_sealed_part_is_published_also_when_the_setting_changed_since(
    staging: Staging, out: Path, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sealed(staging, out, compression, monkeypatch)
    assert await restart(staging, out, compress=Compression.ZST) == ALL


async def test_a_sealed_part_that_was_renamed_already_is_published(
    staging: Staging, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sealed(staging, out, Compression.NONE, monkeypatch)
    (out / PART).rename(out / FINAL)
    assert await restart(staging, out) == ALL


async def test_a_link_that_was_half_a_rename_is_completed(
    staging: Staging, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sealed(staging, out, Compression.NONE, monkeypatch)
    (out / FINAL).hardlink_to(out / PART)
    assert await restart(staging, out) == ALL
    assert not (out / PART).exists()


@pytest.mark.parametrize("damage", [os.unlink, lambda path: path.write_bytes(path.read_bytes().replace(b"a", b"b"))])
async def test_a_sealed_part_that_is_gone_or_altered_ends_with_74(
    staging: Staging, out: Path, damage: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    await sealed(staging, out, Compression.NONE, monkeypatch)
    damage(out / PART)
    with pytest.raises(OutputDamaged):
        await restart(staging, out)
    assert (await repair(out, staging)).voided == (1,)
    assert await restart(staging, out) == ALL


async def published(staging: Staging, out: Path) -> None:
    assert await restart(staging, out) == ALL


async def test_a_missing_manifest_is_written_again_byte_by_byte(staging: Staging, out: Path) -> None:
    await published(staging, out)
    before = (out / MANIFEST).read_bytes()
    (out / MANIFEST).unlink()
    await published(staging, out)
    assert (out / MANIFEST).read_bytes() == before


def cut_to_nothing(manifest: Path) -> None:
    manifest.write_bytes(b"")


def overwritten(manifest: Path) -> None:
    manifest.write_bytes(b"\0" * manifest.stat().st_size)


def altered(manifest: Path) -> None:
    """It is a manifest still, and says something else."""
    manifest.write_bytes(manifest.read_bytes().replace(b'"lines": 6', b'"lines": 7'))


damaged_manifests = pytest.mark.parametrize("damage", [cut_to_nothing, overwritten, altered, os.unlink])


@damaged_manifests
async def test_a_damaged_manifest_is_written_again_byte_by_byte_at_the_next_start(
    staging: Staging, out: Path, damage: Callable[[Path], None]
) -> None:
    await published(staging, out)
    before = (out / MANIFEST).read_bytes()
    damage(out / MANIFEST)
    await published(staging, out)
    assert (out / MANIFEST).read_bytes() == before


@damaged_manifests
async def test_repair_writes_a_damaged_manifest_again_and_voids_nothing(
    staging: Staging, out: Path, damage: Callable[[Path], None]
) -> None:
    await published(staging, out)
    before = (out / MANIFEST).read_bytes()
    damage(out / MANIFEST)
    assert verify(out).problems
    repaired = await repair(out, staging)
    assert (repaired.voided, repaired.manifests) == ((), (1,))
    assert (out / MANIFEST).read_bytes() == before
    assert verify(out).problems == ()
    assert (await repair(out, staging)).manifests == ()


async def test_a_damaged_note_on_a_lost_file_is_written_again(staging: Staging, out: Path) -> None:
    await published(staging, out)
    (out / FINAL).unlink()
    assert (await repair(out, staging)).voided == (1,)
    note = out / f"{FINAL}.void.json"
    before = note.read_bytes()
    note.write_bytes(b"")
    assert verify(out).problems
    assert (await repair(out, staging)).manifests == (1,)
    assert verify(out).problems == ()
    note.write_bytes(b"")
    await restart(staging, out)
    assert msgspec.json.decode(note.read_bytes())["previous"] == msgspec.json.decode(before)["previous"]


async def test_a_file_that_was_lost_with_a_damaged_manifest_is_void_once_it_was_repaired(
    staging: Staging, out: Path
) -> None:
    await published(staging, out)
    (out / FINAL).write_bytes(b"rubbish")
    (out / MANIFEST).write_bytes(b"rubbish")
    assert (await repair(out, staging)).voided == (1,)
    assert (verify(out).void, verify(out).problems) == ((1,), ())
    assert await restart(staging, out) == ALL


async def test_a_published_file_that_is_gone_is_damage_unless_consumers_take_them(staging: Staging, out: Path) -> None:
    await published(staging, out)
    (out / FINAL).unlink()
    with pytest.raises(OutputDamaged):
        await restart(staging, out)
    async with open_sink(staging, JsonlSettings(out=out, consumed=Consumed.EXPECTED)):
        pass
    (out / MANIFEST).unlink()
    with pytest.raises(OutputDamaged):
        async with open_sink(staging, JsonlSettings(out=out, consumed=Consumed.EXPECTED)):
            pass


async def test_repair_emits_what_a_published_file_lost_with_the_same_revisions(staging: Staging, out: Path) -> None:
    await published(staging, out)
    await staging.stage(a_page([a_run("g", thread="a", at=1)], 2))
    await restart(staging, out)
    (out / FINAL).write_bytes(b"rubbish")
    before = (out / FINAL).read_bytes()
    repaired = await repair(out, staging)
    assert (repaired.voided, repaired.due_again, repaired.gone_for_good) == ((1,), 5, 1)
    await restart(staging, out)
    assert (out / FINAL).read_bytes() == before
    checked = verify(out)
    assert (checked.void, checked.problems) == ((1,), ())
    again = (out / "trajectories-0000000003.jsonl").read_text().splitlines()
    assert again == [f'["{name}", 1]' for name in "bcdef"]
    assert (await repair(out, staging)).voided == ()


async def test_what_its_consumer_took_is_neither_repaired_nor_missed(staging: Staging, out: Path) -> None:
    await published(staging, out)
    (out / FINAL).unlink()
    assert (await repair(out, staging, Consumed.EXPECTED)).voided == ()
    async with open_sink(staging, JsonlSettings(out=out, consumed=Consumed.EXPECTED)) as sink:
        await emit(staging, sink)
        await sink.publish_all()
    assert list(lines_in(out)) == []
    checked = verify(out, Consumed.EXPECTED)
    assert (checked.taken, checked.files, checked.problems) == (1, 0, ())
    assert verify(out).problems == (f"{FINAL} is gone",)
    (out / MANIFEST).unlink()  # no consumer takes that
    assert (await repair(out, staging, Consumed.EXPECTED)).voided == (1,)


async def test_a_file_that_consumers_left_altered_is_still_damage(staging: Staging, out: Path) -> None:
    await published(staging, out)
    (out / FINAL).write_bytes(b"rubbish")
    assert verify(out, Consumed.EXPECTED).problems
    assert (await repair(out, staging, Consumed.EXPECTED)).voided == (1,)


async def test_repair_keeps_the_chain_where_a_part_before_the_lost_one_waits(
    staging: Staging, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dying(staging, out) as sink:
        await emit(staging, sink, most=2)
        await emit(staging, sink, Stream.LATE, most=2)
    await sealed(staging, out, Compression.NONE, monkeypatch, emitted=True)
    (out / ".0000000002.jsonl.part").unlink()
    with pytest.raises(OutputDamaged):
        await restart(staging, out)
    repaired = await repair(out, staging)
    assert repaired.voided == (2,)
    assert sorted(map(str, await restart(staging, out))) == sorted(map(str, ALL))
    assert verify(out).void == (2,)


async def test_what_was_begun_and_never_counted_is_removed(staging: Staging, out: Path) -> None:
    await published(staging, out)
    strays = [".0000000009.jsonl.part", ".0000000001.jsonl.gz.part", f".{MANIFEST}.scratch"]
    for name in strays:
        (out / name).write_bytes(b"x")
    await restart(staging, out)
    assert [name for name in strays if (out / name).exists()] == []


@pytest.mark.parametrize(
    "name",
    ["trajectories-0000000009.jsonl", "late-0000000001.jsonl", f"{FINAL}.gz", "late-0000000007.jsonl.manifest.json"],
)
async def test_a_published_file_that_no_row_knows_is_fatal_and_stays(staging: Staging, out: Path, name: str) -> None:
    await published(staging, out)
    (out / name).write_bytes(b"x")
    with pytest.raises(SinkError, match="not written from this staging file"):
        await restart(staging, out)
    assert (out / name).read_bytes() == b"x"


async def test_files_of_others_are_left_alone(staging: Staging, out: Path) -> None:
    out.mkdir()
    others = ["README", ".hidden", "trajectories.jsonl", "notes-0000000001.jsonl"]
    for name in others:
        (out / name).write_bytes(b"x")
    await published(staging, out)
    assert all((out / name).read_bytes() == b"x" for name in others)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZ])
async def test_whichever_call_to_the_ledger_is_the_last_a_restart_completes_it(
    staging: Staging, out: Path, compression: Compression, *, after: bool
) -> None:
    """T9: each method of the ledger fails at its n-th call for all n, before and after its effect."""
    for number in range(1, 40):
        limits = Limits(seal_lines=2)
        failing = Failing(staging, number, after=after)
        settings = JsonlSettings(out=out, limits=limits, compress=compression)
        try:
            async with open_sink(failing, settings) as sink:
                while await emit(staging, sink, most=1):
                    pass
                await sink.publish_all()
        except Crash:
            more = [a_run(f"{name}{number}", thread=name, at=number) for name in "abcdef"]
            await staging.stage(a_page(more, number + 1))
        else:
            break
    assert number > 10
    said = [tuple(line) for line in await restart(staging, out, compress=compression)]
    assert len(said) == len(set(said))
    for name in "abcdef":
        revisions = [revision for told, revision in said if told == name]
        assert revisions == list(range(1, len(revisions) + 1))
