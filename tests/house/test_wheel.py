"""The wheel holds what belongs to it: the licence, guides, sample and schema, and nothing of the tests."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support.house import ROOT


def test_the_wheel_holds_the_licence_and_everything_that_is_not_code(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="what builds the wheel is in the locks, but not installed here")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as held:
        names = set(held.namelist())
        (licence,) = [name for name in names if name.endswith(".dist-info/licenses/.github/LICENSE")]
        assert held.read(licence) == (ROOT / ".github" / "LICENSE").read_bytes()
    package = ROOT / "src" / "trajworker"
    kept = {
        path.relative_to(ROOT / "src").as_posix()
        for path in package.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {name for name in names if not name.partition("/")[0].endswith(".dist-info")} == kept
    assert {"trajworker/guides/output.md", "trajworker/py.typed", "trajworker/sample/runs.jsonl"} <= names


def test_the_image_is_built_with_the_licence() -> None:
    assert "COPY .github/LICENSE .github/LICENSE" in (ROOT / "Dockerfile").read_text("utf-8")
    assert "!.github/LICENSE" in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
