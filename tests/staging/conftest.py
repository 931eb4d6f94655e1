"""Staging as a file and in memory: whatever holds for one holds for the other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from trajworker.staging import Staging, open_staging


@pytest.fixture(params=["file", "memory"])
async def staging(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Staging]:
    target = tmp_path / "staging.db" if request.param == "file" else ":memory:"
    async with open_staging(target) as opened:
        yield opened
