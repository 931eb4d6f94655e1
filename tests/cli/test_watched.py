"""Commands that may take long tell what they do: progress on a terminal, logs as the configuration asks for them."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from cli.test_streams import surroundings
from support.library import PROJECT, conversation, served

COMMANDS = pytest.mark.parametrize("command", ["list", "import"])


def read_until(terminal: int, wanted: str) -> str:
    told = ""
    while not re.search(wanted, told):
        told += os.read(terminal, 65536).decode()
    return told


def lines_of(url: str, folder: Path, *words: str | Path, **environment: str) -> list[dict[str, str]]:
    """What a command that ends well logs where nobody looks."""
    command = [sys.executable, "-m", "trajworker", *words, "--endpoint", url, "--project", PROJECT]
    env = surroundings(HOME=str(folder), **environment)
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    return [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]


@COMMANDS
def test_on_a_terminal_it_shows_how_long_a_silent_server_is_waited_for(tmp_path: Path, command: str) -> None:
    ours, theirs = pty.openpty()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        words = [sys.executable, "-m", "trajworker", command, "--project", PROJECT, "--endpoint", url]
        env = surroundings(HOME=str(tmp_path), TERM="xterm", LANGSMITH_API_KEY="canary")
        process = subprocess.Popen(words, env=env, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        with silent.accept()[0]:
            read_until(ours, r"\D[2-9] s")  # the first frames may come at once
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 75
    os.close(ours)


@COMMANDS
def test_what_was_read_and_written_is_told_where_debugging_is_asked_for(tmp_path: Path, command: str) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a"))
        words = ["a", "--out", "out"] if command == "import" else []
        told = lines_of(url, tmp_path, command, *words, TRAJWORKER_LOGGING_LEVEL="debug")
    names = {line["event"] for line in told}
    assert {"api_chosen", "page_read"} <= names
    assert ("conversation_written" in names) is (command == "import")


@COMMANDS
def test_a_file_says_what_is_logged(tmp_path: Path, command: str) -> None:
    (tmp_path / "quiet.toml").write_text('[logging]\nlevel = "error"\n')
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a"))
        assert [line["event"] for line in lines_of(url, tmp_path, command)] != []
        out = ["--out", "other"] if command == "import" else []
        assert lines_of(url, tmp_path, command, "--config", "quiet.toml", *out) == []


def test_an_import_of_files_tells_of_what_it_read_and_wrote(tmp_path: Path) -> None:
    (tmp_path / "runs.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, conversation("a"))))
    words = ("import", "--bulk", "runs.jsonl", "--out", "out")
    told = lines_of("http://localhost:9", tmp_path, *words, TRAJWORKER_LOGGING_LEVEL="debug")
    assert [line["event"] for line in told] == ["page_read", "conversation_written"]
