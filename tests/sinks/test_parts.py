"""Parts: grown, committed, sealed when full or old, published in order, never empty."""

import gzip
import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import anyio
import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from support.emitting import append, emit
from support.published import files_in, lines_in
from support.staged import a_page, a_run
from trajworker.errors import ConfigError, PathNotAllowed, SinkError, StagingFull
from trajworker.events import Event, PartPublished
from trajworker.ports import Compression, Stream
from trajworker.sinks import JsonlSettings, Limits, open_sink, verify
from trajworker.sinks.folder import Folder
from trajworker.sinks.manifest import read_manifest
from trajworker.sinks.part_file import PartFile
from trajworker.staging import Staging


async def more(staging: Staging, number: int) -> None:
    """A new turn in each of six conversations."""
    await staging.stage(a_page([a_run(f"{name}{number}", thread=name, at=number) for name in "abcdef"], number + 1))


async def test_a_part_is_published_once_it_holds_enough_lines(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out, limits=Limits(seal_lines=4))) as sink:
        await emit(staging, sink, most=3)
        assert files_in(out) == []
        await emit(staging, sink, most=1)
        assert [path.name for path in files_in(out)] == ["trajectories-0000000001.jsonl"]


async def test_a_part_is_published_once_it_holds_enough_bytes(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out, limits=Limits(seal_size=16))) as sink:
        await emit(staging, sink, most=1)
        assert files_in(out) == []
        await emit(staging, sink, most=1)
        assert len(files_in(out)) == 1


async def test_a_part_is_published_once_it_is_old_enough_though_nothing_new_comes(staging: Staging, out: Path) -> None:
    now = 0.0
    settings = JsonlSettings(out=out, limits=Limits(seal_age=timedelta(minutes=1)))
    async with open_sink(staging, settings, clock=lambda: now) as sink:
        await emit(staging, sink)
        now = 59.0
        await sink.publish_due()
        assert files_in(out) == []
        now = 60.0
        await sink.publish_due()
        assert len(files_in(out)) == 1


