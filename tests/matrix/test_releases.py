"""Row 64: a staging file that an older release left in the middle of its work is finished by this one.

There is one fixture for each schema that was ever released; `releases/build.py` made it.
"""

import tarfile
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from matrix.releases import build
from matrix.workspace import contents, said, settings_for, turn, waiting, work
from support.published import lines_in
from support.scripted_server import scripted
from trajworker.sinks import verify
from trajworker.staging.migrations import migrations

FIXTURES = sorted(Path(build.__file__).parent.glob("*.tar.gz"))
GOLDEN = {
    ("finished", 1): ["question 1", "answer 1"],
    ("revised", 1): ["question 2", "answer 2"],
    ("revised", 2): ["question 2", "answer 2", "question 5", "answer 5"],
    ("busy", 1): ["question 3", "answer 3"],
    ("pending", 1): ["question 4", "answer 4"],
    ("long", 1): [build.LONG, "answer 6", "question 7", "answer 7"],
}


def test_there_is_a_fixture_of_every_schema() -> None:
    assert [int(path.name[:4]) for path in FIXTURES] == [step.number for step in migrations()]


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.name[:4])
async def test_what_an_older_release_left_is_finished_by_this_one(tmp_path: Path, fixture: Path) -> None:
    with tarfile.open(fixture) as archive:
        archive.extractall(tmp_path, filter="data")
    for folder in (tmp_path / "staging", tmp_path / "out"):
        folder.chmod(0o700)
    old = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    workspace = build.before()
    workspace.now = build.NOW + timedelta(hours=6)
    workspace.fake.rows = [
        turn(5, build.NOW + timedelta(minutes=1), "revised"),
        *(row for row in workspace.fake.rows if row["thread_id"] != "pending"),
        turn(4, build.NOW - timedelta(hours=3), "pending"),
    ]
    async with scripted(workspace) as server:
        settings = waiting(settings_for(server.url, tmp_path), idle=build.IDLE)
        code, _ = await work(replace(settings, staging=replace(settings.staging, adopt=True)))
    assert code == 0
    lines = {
        (line["task"]["conversation_id"], line.get("revision", 1)): contents(line)
        for line in lines_in(tmp_path / "out")
    }
    assert lines == GOLDEN
    assert len(said(tmp_path)) == len(GOLDEN)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.name in old} == old
    assert verify(tmp_path / "out").problems == ()
