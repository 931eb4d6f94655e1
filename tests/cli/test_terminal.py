"""Real commands at a pipe and at a terminal: strangers' text cannot act on it, and what tables are for is not cut."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cli.test_streams import surroundings
from support.library import conversation, run_id, served, turn

COLOURS = re.compile("\x1b\\[[0-9;]*m")
ACTS = "\x1b[2J\x1b]0;taken\x07\u202e\x9b2J"
ACTING = ("\x1b[2J", "\x1b]", "\x07", "\u202e", "\x9b")
HOSTILE = f"[x] :smile: {ACTS}"
SAID = f"one {ACTS}\n\ttwo\u3000語\u00a0end [b]"
LONG_ID = "0f9a2c31-5d7e-4b60-9c1d-8e2f3a4b5c6d"
CALL = {"id": "c", "type": "function", "function": {"name": f"find{ACTS}[i]", "arguments": '{"q": "\u009b2J"}'}}


def hostile_runs() -> list[dict[str, Any]]:
    history = [
        {"role": "user", "content": SAID},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": f"found {ACTS}"},
        {"role": "assistant", "content": "done"},
    ]
    rows = turn(f"thread{HOSTILE}", 0, history)
    rows[0] |= {"name": f"agent{HOSTILE}", "session_id": run_id("another project")}
    return rows


@pytest.fixture
def url() -> Iterator[str]:
    with served() as (simulator, url):
        simulator.add_runs(HOSTILE, hostile_runs())
        rows = conversation(LONG_ID)
        rows[0]["name"] = "the name of an agent that nobody would want to read to its very end in any table"
        simulator.add_runs("a project with a name so long that no screen of eighty columns has the room", rows)
        yield url


def piped(*words: str | Path) -> str:
    """What a command says where stdout is a pipe; it must end well."""
    command = [sys.executable, "-m", "trajworker", *words]
    done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def on_screen(*words: str | Path, columns: int = 80) -> str:
    """What a command says where stdout is a terminal, without its own colours."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "trajworker", *words]
    environment = surroundings(COLUMNS=str(columns), TERM="xterm")
    process = subprocess.Popen(command, env=environment, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    told = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    assert process.wait(60) == 0
    return COLOURS.sub("", told.decode())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # so Linux says that nobody writes to it any more
        return b""


def staged(url: str, place: Path, project: str = "*") -> tuple[Path, Path]:
    files = ("--out", place / "out", "--staging", place / "s.db")
    timing = ("--settle", "0s", "--idle", "0s", "--since", "2020-01-01")
    piped("run", "--once", "--project", project, "--endpoint", url, *timing, *files)
    return place / "out", place / "s.db"


def test_nothing_that_was_recorded_acts_on_the_terminal(url: str, tmp_path: Path) -> None:
    out, staging = staged(url, tmp_path)
    for words in (
        ("show", "thread", "--in", out, "--steps"),
        ("status", "--staging", staging),
        ("list", "--project", "[[]x*", "--endpoint", url),
    ):
        for told in (piped(*words), on_screen(*words, columns=250)):
            assert [sign for sign in ACTING if sign in told] == [], (words, told)
            assert "[x] :smile: \\x1b[2J\\x1b]0;taken\\x07\\u202e\\x9b2J" in told, words


def test_a_message_keeps_its_lines_and_the_spaces_of_its_language(url: str, tmp_path: Path) -> None:
    told = piped("show", "thread", "--in", staged(url, tmp_path)[0])
    lines = [line.strip() for line in told.splitlines()]
    assert "two\u3000語\u00a0end [b]" in lines
    assert any("find\\x1b[2J" in line and "[i]" in line for line in lines)


def test_a_complaint_about_what_was_recorded_cannot_act_either(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "trajworker", "status", "--staging", str(tmp_path / f"a{ACTS[:4]}")]
    done = subprocess.run(words, env=surroundings(), capture_output=True, text=True, check=False)
    assert (done.returncode, "\x1b" in done.stderr, "\\x1b[2J" in done.stderr) == (78, False, True)


def test_a_table_in_a_pipe_is_whole_however_narrow_the_screen(url: str, tmp_path: Path) -> None:
    _, staging = staged(url, tmp_path)
    rows = [line for line in piped("status", "--staging", staging).splitlines() if line.startswith("a project")]
    assert len(rows) == 1
    moment = next(word for word in rows[0].split() if word.startswith("20"))
    assert datetime.fromisoformat(moment).tzinfo is not None
    assert "has the room " in rows[0]
    listed = piped("list", "--project", "a project*", "--endpoint", url).splitlines()
    assert listed[0].split() == ["conversation", "turns", "first", "seen", "last", "seen", "runs"]
    assert listed[1].split()[:2] == [LONG_ID, "2"]
    assert "in any table" in listed[1]


def test_on_a_narrow_screen_ids_and_times_are_whole_and_names_are_marked_as_cut(url: str, tmp_path: Path) -> None:
    _, staging = staged(url, tmp_path)
    listed = on_screen("list", "--project", "a project*", "--endpoint", url).splitlines()
    assert listed[1].split()[:2] == [LONG_ID, "2"]
    assert listed[1].rstrip().endswith("…")
    told = on_screen("status", "--staging", staging)
    assert "+00:00" in told
    assert "\na proj…  20" in told
