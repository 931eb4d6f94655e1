"""A command that is ended before it is done says so by its exit code, whichever signal ended it and whenever."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

STOPPED = (75, "", "trajworker: stopped before it was done; run it again\n")
SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])


def begun(folder: Path, module: str, *words: str | Path) -> "subprocess.Popen[str]":
    """A command as a shell starts it: a coverage that is measured asks for SIGTERM itself."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    return subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=folder,
        env={**surroundings, "HOME": str(folder), "LANGSMITH_API_KEY": "canary"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]", number: int) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


@SIGNALS
@pytest.mark.parametrize("command", ["list", "import"])
def test_while_a_server_is_waited_for(tmp_path: Path, command: str, number: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = begun(tmp_path, "trajworker", command, "--project", "p", "--endpoint", url)
        with silent.accept()[0]:
            assert ended(process, number) == STOPPED


@SIGNALS
def test_before_the_worker_has_begun(tmp_path: Path, number: int) -> None:
    os.mkfifo(tmp_path / "config.toml")
    process = begun(tmp_path, "trajworker", "run", "--config", tmp_path / "config.toml")
    with (tmp_path / "config.toml").open("w"):  # waits until it is read, which has no end
        assert ended(process, number) == STOPPED


def test_within_code_that_python_makes_of_a_string(tmp_path: Path) -> None:
    (tmp_path / "ended.py").write_text(
        "import os, signal, sys\n"
        "from trajworker import cli\n"
        "cli.parse = lambda words: exec('os.kill(os.getpid(), signal.SIGTERM)')\n"
        "sys.exit(cli.main([]))\n"
    )
    process = begun(tmp_path, "ended")
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == STOPPED
