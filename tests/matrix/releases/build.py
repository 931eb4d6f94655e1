"""Makes the fixture of a release: what its worker left behind in the middle of its work, as a tar file.

    python tests/matrix/releases/build.py

Run once for each number of the schema of staging, with the commit that brings it; never again, because a fixture is
what that release really wrote. `test_releases.py` says what every later release must make of it.
"""

import sys
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from matrix.workspace import Workspace, settings_for, turn, waiting, work
from support.scripted_server import scripted
from trajworker.staging.migrations import migrations

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
IDLE = timedelta(minutes=30)
LONG = "Which tea, please? " * 400


def before() -> Workspace:
    """Two conversations that are finished, two that are still busy, one whose run has not ended."""
    early = NOW - timedelta(hours=3)
    rows = [
        turn(1, early, "finished"),
        turn(2, early, "revised"),
        turn(3, NOW - timedelta(minutes=5), "busy"),
        turn(4, early, "pending", status="PENDING", end_time=None, outputs=None),
        *long_prompts(NOW - timedelta(minutes=5)),
    ]
    return Workspace(rows, NOW)


def long_prompts(at: datetime) -> list[dict[str, Any]]:
    """Two turns of a busy conversation; the prompt of the second repeats the long one of the first (schema 3)."""
    first = [{"role": "user", "content": LONG}]
    second = [*first, {"role": "assistant", "content": "answer 6"}, {"role": "user", "content": "question 7"}]
    return [
        turn(6, at, "long", inputs={"messages": first}),
        turn(7, at + timedelta(minutes=2), "long", inputs={"messages": second}),
    ]


async def main(folder: Path) -> None:
    """Work once and end in order."""
    async with scripted(before()) as server:
        code, _ = await work(waiting(settings_for(server.url, folder), idle=IDLE))
    assert code == 0
    with tarfile.open(HERE / f"{migrations()[-1].number:04}.tar.gz", "w:gz") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix not in (".lock", ".reserve"):
                archive.add(path, path.relative_to(folder))


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        anyio.run(main, Path(scratch))
