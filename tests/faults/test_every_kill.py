"""T1: the process is killed at every write, sync, rename, truncation and removal; nothing is lost or said twice.

CI takes some points of each kind; TRAJWORKER_SWEEP=full takes every one.
"""

import sys
from pathlib import Path

import pytest

from faults.crashing import chosen, judge, kill_at, needs_strace, points, rehearse, snapshot

AT_MOST = 32

pytestmark = [pytest.mark.slow, needs_strace, pytest.mark.timeout(3600)]


def test_whatever_call_the_process_dies_at_a_restart_completes_it(tmp_path: Path) -> None:
    rehearse(tmp_path / "calm")
    (tmp_path / "counted").mkdir()
    every = points(tmp_path / "counted")
    assert len(every) >= 400
    killed = 0
    for point in chosen(every, AT_MOST):
        folder = tmp_path / str(point)
        folder.mkdir()
        if kill_at(folder, point):
            killed += 1
            try:
                judge(folder, snapshot(folder))
            except AssertionError as error:
                raise AssertionError(f"killed at {point}") from error
    sys.stderr.write(f"{killed} kill points of {len(every)}\n")
    assert killed >= 24
