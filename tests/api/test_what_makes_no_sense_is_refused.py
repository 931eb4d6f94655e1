"""Arguments that make no sense end in one family of errors, whose words say what to write instead."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest

import trajworker as tj
from support.library import PROJECT, client, conversation, served

NOWHERE = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"since": 5}, "since is a text, a datetime or a timedelta, not int"),
        ({"until": b"7d"}, "until is a text, a datetime or a timedelta, not bytes"),
        ({"limit": "5"}, "limit is a number from 0 on, or None for all, not '5'"),
        ({"limit": -1}, "limit is a number from 0 on, or None for all, not -1"),
    ],
)
def test_listing(tmp_path: Path, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(tj.ConfigError) as refused:
        client(NOWHERE, tmp_path).list_conversations(**asked)
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"redactor": tj.PiiRedactor}, "not the class PiiRedactor: make one of it"),
        ({"redactor": "builtin"}, "redactor is an object derived from BasePiiRedactor, not str"),
        ({"bulk": True, "source": ""}, "source is empty"),
        ({"conversations": ["a", ""]}, "not an empty text"),
        ({"conversations": ["a", 5]}, "not int"),
    ],
)
def test_importing(tmp_path: Path, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(tj.ConfigError) as refused:
        client(NOWHERE, tmp_path).import_conversations(**asked)
    assert told in str(refused.value)


def test_loading_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(tj.NotATrajectory) as refused:
        next(tj.load(tmp_path / "nope"))
    assert str(refused.value) == f"there is nothing at {tmp_path / 'nope'}"
    assert isinstance(refused.value, FileNotFoundError)  # as it was before it was one of ours


@pytest.mark.parametrize("messages", [5, "hello", {"role": "user"}, True])
def test_a_map_whose_messages_are_no_list(messages: object) -> None:
    with pytest.raises(tj.ConfigError) as refused:
        tj.Trajectory.from_map({"messages": messages})
    assert str(refused.value) == f"messages is a list, not {type(messages).__name__}"


@pytest.mark.parametrize("terminal", [True, False])
def test_what_debug_tells_is_coloured_on_a_terminal_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    told = io.StringIO()
    monkeypatch.setattr(told, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", told)
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a"))
        assert len(client(url, tmp_path, debug=True).import_conversations()) == 1
    assert "page_staged" in told.getvalue()
    assert ("\x1b[" in told.getvalue()) is terminal
