"""What was purged comes back by no other way: not with another spelling of its project, not out of an open part."""

from contextlib import closing
from pathlib import Path

import httpx
import pytest

import trajworker as tj
from support.library import KEY, PROJECT, conversation, served
from trajworker.cli import main
from trajworker.sinks import publishing


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home" / ".trajectory"


def id_of(url: str) -> str:
    with closing(httpx.Client(base_url=url, headers={"x-api-key": KEY})) as http:
        return str(http.get("/sessions", params={"name": PROJECT}).json()[0]["id"])


def ids(out: Path) -> list[str]:
    return sorted(str(one.task.conversation_id) for one in tj.load(out))


def test_it_is_not_staged_again_for_another_spelling_of_its_project(tmp_path: Path, at_home: Path) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a") + conversation("b"))
        assert main(["import", "--endpoint", url, "--project", PROJECT, "--out", "first"]) == 0
        (staged,) = at_home.glob("*.db")
        assert main(["purge", "--conversation", "a", "--staging", str(staged)]) == 0
        project = id_of(url)
        httpx.patch(
            f"{url}/sessions/{project}", json={"name": "renamed"}, headers={"x-api-key": KEY}
        ).raise_for_status()
        local = url.replace("127.0.0.1", "localhost")
        for number, (endpoint, spelled) in enumerate([(url, project), (url, "renamed"), (local, "renamed")]):
            assert main(["import", "--endpoint", endpoint, "--project", spelled, "--out", f"again{number}"]) == 0
            assert ids(tmp_path / f"again{number}") == ["b"]
    assert list(at_home.glob("*.db")) == [staged]


def test_a_staging_file_that_an_older_release_named_as_the_project_was_spelled_goes_on(
    tmp_path: Path, at_home: Path
) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a") + conversation("b"))
        assert main(["import", "--endpoint", url, "--project", PROJECT, "--out", "first"]) == 0
        (staged,) = at_home.glob("*.db")
        former = staged.rename(staged.with_name(staged.name.replace(PROJECT, id_of(url))))
        assert main(["purge", "--conversation", "a", "--staging", str(former)]) == 0
        assert main(["import", "--endpoint", url, "--project", PROJECT, "--out", "again"]) == 0
    assert ids(tmp_path / "again") == ["b"]
    assert list(at_home.glob("*.db")) == [former]


@pytest.mark.parametrize("command", [["import", "--out", "{number}"], ["list"]])
def test_a_pattern_is_a_name_where_it_matches_one_project(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a"))
        asked = ["--endpoint", url, "--project", "support-*"]
        assert main([word.format(number=1) for word in command] + asked) == 0
        httpx.post(f"{url}/api/v1/sessions", json={"name": "support-too"}).raise_for_status()
        assert main([word.format(number=2) for word in command] + asked) == 78
    assert "'support-*' is a pattern and matches 'support-" in capsys.readouterr().err


def test_it_is_not_published_from_a_part_that_a_crash_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a", said="canary") + conversation("b"))
        run = ["run", "--once", "--endpoint", url, "--project", PROJECT, "--settle", "0s", "--idle", "0s"]
        with monkeypatch.context() as broken:
            broken.setattr(publishing, "place", full)
            assert main(run) == 74
        part = tmp_path / "trajectories" / ".0000000001.jsonl.part"
        assert "canary" in part.read_text("utf-8")
        capsys.readouterr()
        assert main(["purge", "--conversation", "a"]) == 0
        told = capsys.readouterr().out
        assert f"took 1 line out of {part}, which is not published yet\n" in told
        assert "still published" not in told
        assert "canary" not in part.read_text("utf-8")
        assert main(run) == 0
    assert ids(tmp_path / "trajectories") == ["b"]


def test_a_part_that_cannot_be_reached_is_told_of_and_the_purge_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a") + conversation("b"))
        run = ["run", "--once", "--endpoint", url, "--project", PROJECT, "--settle", "0s", "--idle", "0s"]
        with monkeypatch.context() as broken:
            broken.setattr(publishing, "place", full)
            assert main(run) == 74
        (tmp_path / "trajectories").rename(tmp_path / "away")
        assert main(["purge", "--conversation", "a"]) == 74
        told = capsys.readouterr().err
        (tmp_path / "away").rename(tmp_path / "trajectories")
        assert main(run) == 0
    assert ".0000000001.jsonl.part may still hold what was purged" in told
    assert ids(tmp_path / "trajectories") == ["b"]
