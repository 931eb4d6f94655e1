"""`trajworker run --once`: what the exit code and the last line say about the range that was asked for."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.library import PROJECT, START, conversation, later, served
from trajworker.cli import main


@pytest.fixture(autouse=True)
def url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A project with one conversation, eight minutes old."""
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, later(conversation("t", turns=1), datetime.now(UTC) - timedelta(minutes=8) - START))
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("LANGSMITH_API_KEY", "canary")
        monkeypatch.setenv("TRAJWORKER_SOURCE_RATE_SCALE", "1000")
        monkeypatch.setenv("LANGSMITH_ENDPOINT", url)
        yield url


def run(*more: str) -> int:
    return main(["run", "--once", "--project", PROJECT, "--idle", "0s", *more])


@pytest.mark.parametrize(("since", "read"), [("1h", "read up to 20"), ("5m", "nothing of the range is read yet: ")])
def test_a_range_whose_end_has_not_settled_is_not_called_done(
    since: str, read: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--since", since, "--until", "1m") == 75
    told = capsys.readouterr()
    assert "emitted 0 revisions" in told.out
    assert read in told.out
    assert "run again after 20" in told.out
    assert "range_cut" in told.err


def test_a_range_whose_end_has_settled_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--since", "1h", "--until", "1m", "--settle", "30s") == 0
    assert "emitted 1 revision " in capsys.readouterr().out


def test_without_an_end_all_that_has_settled_is_all_that_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--since", "1h") == 0
    assert "read up to" not in capsys.readouterr().out
