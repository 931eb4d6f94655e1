"""T2: the power fails at a write, sync or rename; what was said to be durable is.

`kill -9` alone is a weak test: what was written but not synced survives it. CI takes a few points,
TRAJWORKER_SWEEP=full every one.
"""

import sys
from pathlib import Path

import pytest

from faults.crashing import chosen, judge, kill_at, needs_strace, points, rehearse, snapshot
from faults.mounting import a_disk, needs_mount

AT_MOST = 16

pytestmark = [pytest.mark.slow, pytest.mark.root, needs_strace, needs_mount, pytest.mark.timeout(3600)]


def test_whatever_call_the_power_fails_at_a_restart_completes_it(tmp_path: Path) -> None:
    rehearse(tmp_path / "calm")
    (tmp_path / "counted").mkdir()
    cut = 0
    for point in chosen(points(tmp_path / "counted"), AT_MOST):
        with a_disk(tmp_path, tmp_path / "template.img") as disk:
            folder = disk.path / "work"
            folder.mkdir(mode=0o700)
            if not kill_at(folder, point):
                continue
            consumable = published_before(folder)
            disk.cut_power()
            cut += 1
            folder.mkdir(mode=0o700, exist_ok=True)  # before the first sync even the folder may be gone
            crash = snapshot(folder)
            try:
                assert {name: crash.finals.get(name) for name in consumable} == consumable, "published and lost"
                judge(folder, crash)
            except AssertionError as error:
                raise AssertionError(f"power failed at {point}") from error
    sys.stderr.write(f"{cut} power cuts\n")
    assert cut >= 12


def published_before(folder: Path) -> dict[str, bytes]:
    """Files that a consumer may have acted on: those whose manifest was made durable by the folder's sync after it.

    The newest manifest may still be on its way, so it is left out.
    """
    finals = snapshot(folder).finals
    manifests = sorted(
        (name for name in finals if name.endswith(".manifest.json")), key=lambda name: name.split("-")[1]
    )
    return {
        name: finals[name]
        for manifest in manifests[:-1]
        for name in (manifest, manifest.removesuffix(".manifest.json"))
    }
