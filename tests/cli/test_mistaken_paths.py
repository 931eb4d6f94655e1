"""Paths that may not be used, and paths that name something else: told as such, never as a disk that failed."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.conftest import Delivered
from support.rights import held_to_modes
from trajworker.errors import EXIT_CONFIG, EXIT_NOT_ALLOWED

STAGING, LOCK, PUBLISHED, MANIFEST = "staging.db", "staging.db.lock", "*.jsonl", "*.manifest.json"
TOO_LONG = "n" * 300
READING = ("status", "--staging", STAGING)
WRITING = ("purge", "--before", "9000d", "--staging", STAGING)
VERIFYING = ("verify", "out")
REPAIRING = ("repair", "--staging", STAGING, "--out", "out")


def told(folder: Path, *words: str) -> tuple[int, str]:
    """The exit code of a command in that folder, held to the rights of files, and what it says on stderr."""
    command = held_to_modes([sys.executable, "-m", "trajworker", *words])
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("name", "mode", "words"),
    [
        (STAGING, 0o000, READING),
        (STAGING, 0o000, WRITING),
        (STAGING, 0o400, WRITING),
        (LOCK, 0o000, WRITING),
        (PUBLISHED, 0o000, VERIFYING),
        (PUBLISHED, 0o000, REPAIRING),
        (MANIFEST, 0o000, VERIFYING),
        (MANIFEST, 0o000, REPAIRING),
    ],
)
def test_a_file_whose_rights_forbid_it_is_named_as_not_allowed(
    delivered: Delivered, name: str, mode: int, words: tuple[str, ...]
) -> None:
    folder = delivered.staging.parent
    (file,) = (found for place in (folder, delivered.out) for found in place.glob(name))
    file.chmod(mode)
    code, said = told(folder, *words)
    file.chmod(0o600)
    assert (code, file.name in said, "change its rights" in said) == (EXIT_NOT_ALLOWED, True, True)
    assert "disk" not in said


@pytest.mark.parametrize(
    "words",
    [
        ("status", "--staging", TOO_LONG),
        ("purge", "--before", "1d", "--staging", TOO_LONG),
        ("run", "--once", "--endpoint", "http://127.0.0.1:9", "--project", "p", "--staging", TOO_LONG),
        ("verify", TOO_LONG),
        ("show", "x", "--in", TOO_LONG),
    ],
)
def test_a_name_that_no_file_can_have_is_a_wrong_path(tmp_path: Path, words: tuple[str, ...]) -> None:
    code, said = told(tmp_path, *words)
    assert (code, "File name too long; name another" in said) == (EXIT_CONFIG, True)


@pytest.mark.parametrize("words", [READING, WRITING, REPAIRING])
def test_a_folder_in_place_of_a_staging_file_is_told_as_one(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / STAGING).mkdir()
    (tmp_path / "out").mkdir()
    code, said = told(tmp_path, *words)
    assert (code, f"{STAGING} is a folder; name a file" in said, "remove" in said) == (EXIT_CONFIG, True, False)


def test_a_folder_with_files_of_another_staging_is_a_wrong_path_and_no_failed_disk(delivered: Delivered) -> None:
    worker = ("run", "--once", "--endpoint", "http://127.0.0.1:9", "--project", "p", "--out", "out")
    code, said = told(delivered.staging.parent, *worker, "--staging", "other.db")
    assert (code, "choose another --out" in said) == (EXIT_CONFIG, True)
