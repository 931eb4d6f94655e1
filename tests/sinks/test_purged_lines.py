"""What was purged before its part was published is in no file, and of all others nothing is lost or said twice."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from support.crashed import ALL, Crash, Failing, dying, restart, sealed
from support.emitting import append, emit
from support.published import lines_in
from support.staged import PROJECT_ID, a_page, a_run
from trajworker.errors import OutputDamaged, SinkError
from trajworker.ports import Compression, PartState, Span, Stream
from trajworker.sinks import JsonlSettings, Struck, open_sink, publishing, purge_parts, striking
from trajworker.sinks.folder import Folder
from trajworker.sinks.striking import without
from trajworker.staging import Staging, open_staging

PART = ".0000000001.jsonl.part"
FINAL = "trajectories-0000000001.jsonl"
WITHOUT_B_AND_F = [line for line in ALL if line[0] not in "bf"]


async def forget(staging: Staging, names: str = "bf") -> tuple[str, ...]:
    """Purge conversations; which published files hold them."""
    purged = [await staging.purge_conversation(PROJECT_ID, name) for name in names]
    return tuple(name for one in purged for name in one.files)


async def an_open_part(staging: Staging, out: Path) -> None:
    """A process died while its part was open."""
    async with dying(staging, out) as sink:
        await emit(staging, sink)


async def test_what_was_purged_is_taken_out_of_an_open_part_at_once(staging: Staging, out: Path) -> None:
    await an_open_part(staging, out)
    assert await forget(staging) == ()
    assert await purge_parts(out, staging) == [Struck(PART, 2)]
    content = (out / PART).read_bytes()
    assert b'"b"' not in content
    assert b'"f"' not in content
    assert [path.name for path in out.iterdir()] == [PART]
    assert await restart(staging, out) == WITHOUT_B_AND_F


async def test_a_start_publishes_nothing_of_what_was_purged_meanwhile(staging: Staging, out: Path) -> None:
    await an_open_part(staging, out)
    await forget(staging)
    assert await restart(staging, out) == WITHOUT_B_AND_F


async def test_lines_that_come_after_what_was_purged_have_their_places_in_the_ledger(
    staging: Staging, out: Path
) -> None:
    await an_open_part(staging, out)
    await forget(staging)
    await purge_parts(out, staging)
    await staging.stage(a_page([a_run("g", thread="g")], 2))
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        await emit(staging, sink)
        (part,) = await staging.parts()
        assert (part.lines, part.length) == (5, (out / PART).stat().st_size)
        await forget(staging, "cg")
        assert (out / PART).read_bytes()[slice_of((await staging.purged_lines(1))[0])] == b'["c", 1]\n'
    assert await restart(staging, out) == [["a", 1], ["d", 1], ["e", 1]]


def slice_of(span: Span) -> slice:
    return slice(span.offset, span.offset + span.length)


async def test_a_part_of_which_all_was_purged_leaves_no_file(staging: Staging, out: Path) -> None:
    await an_open_part(staging, out)
    await forget(staging, "abcdef")
    assert await purge_parts(out, staging) == [Struck(PART, 6)]
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        await sink.publish_all()
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("compression", Compression)
async def test_what_was_purged_is_taken_out_of_a_sealed_part(
    staging: Staging, out: Path, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sealed(staging, out, compression, monkeypatch)
    assert await forget(staging) == ()
    assert await purge_parts(out, staging) == [Struck(PART, 2)]
    assert [path.name for path in out.iterdir()] == [PART]
    assert await restart(staging, out, compress=compression) == WITHOUT_B_AND_F


@pytest.mark.parametrize("compression", Compression)
async def test_a_file_that_has_its_name_and_no_manifest_is_taken_back(
    staging: Staging, out: Path, compression: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sealed(staging, out, compression, monkeypatch)
    (part,) = await staging.parts()
    publishing.place(Folder(out), part)
    await forget(staging)
    assert await purge_parts(out, staging) == [Struck(PART, 2)]
    assert [path.name for path in out.iterdir()] == [PART]
    assert await restart(staging, out, compress=compression) == WITHOUT_B_AND_F


async def test_a_link_that_was_half_a_rename_is_taken_back(
    staging: Staging, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sealed(staging, out, Compression.NONE, monkeypatch)
    (out / FINAL).hardlink_to(out / PART)
    await forget(staging)
    assert await restart(staging, out) == WITHOUT_B_AND_F


async def test_a_sealed_part_that_others_came_after_is_published_before_them(
    staging: Staging, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dying(staging, out) as sink:
        await emit(staging, sink, most=3)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(publishing, "place", full)
        with pytest.raises(SinkError):
            await sink.publish_all()
        await emit(staging, sink)
    monkeypatch.undo()
    assert [part.state for part in await staging.parts()] == [PartState.SEALED, PartState.OPEN]
    await forget(staging)
    assert await restart(staging, out) == WITHOUT_B_AND_F
    assert sorted(path.name for path in out.glob("*.jsonl")) == [FINAL, "trajectories-0000000002.jsonl"]


async def test_what_was_never_committed_goes_too(staging: Staging, out: Path) -> None:
    async with dying(staging, out) as sink:
        await emit(staging, sink, most=2)
        await append(staging, sink)
    assert b'"f"' in (out / PART).read_bytes()
    await forget(staging, "f")
    await purge_parts(out, staging)
    assert (out / PART).read_bytes() == b'["a", 1]\n["b", 1]\n'


async def test_published_files_are_named_and_stay(staging: Staging, out: Path) -> None:
    assert await restart(staging, out) == ALL
    assert await forget(staging, "b") == (FINAL,)
    assert await purge_parts(out, staging) == []
    assert list(lines_in(out)) == ALL


async def test_revisions_on_parts_of_two_streams_stay_in_order(staging: Staging, out: Path) -> None:
    async with dying(staging, out) as sink:
        await emit(staging, sink)
        await staging.stage(a_page([a_run("a2", thread="a", at=1), a_run("b2", thread="b", at=1)], 2))
        await emit(staging, sink, Stream.LATE)
    await forget(staging, "b")
    assert await purge_parts(out, staging) == [Struck(PART, 1), Struck(".0000000002.jsonl.part", 1)]
    assert await restart(staging, out) == [line for line in [*ALL, ["a", 2]] if line[0] != "b"]


async def test_a_part_that_was_damaged_is_not_made_a_whole_one(staging: Staging, out: Path) -> None:
    await an_open_part(staging, out)
    os.truncate(out / PART, 30)
    await forget(staging)
    with pytest.raises(OutputDamaged, match="repair"):
        await purge_parts(out, staging)
    assert [part.lines for part in await staging.parts()] == [6]


async def test_a_folder_that_is_away_is_told_of_with_the_part_in_it(staging: Staging, out: Path) -> None:
    await an_open_part(staging, out)
    await forget(staging)
    out.rename(out.with_name("away"))
    with pytest.raises(SinkError, match=f"{out / PART} may still hold what was purged"):
        await purge_parts(out, staging)
    assert not out.exists()


async def test_a_disk_without_room_is_told_of_with_the_part_which_the_next_start_clears(
    staging: Staging, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await an_open_part(staging, out)
    await forget(staging)

    def full(descriptor: int, content: bytes, offset: int) -> None:
        os.pwrite(descriptor, content[:3], offset)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken:
        broken.setattr(striking, "write_all", full)
        with pytest.raises(SinkError, match=f"{out / PART} may still hold what was purged .no space left"):
            await purge_parts(out, staging)
    assert [path.name for path in out.iterdir()] == [PART]
    assert await restart(staging, out) == WITHOUT_B_AND_F


STEPS = [(Folder, name) for name in ("unlink", "create", "rename", "sync")] + [
    (striking, "write_all"),
    (striking, "sync_file"),
]
"""All that a purge does to the folder."""
MOST_STEPS = 40


class Killing:
    """Ends the process before or after the n-th step, whichever it is."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.left = number
        self._after = after

    def watch(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """The step, which may be the last one."""

        def call(*arguments: object) -> object:
            self.left -= 1
            if self.left == 0 and not self._after:
                raise Crash
            result = step(*arguments)
            if self.left == 0:
                raise Crash
            return result

        return call


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZ])
@pytest.mark.parametrize("after", [False, True])
async def test_wherever_a_purge_ends_the_next_start_completes_it(
    tmp_path: Path, compression: Compression, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    number = 0
    for number in range(1, MOST_STEPS):
        out, killing = tmp_path / f"out{number}", Killing(number, after=after)
        async with open_staging(tmp_path / f"{number}.db") as staging:
            await staging.stage(a_page([a_run(name, thread=name) for name in "abcdef"], 1))
            await sealed(staging, out, compression, monkeypatch)
            await forget(staging)
            for owner, name in STEPS:
                monkeypatch.setattr(owner, name, killing.watch(getattr(owner, name)))
            with suppress(Crash):
                await purge_parts(out, staging)
            monkeypatch.undo()
            assert await restart(staging, out, compress=compression) == WITHOUT_B_AND_F, number
            assert list(out.glob(".*")) == [], number
        if killing.left > 0:
            break
    assert 10 < number < MOST_STEPS - 1


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, 6))
async def test_wherever_the_ledger_fails_the_next_start_completes_it(
    staging: Staging, out: Path, number: int, *, after: bool
) -> None:
    await an_open_part(staging, out)
    await forget(staging)
    failing: Any = Failing(staging, number, after=after)
    with pytest.raises(Crash):
        await purge_parts(out, failing)
    assert await restart(staging, out) == WITHOUT_B_AND_F


@pytest.mark.parametrize("size", range(1, 12))
def test_spans_are_left_out_of_content_in_any_portions(size: int) -> None:
    content = b"0123456789"
    portions = [content[at : at + size] for at in range(0, len(content), size)]
    assert b"".join(without(portions, [Span(0, 2), Span(2, 1), Span(5, 2), Span(9, 1)])) == b"3478"
    assert b"".join(without(portions, [])) == content
    assert b"".join(without(portions, [Span(0, 10)])) == b""