async def test_nothing_new_writes_nothing(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        await emit(staging, sink)
        await sink.publish_all()
    before = [(path.name, path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(out.iterdir())]
    folder_before = out.stat().st_mtime_ns
    for _ in range(2):
        async with open_sink(staging, JsonlSettings(out=out)) as sink:
            await emit(staging, sink)
            await sink.publish_due()
            await sink.publish_all()
    assert [(path.name, path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(out.iterdir())] == before
    assert out.stat().st_mtime_ns == folder_before


async def test_what_was_appended_and_not_committed_is_never_published(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        await append(staging, sink)
        await sink.publish_all()
        assert list(out.iterdir()) == []
        assert await emit(staging, sink) == 6
        await sink.publish_all()
    assert [path.name for path in files_in(out)] == ["trajectories-0000000001.jsonl"]


async def test_a_discarded_batch_leaves_no_trace_in_the_next(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        await emit(staging, sink, most=2)
        await append(staging, sink)
        await sink.discard()
        await emit(staging, sink)
        await sink.publish_all()
    assert [line[0] for line in lines_in(out)] == list("abcdef")
    assert verify(out).problems == ()


async def test_a_batch_must_hold_every_line_that_was_appended(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        emissions = await append(staging, sink)
        with pytest.raises(SinkError, match="6 lines were appended and 5"):
            await sink.commit(emissions[:-1])


async def test_late_lines_go_to_side_files_in_the_same_chain(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        await emit(staging, sink, most=2)
        await emit(staging, sink, Stream.LATE, most=3)
        await emit(staging, sink)
        await sink.publish_all()
    assert [path.name for path in files_in(out)] == [
        "trajectories-0000000001.jsonl",
        "late-0000000002.jsonl",
        "trajectories-0000000003.jsonl",
    ], "what is said after a late line stands in a file after it, since it may be of the same conversation"
    assert [line[0] for line in lines_in(out)] == list("abcdef")
    assert verify(out).problems == ()


async def test_a_part_with_a_lower_number_is_published_first(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out, limits=Limits(seal_lines=3))) as sink:
        await emit(staging, sink, Stream.LATE, most=1)
        await emit(staging, sink, most=3)
        assert [path.name for path in files_in(out)] == ["late-0000000001.jsonl", "trajectories-0000000002.jsonl"]


async def test_a_number_that_stayed_empty_is_void_in_the_chain(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        await append(staging, sink, Stream.LATE, most=1)
        await sink.discard()
        await emit(staging, sink)
        await sink.publish_all()
    checked = verify(out)
    assert (checked.files, checked.void, checked.problems) == (1, (1,), ())
    assert [path.name for path in files_in(out)] == ["trajectories-0000000002.jsonl"]
    async with open_sink(staging, JsonlSettings(out=out)):
        pass


@pytest.mark.parametrize("compression", Compression)
async def test_a_manifest_tells_what_the_file_holds_and_follows_the_one_before(
    staging: Staging, out: Path, compression: Compression
) -> None:
    told: list[Event] = []
    async with open_sink(staging, JsonlSettings(out=out, compress=compression), told.append) as sink:
        for number in range(3):
            await more(staging, number)
            await emit(staging, sink)
            await sink.publish_all()
    checked = verify(out)
    assert (checked.files, checked.lines, checked.problems) == (3, 18, ())
    manifests = [read_manifest(path.with_name(f"{path.name}.manifest.json").read_bytes()) for path in files_in(out)]
    assert [(one.seq, one.lines, one.first_row, one.last_row) for one in manifests] == [
        (1, 6, 1, 6),
        (2, 6, 7, 12),
        (3, 6, 13, 18),
    ]
    assert [one.bytes for one in manifests] == [path.stat().st_size for path in files_in(out)]
    assert [(one.name, one.lines) for one in told if isinstance(one, PartPublished)] == [(m.name, 6) for m in manifests]
    assert len(list(lines_in(out))) == 18


async def test_compressed_files_are_what_others_call_compressed(staging: Staging, out: Path) -> None:
    for compression, unpack in (
        (Compression.GZ, gzip.decompress),
        (Compression.ZST, lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)),
    ):
        await more(staging, 5 if compression is Compression.GZ else 6)
        async with open_sink(staging, JsonlSettings(out=out, compress=compression)) as sink:
            await emit(staging, sink)
            await sink.publish_all()
        newest = files_in(out)[-1]
        assert newest.name.endswith(f".jsonl{compression.suffix}")
        assert unpack(newest.read_bytes()).count(b"\n") == 6


async def test_only_the_owner_can_read_what_is_written(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        await emit(staging, sink)
        assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}
        await sink.publish_all()
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}
    assert stat.S_IMODE(out.stat().st_mode) == 0o700


async def test_a_planted_link_or_pipe_is_not_written_through(staging: Staging, out: Path, tmp_path: Path) -> None:
    out.mkdir()
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (out / ".0000000001.jsonl.part").symlink_to(victim)
    with pytest.raises(SinkError):
        async with open_sink(staging, JsonlSettings(out=out)):
            pass
    (out / ".0000000001.jsonl.part").unlink()
    os.mkfifo(out / ".0000000001.jsonl.part")
    with pytest.raises(SinkError):
        async with open_sink(staging, JsonlSettings(out=out)):
            pass
    assert victim.read_bytes() == b"precious"


async def test_a_folder_that_is_a_file_is_refused(staging: Staging, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PathNotAllowed, match="name a folder") as refused:
        async with open_sink(staging, JsonlSettings(out=tmp_path / "file")):
            pass
    assert refused.value.exit_code == 78  # no rights are lacking


async def test_a_cancelled_commit_is_done_or_not_begun(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        emissions = await append(staging, sink)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await sink.commit(emissions)
        await sink.discard()
        await emit(staging, sink)
        await sink.publish_all()
    assert [line[0] for line in lines_in(out)] == list("abcdef")


async def test_a_ledger_without_room_takes_the_batch_back(
    staging: Staging, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: object) -> None:
        raise StagingFull("full")

    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        emissions = await append(staging, sink)
        with monkeypatch.context() as patch:
            patch.setattr(staging, "record", full)
            with pytest.raises(StagingFull):
                await sink.commit(emissions)
        assert await emit(staging, sink) == 6
        await sink.publish_all()
    assert [line[0] for line in lines_in(out)] == list("abcdef")


async def test_a_line_feed_inside_a_line_is_refused(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        with pytest.raises(SinkError, match="line feed"):
            await sink.append([([b"a\nb"], Stream.TRAJECTORIES)])


async def test_a_long_line_is_written_in_portions_and_counted_exactly(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        pieces = [b'"'] + [b"x" * 700_000] * 9 + [b'"']
        (line,) = await sink.append([(iter(pieces), Stream.TRAJECTORIES)])
        assert line.length == sum(map(len, pieces)) + 1
        await sink.discard()


@given(pieces=st.lists(st.binary(max_size=20).map(lambda piece: piece.replace(b"\n", b"")), max_size=8))
def test_length_and_hash_are_those_of_the_bytes_on_disk(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    folder = Folder(tmp_path_factory.mktemp("parts"))
    file = PartFile(1, folder.create("part"), folder.path / "part", 0)
    first, second = file.append([b"first"]), file.append(pieces)
    content = (folder.path / "part").read_bytes()
    file.close()
    folder.close()
    assert content == b"first\n" + b"".join(pieces) + b"\n"
    assert (second.offset, second.length) == (first.length, len(content) - first.length)
    assert second.sha256 == msgspec.convert(hashed(content[first.length :]), bytes)


def hashed(content: bytes) -> bytes:
    import hashlib  # noqa: PLC0415

    return hashlib.sha256(content).digest()


def _alter(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"b"', b'"B"'))


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def _forge(path: Path) -> None:
    manifest = path.with_name(f"{path.name}.manifest.json")
    manifest.write_bytes(json.dumps(json.loads(manifest.read_bytes()) | {"lines": 99}).encode())


@pytest.mark.parametrize("damage", [_alter, _cut, _forge, os.unlink])
@pytest.mark.parametrize("which", [0, 1, 2])
async def test_verification_finds_whatever_was_done_to_a_file(
    staging: Staging, out: Path, damage: object, which: int
) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        for number in range(3):
            await more(staging, number)
            await emit(staging, sink)
            await sink.publish_all()
    assert verify(out).problems == ()
    damage(files_in(out)[which])  # type: ignore[operator]
    assert verify(out).problems


async def test_verification_finds_a_number_that_is_missing(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        for number in range(3):
            await more(staging, number)
            await emit(staging, sink)
            await sink.publish_all()
    for path in list(out.glob("*0000000002*")):
        path.unlink()
    assert "number 2 is missing" in verify(out).problems


async def test_verification_needs_no_right_to_write(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        await emit(staging, sink)
        await sink.publish_all()
    out.chmod(0o577)  # neither writable for its owner nor private: `private_folder` would refuse it
    try:
        assert verify(out).problems == ()
    finally:
        out.chmod(0o700)


def test_verification_makes_no_folder_and_calls_none_whole_that_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        verify(tmp_path / "mistyped")
    assert not (tmp_path / "mistyped").exists()
    with pytest.raises(ConfigError, match="no published file"):
        verify(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="there is no folder"):
        verify(tmp_path / "file")
