"""T3: the order of system calls, since ext4 and XFS hide a missing sync of a folder from every power cut."""

from pathlib import Path

import pytest

from faults.crashing import needs_strace, traced
from faults.ordering import violations

pytestmark = [pytest.mark.slow, needs_strace]


def test_every_sync_stands_where_the_contract_says(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    assert violations(traced(folder), folder) == []
