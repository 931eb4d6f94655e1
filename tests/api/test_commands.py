"""`trajworker list`, `import` and `diff` do in the shell what the library does."""

import json
from pathlib import Path

import pytest

import trajworker as tj
from support.library import PROJECT, conversation, served
from trajworker.cli import main


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def test_conversations_are_listed_imported_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a", fillers=1) + conversation("b"))
        project = ["--endpoint", url, "--project", PROJECT]
        assert main(["list", *project, "--json"]) == 0
        listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert main(["list", *project]) == 0
        assert "a" in capsys.readouterr().out
        assert main(["import", "a", "b", *project, "--out", "lines"]) == 0
        assert main(["import", *project, "--out", "files", "--format", "json", "--no-stage"]) == 0
        assert main(["import", "nobody", *project, "--out", "none"]) == 78
    assert "'nobody'" in capsys.readouterr().err
    assert sorted(one["conversation_id"] for one in listed) == ["a", "b"]
    assert {one["num_turns"] for one in listed} == {2}
    assert sorted(str(one.task.conversation_id) for one in tj.load(tmp_path / "lines")) == ["a", "b"]
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == ["a.json", "b.json"]
    assert [path.name for path in (tmp_path / "home" / ".trajectory").glob("*.db")] != []
    assert main(["diff", "a", "a", "--in", "lines"]) == 0
    assert main(["diff", "files/a.json", "b", "--in", "lines", "--json"]) in (0, 1)


def test_a_bulk_file_is_imported_masked_as_configured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = conversation("a", said="I am ada@example.com") + conversation("b")
    (tmp_path / "runs.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (tmp_path / "mask.toml").write_text('[redaction]\nmode = "builtin"\n', "utf-8")
    assert main(["import", "--bulk", "runs.jsonl", "--out", "raw"]) == 0
    assert main(["import", "--bulk", "runs.jsonl", "--out", "masked", "--config", "mask.toml"]) == 0
    assert main(["import", "b", "--bulk", "runs.jsonl", "--out", "one", "--format", "json"]) == 0
    assert main(["import", "--bulk", "missing.jsonl", "--out", "none"]) == 78
    assert "nothing at missing.jsonl" in capsys.readouterr().err
    assert b"ada@" in b"".join(path.read_bytes() for path in (tmp_path / "raw").iterdir())
    assert b"ada@" not in b"".join(path.read_bytes() for path in (tmp_path / "masked").iterdir())
    assert len(list(tj.load(tmp_path / "masked"))) == 2
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["b.json"]
