"""No tracked file names a package registry's host or a path of one machine, holds a secret, or is half merged."""

import re
from pathlib import Path

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
UNMERGED = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
MAX_FILE_BYTES = 4 * 1024 * 1024


def test_there_is_something_to_look_at() -> None:
    kinds = {path.relative_to(ROOT).parts[0] for path in tracked_files()}
    assert kinds >= {".ci", ".github", "README.md", "config", "pyproject.toml", "src", "tests"}
    assert Path(__file__) in tracked_files()


def test_tracked_files_belong_to_no_machine_and_no_registry() -> None:
    found = {path.relative_to(ROOT).as_posix(): _faults(path) for path in tracked_files()}
    assert {name: faults for name, faults in found.items() if faults} == {}


def _faults(path: Path) -> list[str]:
    """Why a file does not belong into the repository."""
    raw = path.read_bytes()
    text = raw.decode("utf-8", "replace")
    faults = [f"names {host}: whoever installs chooses the index" for host in HOSTS if host in text]
    if len(raw) > MAX_FILE_BYTES:
        faults.append("is large")
    if path.suffix != ".lock":
        faults += [f"names a path of one machine: {found}" for found in MACHINE_PATH.findall(text)]
    faults += ["is half merged" for _ in UNMERGED.findall(text)]
    return faults + ["holds a key" for _ in LIVE_KEY.findall(text)]


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
