"""Real commands at real pipes: what nobody reads changes neither the work nor its exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.conftest import Delivered
from support.library import PROJECT, conversation, served
from trajworker.trajectory.line import load

FAILS_TO_BE_WRITTEN = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
BUFFERINGS = pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
CONVERSATION = "1ba23872-0283-5cb5-bfa5-f2ac958da207"


def surroundings(**more: str) -> dict[str, str]:
    ours = ("LANG", "LC_", "PYTHON", "TRAJWORKER_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    kept |= {name: value for name, value in os.environ.items() if name == "PYTHONPATH"}
    return kept | {"TRAJWORKER_SOURCE_RATE_SCALE": "1000"} | more


def in_shell(line: str, *words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """The line run by bash, where `"$@"` is the command; pipes tell the code of their first command."""
    return subprocess.run(
        ["/bin/bash", "-c", f"{line}\nexit ${{PIPESTATUS[0]}}", "bash", sys.executable, "-m", "trajworker", *words],
        env=surroundings(**more),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def conversations(out: Path) -> list[str]:
    return [trajectory.task.conversation_id or "" for trajectory in load(out)]


def damaged(delivered: Delivered) -> Path:
    (file,) = delivered.out.glob("*.jsonl")
    file.write_bytes(file.read_bytes().replace(b"a", b"b", 1))
    return delivered.out


@BUFFERINGS
def test_a_reader_that_left_changes_no_exit_code(delivered: Delivered, unbuffered: str) -> None:
    buffering = {"PYTHONUNBUFFERED": unbuffered}
    line = '"$@" | true'
    assert in_shell(line, "diff", *conversations(delivered.out)[:2], "--in", delivered.out, **buffering).returncode == 1
    for words in (("run", "--help"), ("status", "--staging", delivered.staging), ("config", "--toml")):
        done = in_shell(line, *words, **buffering)
        assert (done.returncode, done.stderr) == (0, ""), words
    done = in_shell(line, "verify", damaged(delivered), **buffering)
    assert (done.returncode, "Broken" in done.stderr) == (74, False)


@BUFFERINGS
def test_a_run_whose_summary_nobody_reads_ends_with_the_code_of_its_log(tmp_path: Path, unbuffered: str) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a"))
        words = ("run", "--once", "--project", PROJECT, "--project", "nosuch", "--endpoint", url, "--settle", "0s")
        files = ("--out", tmp_path / "out", "--staging", tmp_path / "s.db")
        done = in_shell('"$@" | true', *words, *files, PYTHONUNBUFFERED=unbuffered)
    told = json.loads(done.stderr.splitlines()[-1])
    assert done.returncode == told["exit_code"] == 75


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_a_run_without_a_stream_does_its_work(tmp_path: Path, closed: str) -> None:
    files = ("--out", tmp_path / "out", "--staging", tmp_path / "s.db")
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a"))
        words = ("run", "--once", "--project", PROJECT, "--endpoint", url, "--settle", "0s", "--idle", "0s")
        done = in_shell(f'"$@" {closed}', *words, *files, "--since", "2020-01-01")
        listed = in_shell(f'"$@" {closed}', "list", "--project", PROJECT, "--endpoint", url)
    assert (done.returncode, listed.returncode) == (0, 0)
    assert conversations(tmp_path / "out") == ["a"]


@pytest.mark.parametrize("line", ['"$@" >&-', '"$@" | true', '"$@" 2>&-'])
def test_purge_erases_all_it_was_asked_to_whoever_listens(delivered: Delivered, line: str) -> None:
    for what in (("--conversation", CONVERSATION), ("--before", "1h")):
        erased = in_shell(line, "purge", "--staging", delivered.staging, *what, PYTHONUNBUFFERED="1")
        assert erased.returncode == 0
    told = in_shell('"$@"', "status", "--staging", delivered.staging, "--json").stdout
    assert json.loads(told)["projects"][0]["conversations"] == {"purged": 10}


@FAILS_TO_BE_WRITTEN
@pytest.mark.parametrize("closed", ["2>/dev/full", "2>&-"])
def test_a_complaint_that_nobody_reads_leaves_the_exit_code(delivered: Delivered, closed: str) -> None:
    assert in_shell(f'"$@" {closed}', "show", "nosuch", "--in", delivered.out).returncode == 78
    assert in_shell(f'"$@" {closed}', "rnu").returncode == 78


@FAILS_TO_BE_WRITTEN
@BUFFERINGS
def test_results_that_a_disk_would_not_take_are_a_failure(delivered: Delivered, unbuffered: str) -> None:
    for words in (("verify", delivered.out), ("--help",)):
        done = in_shell('"$@" >/dev/full', *words, PYTHONUNBUFFERED=unbuffered)
        assert (done.returncode, done.stderr) == (74, "trajworker: stdout: No space left on device\n")


@pytest.mark.parametrize(
    "narrow", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii"}]
)
def test_what_the_output_has_no_letter_for_is_escaped(tmp_path: Path, narrow: dict[str, str]) -> None:
    files = ("--out", tmp_path / "out", "--staging", tmp_path / "s.db")
    with served() as (simulator, url):
        simulator.add_runs("prüfung", conversation("Žižek", said="größer"))
        source = ("--project", "pr*", "--endpoint", url)
        timing = ("--settle", "0s", "--idle", "0s", "--since", "2020-01-01")
        done = in_shell('"$@"', "run", "--once", *source, *timing, *files, **narrow)
        assert (done.returncode, "emitted 1 revision" in done.stdout) == (0, True)
        listed = in_shell('"$@"', "list", *source, "--json", **narrow)
    assert json.loads(listed.stdout)["conversation_id"] == "Žižek"
    shown = in_shell('"$@"', "show", "", "--in", tmp_path / "out", **narrow)
    assert (shown.returncode, "gr\\xf6\\xdfer" in shown.stdout) == (0, True)
    told = in_shell('"$@"', "status", "--staging", tmp_path / "s.db", **narrow)
    assert (told.returncode, "pr\\xfcfung" in told.stdout) == (0, True)


def test_a_reader_sees_results_at_once_where_nothing_is_buffered(delivered: Delivered) -> None:
    done = in_shell('"$@" 2>&1', "verify", damaged(delivered), PYTHONUNBUFFERED="1")
    assert done.stdout.splitlines()[-1].startswith("whole:")
