"""An output folder that is renamed, removed or replaced while in use: it is told at once, and nothing is lost."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from support.emitting import append, emit
from support.published import files_in, lines_in
from support.staged import FOREVER
from trajworker.errors import OutputDamaged, SinkError
from trajworker.events import Event, PartPublished
from trajworker.sinks import JsonlSettings, Limits, open_sink, verify
from trajworker.sinks.repairing import repair
from trajworker.staging import Staging

ALL = [[name, 1] for name in "abcdef"]
MOVED = "renamed, removed or replaced while in use: put it back and run again; where it is lost, `trajworker repair`"


def replaced(out: Path) -> None:
    out.rename(out.with_name("away"))
    out.mkdir(mode=0o700)


def renamed(out: Path) -> None:
    out.rename(out.with_name("away"))


def under_another_parent(out: Path) -> None:
    """The parent is renamed, and a file lies in its place."""
    out.parent.rename(out.parent.with_name("elsewhere"))
    out.parent.touch()


every_move = pytest.mark.parametrize("move", [replaced, renamed, shutil.rmtree, under_another_parent])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Not beside staging, so that its parent may be moved, too."""
    (tmp_path / "files").mkdir()
    return tmp_path / "files" / "out"


async def published_all(staging: Staging, out: Path) -> list[list[object]]:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        await emit(staging, sink)
        await sink.publish_all()
    return list(lines_in(out))


@every_move
async def test_nothing_is_committed_into_a_folder_that_was_moved(staging: Staging, out: Path, move: object) -> None:
    async with open_sink(staging, JsonlSettings(out=out)) as sink:
        emissions = await append(staging, sink)
        move(out)  # type: ignore[operator]
        with pytest.raises(SinkError, match=MOVED):
            await sink.commit(emissions)
        with pytest.raises(SinkError, match=MOVED):
            await sink.publish_all()
    assert len([activity async for activity in staging.changed(FOREVER)]) == len(ALL)


@every_move
async def test_nothing_is_published_in_a_folder_that_was_moved(staging: Staging, out: Path, move: object) -> None:
    now, told = 0.0, list[Event]()
    settings = JsonlSettings(out=out, limits=Limits(seal_age=timedelta(minutes=1)))
    async with open_sink(staging, settings, told.append, lambda: now) as sink:
        await emit(staging, sink)
        move(out)  # type: ignore[operator]
        now = 60.0
        with pytest.raises(SinkError):
            await sink.publish_due()
    assert not any(isinstance(event, PartPublished) for event in told)
    assert list(out.parent.parent.rglob("*.manifest.json")) == []


async def test_a_folder_that_is_put_back_is_gone_on_with(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out, limits=Limits(seal_lines=2))) as sink:
        await emit(staging, sink, most=1)
        replaced(out)
        with pytest.raises(SinkError, match=MOVED):
            await emit(staging, sink, most=1)
    with pytest.raises(OutputDamaged, match="trajworker repair"):
        await published_all(staging, out)
    out.rmdir()
    out.with_name("away").rename(out)
    assert await published_all(staging, out) == ALL
    assert verify(out).problems == ()


async def test_what_was_in_a_folder_that_is_lost_is_made_again_by_repair(staging: Staging, out: Path) -> None:
    async with open_sink(staging, JsonlSettings(out=out, limits=Limits(seal_lines=2))) as sink:
        await emit(staging, sink, most=3)
        replaced(out)
        with pytest.raises(SinkError, match=MOVED):
            await emit(staging, sink)
    await repair(out, staging)
    assert sorted(map(str, await published_all(staging, out))) == sorted(map(str, ALL))
    assert files_in(out)
