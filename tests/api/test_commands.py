"""`trajworker list`, `import` and `diff` do in the shell what the library does."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

import trajworker as tj
from support.library import PROJECT, conversation, later, served
from trajworker.cli import main
from trajworker.staging.ownership import locked


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
        assert capsys.readouterr().out == "2 conversations in lines\n"
        assert main(["import", "a", *project, "--out", "lines"]) == 78
        assert "choose a new folder" in capsys.readouterr().err
        assert main(["import", "a", *project, "--out", "one"]) == 0
        assert capsys.readouterr().out == "1 conversation in one\n"
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


def test_a_project_is_imported_between_since_and_until_whatever_is_staged_already(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a", turns=3) + later(conversation("b"), timedelta(days=1)))
        project = ["--endpoint", url, "--project", PROJECT]
        bounds = ["--since", "2026-01-01T00:05:00Z", "--until", "2026-01-01T12:00:00Z"]
        assert main(["import", *project, *bounds, "--out", "fresh"]) == 0
        assert main(["import", *project, "--out", "all"]) == 0
        assert main(["import", *project, *bounds, "--out", "staged"]) == 0
        assert main(["import", "a", *project, *bounds, "--out", "none"]) == 78
    assert "--since and --until bound" in capsys.readouterr().err
    found = {name: list(tj.load(tmp_path / name)) for name in ("fresh", "all", "staged")}
    turns = {name: {str(one.task.conversation_id): len(one.turns) for one in ones} for name, ones in found.items()}
    assert turns == {"fresh": {"a": 2}, "all": {"a": 3, "b": 2}, "staged": {"a": 2}}


def test_what_went_on_after_until_is_fetched_when_it_is_named(tmp_path: Path) -> None:
    rows = conversation("a", turns=1, fillers=1)
    for row in rows[1:]:  # the root began before the end of what is asked for, its runs after it
        row["start_time"] = "2026-01-01T00:00:00.500000"
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, rows)
        project = ["--endpoint", url, "--project", PROJECT]
        assert main(["import", *project, "--until", "2026-01-01T00:00:00.200Z", "--out", "cut"]) == 0
        assert main(["import", "a", *project, "--out", "whole"]) == 0
    (whole,) = tj.load(tmp_path / "whole")
    assert whole.metrics is not None
    assert whole.metrics.llm_calls == 1


def test_an_import_beside_another_one_is_told_what_it_can_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a"))
        words = ["import", "--endpoint", url, "--project", PROJECT, "--out"]
        assert main([*words, "one"]) == 0
        (staged,) = (tmp_path / "home" / ".trajectory").glob("*.db")
        with locked(staged):
            assert main([*words, "two"]) == 75
            told = capsys.readouterr().err
            assert main([*words, "three", "--no-stage"]) == 0
    assert f"another import stages in {staged}: wait until it is done, import without staging (--no-stage" in told
    assert "library.storage_dir" in told
    assert "--staging" not in told


def test_imports_are_staged_where_the_configuration_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAJWORKER_LIBRARY_STORAGE_DIR", str(tmp_path / "imports"))
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a"))
        assert main(["import", "--endpoint", url, "--project", PROJECT, "--out", "lines"]) == 0
        configured = tj.Client(api_key="k", project_id=PROJECT, endpoint=url)
        (staged,) = (tmp_path / "imports").glob("*.db")
        before = staged.stat().st_mtime_ns
        assert len(configured.import_conversations(["a"])) == 1
        assert staged.stat().st_mtime_ns > before, "the library stages there too"
        assert main(["purge", "--conversation", "a", "--staging", str(staged)]) == 0
        named = tj.Client(api_key="k", project_id=PROJECT, endpoint=url, storage_dir=tmp_path / "named")
        assert len(named.import_conversations(["a"])) == 1
    assert len(list((tmp_path / "named").glob("*.db"))) == 1
    assert not (tmp_path / "home").exists()


def test_without_a_home_folder_the_setting_to_name_another_one_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody(path: Path) -> Path:
        if path.parts[:1] == ("~",):
            raise RuntimeError
        return path

    monkeypatch.setattr(Path, "expanduser", nobody)  # as for a numeric user of a container, who has no passwd entry
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a"))
        assert main(["import", "a", "--endpoint", url, "--project", PROJECT, "--format", "json"]) == 78
    assert "TRAJWORKER_LIBRARY_STORAGE_DIR" in capsys.readouterr().err


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


def test_what_was_purged_is_told_when_it_is_named_and_left_out_of_the_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a") + conversation("b"))
        project = ["--endpoint", url, "--project", PROJECT]
        assert main(["import", *project, "--out", "out"]) == 0
        (staged,) = (tmp_path / "home" / ".trajectory").glob("*.db")
        assert main(["purge", "--conversation", "a", "--staging", str(staged)]) == 0
        simulator.add_runs(PROJECT, later(conversation("a", turns=1), timedelta(days=1)))
        capsys.readouterr()
        assert main(["import", *project, "a", "b", "--out", "named"]) == 65
        told = capsys.readouterr().err
        assert "1 conversation could not be imported: a: it was purged here" in told
        assert "--no-stage" in told
        assert main(["import", *project, "--out", "whole"]) == 0
        assert main(["import", *project, "a", "--no-stage", "--out", "unstaged"]) == 0
    names = {out: [one.task.conversation_id for one in tj.load(out)] for out in ("named", "whole", "unstaged")}
    assert names == {"named": ["b"], "whole": ["b"], "unstaged": ["a"]}


AGES_AGO = timedelta(days=-20_000)


def test_what_is_older_than_any_tracing_is_listed_imported_and_followed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("new") + later(conversation("old"), AGES_AGO))
        project = ["--endpoint", url, "--project", PROJECT]
        assert main(["list", *project, "--json"]) == 0
        listed = [json.loads(line)["conversation_id"] for line in capsys.readouterr().out.splitlines()]
        assert main(["import", *project, "--out", "imported"]) == 0
        assert main(["run", "--once", *project, "--idle", "0s", "--settle", "0s", "--out", "followed"]) == 0
    assert listed == ["new", "old"]
    for out in ("imported", "followed"):
        assert {one.task.conversation_id for one in tj.load(tmp_path / out)} == {"new", "old"}


@pytest.mark.parametrize("command", ["list", "import", "run"])
@pytest.mark.parametrize(
    "bounds",
    [
        ("--since", "0001-01-01"),
        ("--since", "0001-01-01T00:00:00+14:00"),
        ("--until", "9999-12-31T23:59:59"),
        ("--until", "9999-12-31T23:59:59-12:00"),
    ],
)
def test_times_at_the_ends_of_the_calendar_bound_nothing(command: str, bounds: tuple[str, str], tmp_path: Path) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("a"))
        project = ["--endpoint", url, "--project", PROJECT, *bounds]
        out = [] if command == "list" else ["--out", str(tmp_path / "out")]
        once = ["--once", "--idle", "0s", "--settle", "0s"] if command == "run" else []
        # a range that ends in eight thousand years is never read to its end
        assert main([command, *project, *out, *once]) == (75 if once and bounds[0] == "--until" else 0)
    if out:
        assert [one.task.conversation_id for one in tj.load(tmp_path / "out")] == ["a"]
