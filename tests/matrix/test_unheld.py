"""A promise whose tests cannot run on a machine is named at the end, and fails where everything must run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from matrix.unheld import ALL_MUST_RUN, HEADLINE, claims, told
from support.house import ROOT

SYSCALLS = "faults/test_syscall_order.py::test_every_sync_stands_where_the_contract_says"


def without_strace(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a test that needs strace where there is none."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", ALL_MUST_RUN))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{SYSCALLS}"],
        cwd=ROOT,
        env=kept | {"PATH": str(folder)} | more,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_machine_without_strace_passes_and_says_loudly_what_nobody_held(tmp_path: Path) -> None:
    ended = without_strace(tmp_path)
    assert ended.returncode == 0, ended.stdout
    (line,) = [line for line in ended.stdout.splitlines() if HEADLINE in line]
    assert line.startswith(f"{HEADLINE}: promises P1 P3 P5, rows 46: 1 of their tests did not run (strace is missing")


@pytest.mark.slow
def test_where_everything_must_run_it_is_a_failure(tmp_path: Path) -> None:
    assert without_strace(tmp_path, **{ALL_MUST_RUN: "1"}).returncode == pytest.ExitCode.TESTS_FAILED


def test_skipped_tests_that_hold_nothing_are_not_told() -> None:
    assert told([("tests/house/test_sizes.py::test_x", "a reason")]) is None
    assert told([(f"tests/{SYSCALLS}", "Skipped: nothing to test: it cannot happen here")]) is None


def test_one_line_names_every_promise_and_row_and_each_reason_once() -> None:
    kills = "tests/faults/test_every_kill.py::test_whatever_call_the_process_dies_at_a_restart_completes_it"
    skipped = [(f"{kills}[{number}]", "Skipped: no strace") for number in range(3)]
    line = f"{HEADLINE}: promises P1 P3 P4 P5 P6, rows 45: 3 of their tests did not run (no strace)"
    assert told(skipped) == line


def test_classes_of_tests_are_claimed_too() -> None:
    assert any("::Test" in test for test in claims())
    assert told([("tests/staging/test_model.py::TestDelivery::runTest", "no")]) is not None


def test_a_file_that_skips_as_a_whole_leaves_open_what_all_its_tests_hold() -> None:
    line = told([("tests/faults/test_power_cuts.py", "Skipped: no mounts")])
    assert line == f"{HEADLINE}: promises P1 P3 P5, rows 46: 1 of their tests did not run (no mounts)"


def test_what_was_exported_for_the_tests_or_the_product_does_not_reach_the_product(tmp_path: Path) -> None:
    exported = {
        ALL_MUST_RUN: "1",
        "TRAJWORKER_SWEEP": "full",
        "TRAJWORKER_SINK_OUT": "elsewhere",
        "LANGSMITH_API_KEY": "k",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    asked = tmp_path / "test_it.py"
    asked.write_text(
        "import os\n\ndef test_it():\n"
        "    assert [name for name in os.environ if name.startswith(('TRAJWORKER_', 'LANGSMITH_'))] == []\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    ended = subprocess.run(
        [*command, "--confcutdir", str(ROOT), "-p", "conftest", str(asked)],
        cwd=ROOT / "tests",
        env=kept | exported | {"PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
