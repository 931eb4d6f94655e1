"""A staging with a few finished conversations."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.staged import a_page, a_run
from trajworker.staging import Staging, open_staging


@pytest.fixture
async def staging(tmp_path: Path) -> AsyncIterator[Staging]:
    async with open_staging(tmp_path / "staging" / "s.db") as opened:
        await opened.stage(a_page([a_run(name, thread=name) for name in "abcdef"], 1))
        yield opened


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"
