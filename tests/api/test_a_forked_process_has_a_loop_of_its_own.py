"""Pre-forking servers and `multiprocessing` fork after the library was used: a child waits for nothing that is gone."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from support.library import KEY, PROJECT, conversation, served

ENOUGH_S = 60
FORKING = """
import os, sys, warnings
import trajworker as tj

warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of any fork beside threads
client = tj.init(api_key=sys.argv[1], project_id=sys.argv[2], endpoint=sys.argv[3], storage_dir=sys.argv[4])
assert len(tj.import_conversations()) == 1
child = os.fork()
if child == 0:
    if sys.argv[5] == "used":
        assert len(tj.list_conversations()) == 1
        assert len(tj.import_conversations()) == 1
    sys.exit(7)
_, status = os.waitpid(child, 0)
assert len(tj.list_conversations()) == 1
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.parametrize("child", ["used", "unused"])
def test_a_child_can_read_on_and_ends_by_itself_and_so_does_its_parent(child: str, tmp_path: Path) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a"))
        forking = [sys.executable, "-c", FORKING, KEY, PROJECT, url, str(tmp_path), child]
        with subprocess.Popen(forking, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
            try:
                _, told = process.communicate(timeout=ENOUGH_S)
            finally:
                _end_group(process.pid)
    assert process.returncode == 7, told


def _end_group(leader: int) -> None:
    """End a child that waits for ever, which would outlive the test."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
