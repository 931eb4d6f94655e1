"""No tracked file names a package registry's host, a path of the machine it was made on, or a secret."""

import re
from pathlib import Path

import pytest

from support.house import ROOT, tracked_files

DOT = "."
HOSTS = (
    "pypi" + DOT + "org",
    "pythonhosted" + DOT + "org",
    "npmjs" + DOT + "org",
    "deb" + DOT + "debian" + DOT + "org",
)
MACHINE_PATH = re.compile(r"(?:(?<![\w.])|(?<=\\n))/(?:work|farm|root|tmp)/[\w.]")
"""Also in a recorded traceback, behind a line break that JSON writes as two characters, or below a hidden folder."""
LIVE_KEY = re.compile(r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}")
MAX_FILE_BYTES = 4 * 1024 * 1024


def test_there_is_something_to_look_at() -> None:
    kinds = {path.relative_to(ROOT).parts[0] for path in tracked_files()}
    assert kinds >= {".ci", ".github", "README.md", "config", "pyproject.toml", "src", "tests"}
    assert Path(__file__) in tracked_files()


@pytest.mark.parametrize("path", tracked_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_tracked_file_belongs_to_no_machine_and_no_registry(path: Path) -> None:
    raw = path.read_bytes()
    assert len(raw) <= MAX_FILE_BYTES, "large files do not belong into the repository"
    text = raw.decode("utf-8", "replace")
    assert [host for host in HOSTS if host in text] == [], "whoever installs chooses the index"
    if path.suffix != ".lock":
        assert MACHINE_PATH.findall(text) == [], "a path of one machine"
    assert LIVE_KEY.findall(text) == [], "a key"


def test_the_root_is_quiet() -> None:
    entries = {path.relative_to(ROOT).parts[0] for path in tracked_files()}
    assert {entry for entry in entries if not entry.startswith(".")} <= {
        "Dockerfile",
        "README.md",
        "config",
        "pyproject.toml",
        "src",
        "tests",
    }
