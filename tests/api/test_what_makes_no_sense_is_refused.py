"""Arguments that make no sense end in one family of errors, whose words say what to write instead."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import trajworker as tj
from support.library import PROJECT, client, conversation, served
from trajworker.staging import MEMORY, open_staging

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
        ({"conversations": 5}, "conversations is a list of ids or summaries, one of them, or None for all, not int"),
    ],
)
def test_importing(tmp_path: Path, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(tj.ConfigError) as refused:
        client(NOWHERE, tmp_path).import_conversations(**asked)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"api_key": 5}, "api_key is a text, not int"),
        ({"api_key": b"key"}, "api_key is a text, not bytes"),
        ({"storage_dir": None}, "storage_dir is the path of a folder, not NoneType"),
        ({"project_id": 5}, "source.projects: write a text"),
    ],
)
def test_beginning(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(tj.ConfigError) as refused:
        tj.init(**{"api_key": "any", "project_id": PROJECT, **asked})
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("masked", "told"),
    [
        (lambda: tj.PiiRedactor().redact(None), "takes text, not NoneType"),  # type: ignore[arg-type]
        (lambda: tj.PiiRedactor().redact(b"x"), "takes text, not bytes"),  # type: ignore[arg-type]
        (lambda: tj.PiiRedactor().redact_batch("x"), "takes a list of texts, not str"),
        (lambda: tj.PiiRedactor().preview([1]), "takes text, not int"),  # type: ignore[list-item]
        (lambda: tj.PiiRedactor().preview(None), "takes a list of texts, not NoneType"),  # type: ignore[arg-type]
        (lambda: tj.PiiRedactor(secret="x"), "secret is bytes, not str"),  # type: ignore[arg-type]  # noqa: S106 - none
    ],
    ids=["nothing", "bytes", "batch", "number", "preview", "secret"],
)
def test_masking(masked: Callable[[], object], told: str) -> None:
    with pytest.raises(tj.ConfigError) as refused:
        masked()
    assert told in str(refused.value)


def test_a_source_is_read_without_bulk_too(tmp_path: Path) -> None:
    """It is the path of a local export, so nothing is asked of the API, which is nowhere here."""
    (tmp_path / "runs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in conversation("a")))
    found = client(NOWHERE, tmp_path).import_conversations(source=tmp_path / "runs.jsonl", stage=False)
    assert [one.task.conversation_id for one in found] == ["a"]
    with pytest.raises(tj.ConfigError, match="source is empty"):
        client(NOWHERE, tmp_path).import_conversations(source="")


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
    monkeypatch.delenv("NO_COLOR", raising=False)
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a"))
        assert len(client(url, tmp_path, debug=True).import_conversations()) == 1
    assert "page_staged" in told.getvalue()
    assert ("\x1b[" in told.getvalue()) is terminal


def test_half_of_a_surrogate_pair_is_no_id(tmp_path: Path) -> None:
    with pytest.raises(tj.ConfigError, match="ConversationSummary objects, not a text with half of a surrogate pair"):
        client(NOWHERE, tmp_path).import_conversations(["\ud800"])


def test_a_step_that_is_given_a_list_keeps_a_tuple() -> None:
    said = tj.Message(role=tj.Role.USER, content="x")
    assert tj.Step(messages=[said]).messages == (said,)


def test_staging_without_asyncio_says_what_is_needed(tmp_path: Path) -> None:
    for place in (MEMORY, tmp_path / "staging.db"):
        with pytest.raises(tj.ConfigError, match="under asyncio's event loop only"):
            open_staging(place).__aenter__().send(None)  # as another event loop takes the first step
    assert list(tmp_path.iterdir()) == []
