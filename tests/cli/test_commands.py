"""What a person types and sees, command by command, in this process; `tests/e2e` starts real ones."""

import io
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import anyio
import msgspec
import pytest
from msgspec.structs import replace

import trajworker as tj
from cli.conftest import Delivered
from support.library import conversation
from support.rights import held_to_modes
from support.staged import a_page, a_run, named
from trajworker.cli import main, status
from trajworker.errors import NotATrajectory, StagingFull
from trajworker.model.run import Project
from trajworker.staging import Figures, ProjectFigures, open_staging
from trajworker.staging.ownership import locked
from trajworker.trajectory.line import load

Say = Callable[..., tuple[int, str, str]]
CONVERSATION = "1ba23872-0283-5cb5-bfa5-f2ac958da207"
"""One of the sample."""


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Say:
    """Type a command; returns exit code, stdout and stderr."""
    for name in list(os.environ):
        if name.startswith(("LANGSMITH_", "LANGCHAIN_", "TRAJWORKER_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def typed(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        told = capsys.readouterr()
        return code, told.out, told.err

    return typed


def test_demo_runs_the_worker_and_says_what_to_type_next(say: Say, tmp_path: Path) -> None:
    code, out, _ = say("demo", "--out", tmp_path / "files")
    assert code == 0
    assert "emitted 10 revisions" in out
    assert f"--in {tmp_path / 'files'}" in out
    assert len(list(load(tmp_path / "files"))) == 10


def test_demo_into_a_folder_that_holds_files_asks_for_a_new_one(say: Say, delivered: Delivered) -> None:
    code, out, err = say("demo", "--out", delivered.out)
    assert (code, out, err.count("\n")) == (78, "", 1)
    assert f"{delivered.out} holds files already; choose a new folder" in err
    assert "--staging" not in err


def test_show_finds_a_conversation_by_the_beginning_of_its_id(say: Say, delivered: Delivered) -> None:
    code, out, _ = say("show", "1ba23872", "--in", delivered.out, "--steps")
    assert code == 0
    assert "calculator" in out
    assert "revision 1 (on_time)" in out
    assert "saw" in out


def test_show_says_when_there_is_none_or_more_than_one(say: Say, delivered: Delivered) -> None:
    code, _, err = say("show", "nothing-like-it", "--in", delivered.out)
    assert (code, "no conversation nothing-like-it" in err) == (78, True)
    code, _, err = say("show", "", "--in", delivered.out)
    assert (code, "10 conversations" in err) == (78, True)


def test_show_of_a_revision_that_is_not_there_says_which_are(say: Say, delivered: Delivered) -> None:
    code, _, err = say("show", "1ba23872", "--revision", "2", "--in", delivered.out)
    assert (code, err.count("\n")) == (78, 1)
    assert f"1ba23872-0283-5cb5-bfa5-f2ac958da207 has no revision 2 in {delivered.out}, only 1\n" in err
    code, _, err = say("show", "nothing-like-it", "--revision", "2", "--in", delivered.out)
    assert (code, "no conversation nothing-like-it" in err) == (78, True)


def test_a_thread_id_of_two_projects_is_told_and_one_of_them_is_chosen(say: Say, tmp_path: Path) -> None:
    def of(project: str, revision: int, text: str) -> tj.Trajectory:
        made = tj.Trajectory.from_messages([{"role": "user", "content": text}])
        origin = tj.Origin(project_id=f"id of {project}", project=project)
        return replace(made, task=tj.Task(conversation_id="thread-1"), revision=revision, origin=origin)

    tj.save([of("one", 1, "first"), of("two", 2, "other"), of("one", 3, "third")], tmp_path / "out", format="jsonl")
    place = ("--in", tmp_path / "out")
    for words in (("show", "thread"), ("show", "thread-1"), ("diff", "thread-1", "thread-1")):
        code, _, err = say(*words, *place)
        assert (code, err.count("\n")) == (78, 1)
        assert "(one, two) have a conversation thread-1: choose one with --project\n" in err
    assert "third" in say("show", "thread-1", *place, "--project", "one")[1]
    assert "other" in say("show", "thread-1", *place, "--project", "id of two")[1]
    assert say("diff", "thread-1", "thread-1", *place, "--project", "two")[0] == 0
    assert "third" in say("show", "thread-1", *place, "--revision", "3")[1]
    assert "no conversation thread-1 in" in say("show", "thread-1", *place, "--project", "three")[2]


def lines_of(place: Path, told: list[tuple[str, str, int]]) -> tuple[str, Path]:
    """Revisions of a conversation that say which they are, each with its project: id, name, revision."""
    made = [
        replace(
            tj.Trajectory.from_messages([{"role": "user", "content": f"{home} {number}"}]),
            task=tj.Task(conversation_id="thread-1"),
            revision=number,
            origin=tj.Origin(project_id=home, project=name),
        )
        for home, name, number in told
    ]
    tj.save(made, place, format="jsonl")
    return "--in", place


def test_projects_of_one_name_are_told_apart_by_their_ids_when_show_asks(say: Say, tmp_path: Path) -> None:
    place = lines_of(tmp_path / "out", [("id-1", "bot", 1), ("id-2", "bot", 1), ("id-3", "other", 1)])
    for words in ((), ("--project", "bot")):
        code, _, err = say("show", "thread-1", *place, *words)
        assert (code, "(id-1, id-2" in err) == (78, True)
    assert "id-2 1" in say("show", "thread-1", *place, "--project", "id-2")[1]


def test_a_project_that_was_renamed_is_one_project_by_both_names(say: Say, tmp_path: Path) -> None:
    place = lines_of(tmp_path / "out", [("id-1", "old", 1), ("id-1", "new", 2)])
    for words in ((), ("--project", "old"), ("--project", "new"), ("--project", "id-1")):
        assert "id-1 2" in say("show", "thread-1", *place, *words)[1]
    assert "id-1 1" in say("show", "thread-1", *place, "--project", "new", "--revision", "1")[1]


def test_a_name_that_another_project_has_now_is_that_one_s(say: Say, tmp_path: Path) -> None:
    place = lines_of(tmp_path / "out", [("id-1", "bot", 1), ("id-1", "retired", 2), ("id-2", "bot", 1)])
    assert "id-2 1" in say("show", "thread-1", *place, "--project", "bot")[1]


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_diff_on_a_terminal_is_coloured_unless_that_is_forbidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_color: str, *, coloured: bool
) -> None:
    for name, tool in (("a", "find"), ("b", "book")):
        call = {"id": "c", "type": "function", "function": {"name": tool, "arguments": "{}"}}
        answer = {"role": "assistant", "content": "", "tool_calls": [call]}
        tj.save([tj.Trajectory.from_messages([answer])], tmp_path / name, format="jsonl")
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setenv("NO_COLOR", no_color)
    sides = [str(next((tmp_path / name).glob("*.jsonl"))) for name in ("a", "b")]
    assert main(["diff", *sides]) == 1
    assert "book" in shown.getvalue()
    assert ("\x1b[" in shown.getvalue()) is coloured


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--bulk", ""), "--bulk names nothing"),
        (("",), "an id is empty"),
        (("\udcfcber",), r"'\udcfcber' is not UTF-8"),
    ],
)
def test_import_of_an_empty_name_is_refused_in_words(
    say: Say, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    source = ("--project", "p", "--endpoint", "http://127.0.0.1:1")
    code, _, err = say("import", *words, *source, "--out", tmp_path / "out")
    assert (code, told in err, (tmp_path / "out").exists()) == (78, True, False)


@pytest.mark.parametrize("words", [("show", "3f0c"), ("diff", "a", "b")])
def test_a_folder_that_is_not_there_is_one_line_that_says_how_to_name_it(
    say: Say, tmp_path: Path, words: tuple[str, ...]
) -> None:
    code, _, err = say(*words, "--in", tmp_path / "missing")
    assert (code, err.count("\n")) == (78, 1)
    assert f"there is nothing at {tmp_path / 'missing'}" in err


@pytest.mark.parametrize("place", ["out", "missing"])
def test_diff_of_a_file_that_is_not_there_says_that_it_is_missing(say: Say, delivered: Delivered, place: str) -> None:
    code, _, err = say("diff", "before.jsonl", "1ba23872", "--in", delivered.out.with_name(place))
    assert (code, "there is no file before.jsonl" in err) == (78, True)


@pytest.mark.parametrize("words", [("show", "1ba23872"), ("diff", "1ba23872", "1ba23872")])
def test_what_consumers_left_is_found_where_they_are_expected_to_take_files(
    say: Say, delivered: Delivered, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    (first,) = delivered.out.glob("*.manifest.json")
    taken = first.with_name("trajectories-0000000002.jsonl")
    first.with_name(f"{taken.name}.manifest.json").write_bytes(first.read_bytes())
    code, _, err = say(*words, "--in", delivered.out)
    assert (code, f"{taken} is missing" in err) == (65, True)
    monkeypatch.setenv("TRAJWORKER_SINK_CONSUMED", "expected")
    code, out, err = say(*words, "--in", delivered.out)
    assert (code, err) == (0, "")
    assert "calculator" in out


def failing(error: Exception) -> Callable[..., int]:
    def main(_asked: object) -> int:
        raise error

    return main


def test_what_the_system_refuses_is_one_line_and_the_code_of_a_disk_that_failed(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = ExceptionGroup("two tasks", [OSError(28, "No space left on device", "/full"), OSError(5, "I/O error")])
    monkeypatch.setattr(status, "main", failing(refusal))
    assert say("status") == (
        *(74, ""),
        "trajworker: /full: No space left on device\ntrajworker: I/O error\n",
    )


def test_one_cause_that_ended_several_tasks_is_told_once(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    full = [StagingFull("no space left for the staging file s.db; free some and go on") for _ in range(3)]
    monkeypatch.setattr(status, "main", failing(ExceptionGroup("three tasks", full)))
    assert say("status") == (74, "", f"trajworker: {full[0]}\n")


def test_what_nobody_foresaw_is_one_line_that_names_the_place_and_tells_no_payload(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "main", failing(ValueError("what a user said")))
    code, _, err = say("status")
    assert (code, err.count("\n")) == (70, 1)
    assert f"ValueError in {__name__}:" in err
    monkeypatch.setenv("TRAJWORKER_LOGGING_LEVEL", "debug")
    way = say("status")[2]
    assert "in main" in way
    assert "user said" not in err + way


@pytest.mark.parametrize(("command", "several"), [("run", True), ("list", False), ("import", False)])
def test_help_promises_several_projects_where_several_are_read(say: Say, command: str, *, several: bool) -> None:
    code, out, _ = say(command, "--help")
    assert (code, "may be repeated" in out, "the one project" in out) == (0, several, not several)


def test_status_tells_what_staging_holds(say: Say, delivered: Delivered) -> None:
    code, out, _ = say("status", "--staging", delivered.staging)
    assert code == 0
    assert "demo" in out
    assert "revisions emitted: 10" in out
    assert "delivered" not in out
    code, out, _ = say("status", "--staging", delivered.staging, "--json")
    assert json.loads(out)["emissions"] == 10


def test_status_without_a_staging_file_says_how_to_name_it(say: Say, tmp_path: Path) -> None:
    code, _, err = say("status", "--staging", tmp_path / "none.db")
    assert (code, "--staging" in err) == (78, True)


def test_status_reads_a_copy_where_nothing_may_be_written(delivered: Delivered, tmp_path: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir()
    shutil.copy(delivered.staging, folder / "s.db")
    command = held_to_modes([sys.executable, "-m", "trajworker", "status", "--staging", str(folder / "s.db")])
    for logged in (False, True):
        (folder / "s.db-wal").write_bytes(b"x" * 64) if logged else None
        folder.chmod(0o500)
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        folder.chmod(0o700)
        if logged:
            assert (told.returncode, "copy both into a folder of yours" in told.stderr) == (74, True)
        else:
            assert (told.returncode, "revisions emitted: 10" in told.stdout, told.stderr) == (0, True, "")


@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_an_import_into_a_folder_that_may_not_be_written_is_not_allowed_in_either_format(
    tmp_path: Path, form: str
) -> None:
    (tmp_path / "runs.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, conversation("a"))))
    (tmp_path / "out").mkdir(mode=0o500)
    command = [sys.executable, "-m", "trajworker", "import", "--bulk", "runs.jsonl", "--out", "out", "--format", form]
    told = subprocess.run(held_to_modes(command), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (told.returncode, str(tmp_path / "out") in told.stderr or "out:" in told.stderr) == (77, True)
    assert "choose a" in told.stderr


def test_help_of_status_tells_of_every_figure(say: Say) -> None:
    _, out, _ = say("status", "--help")
    named_there = {"id", "name", "projects"}  # whose figures they are
    figures = {*Figures.__struct_fields__, *ProjectFigures.__struct_fields__} - named_there
    assert {figure for figure in figures if figure not in out} == set()


def test_status_of_a_file_that_holds_no_staging_says_so(say: Say, tmp_path: Path) -> None:
    empty, foreign = tmp_path / "empty.db", tmp_path / "foreign.db"
    empty.touch()
    code, _, err = say("status", "--staging", empty)
    assert (code, "is empty: no worker has used it yet" in err) == (78, True)
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE conversations (id)")
    code, _, err = say("status", "--staging", foreign)
    assert (code, "is no staging file of trajworker" in err) == (65, True)


def test_a_staging_file_of_a_newer_release_is_told_with_its_path(say: Say, delivered: Delivered) -> None:
    with closing(sqlite3.connect(delivered.staging)) as connection:
        connection.execute("PRAGMA user_version = 999")
    for words in (("status",), ("purge", "--conversation", CONVERSATION)):
        code, out, err = say(*words, "--staging", delivered.staging)
        assert (code, out, err.count("\n")) == (78, "", 1)
        assert f"the staging file {delivered.staging} has schema 999" in err


def test_verify_finds_every_change_to_a_published_file(say: Say, delivered: Delivered) -> None:
    code, out, _ = say("verify", delivered.out)
    assert (code, "whole: 1 file, 10 lines; problems: 0" in out) == (0, True)
    (file,) = delivered.out.glob("*.jsonl")
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    code, _, err = say("verify", delivered.out)
    assert (code, file.name in err) == (74, True)


def test_verify_of_a_mistyped_folder_is_an_error_and_makes_none(say: Say, tmp_path: Path) -> None:
    code, _, err = say("verify", tmp_path / "mistyped")
    assert (code, "mistyped" in err) == (78, True)
    assert not (tmp_path / "mistyped").exists()


def test_repair_voids_what_a_disk_lost(say: Say, delivered: Delivered) -> None:
    code, out, _ = say("repair", "--staging", delivered.staging, "--out", delivered.out)
    assert (code, out) == (0, "nothing is damaged\n")
    next(delivered.out.glob("*.jsonl")).unlink()
    code, out, _ = say("repair", "--staging", delivered.staging, "--out", delivered.out)
    assert (code, out) == (0, "files 1 are void; run `trajworker run`, which writes 10 revisions again\n")


def test_repair_promises_nothing_of_a_file_whose_revisions_cannot_be_made_again(say: Say, delivered: Delivered) -> None:
    with closing(sqlite3.connect(delivered.staging)) as connection:
        connection.execute("UPDATE conversation SET reduced = 1")  # as if all its runs were past the horizon
        connection.commit()
    next(delivered.out.glob("*.jsonl")).unlink()
    code, out, err = say("repair", "--staging", delivered.staging, "--out", delivered.out)
    assert (code, out) == (74, "files 1 are void\n")
    assert "10 revisions cannot be made again: superseded, or the runs are gone" in err


def test_a_damaged_manifest_is_told_with_the_way_out_and_repaired(say: Say, delivered: Delivered) -> None:
    manifest = next(delivered.out.glob("*.manifest.json"))
    before = manifest.read_bytes()
    manifest.write_bytes(b"")
    code, _, err = say("verify", delivered.out)
    assert (code, "`trajworker repair`" in err) == (74, True)
    with pytest.raises(NotATrajectory, match="trajworker repair"):
        list(load(delivered.out))
    code, out, _ = say("repair", "--staging", delivered.staging, "--out", delivered.out)
    assert (code, out) == (0, "files 1 have their manifests again\n")
    assert manifest.read_bytes() == before
    assert say("verify", delivered.out)[0] == 0


def test_a_file_that_its_consumer_took_is_no_damage_where_they_do(
    say: Say, delivered: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    next(delivered.out.glob("*.jsonl")).unlink()
    monkeypatch.setenv("TRAJWORKER_SINK_CONSUMED", "expected")
    assert say("repair", "--staging", delivered.staging, "--out", delivered.out)[1] == "nothing is damaged\n"
    code, out, _ = say("verify", delivered.out)
    assert (code, "taken by their consumer: 1" in out) == (0, True)


def test_purge_erases_and_lists_the_files_that_still_hold_it(say: Say, delivered: Delivered) -> None:
    copy = delivered.staging.with_name(f"{delivered.staging.name}.before-0002")
    shutil.copy(delivered.staging, copy)
    code, out, _ = say("purge", "--staging", delivered.staging, "--conversation", CONVERSATION)
    assert code == 0
    assert "erased 1 conversation" in out
    assert f"erased {copy}" in out
    assert not copy.exists()
    assert f"still published in {delivered.out / 'trajectories-0000000001.jsonl'}\n" in out
    assert b"Quito" not in delivered.staging.read_bytes()
    code, _, err = say("purge", "--staging", delivered.staging, "--conversation", "unknown")
    assert (code, "unknown" in err) == (78, True)
    assert say("purge", "--staging", delivered.staging)[0] == 78
    assert say("purge", "--staging", delivered.staging, "--before", "1h")[0] == 0


def staged_by_imports_too(delivered: Delivered, tmp_path: Path) -> Path:
    """What imports staged of the same project."""
    imported = tmp_path / "home" / ".trajectory" / "demo-0123456789abcdef.db"
    imported.parent.mkdir(mode=0o700, parents=True)
    shutil.copy(delivered.staging, imported)
    return imported


def test_purge_erases_a_conversation_from_what_imports_staged_too(
    say: Say, delivered: Delivered, tmp_path: Path
) -> None:
    imported = staged_by_imports_too(delivered, tmp_path)
    code, out, _ = say("purge", "--staging", delivered.staging, "--before", "1h")
    assert (code, f"not looked at: {imported}" in out) == (0, True)
    assert b"Quito" in imported.read_bytes()
    code, out, _ = say("purge", "--staging", delivered.staging, "--conversation", CONVERSATION)
    assert (code, f"erased 1 conversation with 7 runs from {imported}" in out) == (0, True)
    assert b"Quito" not in imported.read_bytes()


def test_purge_of_a_staging_in_use_says_to_try_again_and_not_that_nothing_is_there(
    say: Say, delivered: Delivered
) -> None:
    with locked(delivered.staging):
        code, out, err = say("purge", "--staging", delivered.staging, "--conversation", CONVERSATION)
    assert (code, out, err.count("\n")) == (75, "", 1)
    assert "was not purged: another process works on it; stop it or wait" in err


def test_purge_says_that_nothing_is_there_only_where_it_looked_everywhere(
    say: Say, delivered: Delivered, tmp_path: Path
) -> None:
    imported = staged_by_imports_too(delivered, tmp_path)
    with locked(imported):
        code, _, err = say("purge", "--staging", delivered.staging, "--conversation", "unknown")
    assert (code, "knows no conversation" in err) == (75, False)
    code, _, err = say("purge", "--staging", delivered.staging, "--conversation", "unknown")
    assert (code, "knows no conversation unknown" in err) == (78, True)


def staged_with(file: Path, **threads: str) -> None:
    """A staging file with a conversation of each of these projects, by name; both have one id and the same runs."""

    async def stage() -> None:
        async with open_staging(file) as staging:
            for number, (title, thread) in enumerate(threads.items()):
                home = Project(named(title), title)
                await staging.plan(home, ())
                run = replace(a_run("r", thread=thread), project_id=home.id, name=f"told by {title}")
                await staging.stage(a_page([run], number + 1))

    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    anyio.run(stage)


def test_purge_of_an_id_that_several_projects_have_asks_which_and_erases_nothing_before(
    say: Say, tmp_path: Path
) -> None:
    file = tmp_path / "s.db"
    staged_with(file, ours="same", theirs="same")
    before = file.read_bytes()
    for more in ((), ("--conversation", "another")):
        code, out, err = say("purge", "--staging", file, "--conversation", "same", *more)
        assert (code, out, err.count("\n")) == (78, "", 1)
        assert "2 projects (ours, theirs) have a conversation same: choose one with --project" in err
        assert file.read_bytes() == before
    code, out, _ = say("purge", "--staging", file, "--conversation", "same", "--project", "theirs")
    assert (code, "erased 1 conversation with 1 run" in out) == (0, True)
    held = file.read_bytes()
    assert (b"told by ours" in held, b"told by theirs" in held) == (True, False)
    assert say("purge", "--staging", file, "--conversation", "same")[0] == 78, "the purged one keeps its id"
    assert say("purge", "--staging", file, "--conversation", "same", "--project", named("ours"))[0] == 0
    assert b"told by" not in file.read_bytes()


def test_purge_asks_which_project_is_meant_also_where_imports_staged_the_other(say: Say, tmp_path: Path) -> None:
    file, imported = tmp_path / "s.db", tmp_path / "home" / ".trajectory" / "theirs.db"
    staged_with(file, ours="same")
    staged_with(imported, theirs="same")
    with locked(imported):
        code, _, err = say("purge", "--staging", file, "--conversation", "same")
    assert (code, "choose one with --project" in err) == (78, True)
    code, out, _ = say("purge", "--staging", file, "--conversation", "same", "--project", "ours")
    assert (code, f"erased 1 conversation with 1 run from {file}" in out) == (0, True)
    assert b"told by theirs" in imported.read_bytes()


def test_projects_of_one_name_are_told_apart_by_their_ids_when_purge_asks(say: Say, tmp_path: Path) -> None:
    file = tmp_path / "s.db"
    staged_with(file, ours="same", theirs="same")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE project SET name = 'bot'")
        connection.commit()
    code, _, err = say("purge", "--staging", file, "--conversation", "same", "--project", "bot")
    assert (code, ", ".join(sorted([named("ours"), named("theirs")])) in err) == (78, True)


def test_purge_of_a_project_that_has_no_such_conversation_erases_nothing(say: Say, tmp_path: Path) -> None:
    file = tmp_path / "s.db"
    staged_with(file, ours="same")
    code, _, err = say("purge", "--staging", file, "--conversation", "same", "--project", "theirs")
    assert (code, "no conversation same of project theirs" in err) == (78, True)
    assert b"told by ours" in file.read_bytes()


@pytest.mark.parametrize("words", [("--before", "1h"), ("--before", "1h", "--conversation", "c"), ()])
def test_a_project_narrows_no_purge_by_age(say: Say, delivered: Delivered, words: tuple[str, ...]) -> None:
    code, _, err = say("purge", "--staging", delivered.staging, "--project", "demo", *words)
    assert (code, err.count("\n")) == (78, 1)
    assert b"Quito" in delivered.staging.read_bytes()


def test_a_purge_is_by_age_or_by_id_and_both_together_erase_nothing(say: Say, delivered: Delivered) -> None:
    code, out, err = say("purge", "--staging", delivered.staging, "--before", "1d", "--conversation", CONVERSATION)
    assert (code, out, err.count("\n")) == (78, "", 1)
    assert "purge with the one, then with the other" in err
    assert b"Quito" in delivered.staging.read_bytes()


def test_purge_of_what_a_consumer_took_tells_its_name_and_where_it_was(say: Say, delivered: Delivered) -> None:
    (delivered.out / "trajectories-0000000001.jsonl").unlink()
    code, out, _ = say("purge", "--staging", delivered.staging, "--conversation", CONVERSATION)
    assert code == 0
    assert f"still published in trajectories-0000000001.jsonl, which is not in {delivered.out}\n" in out


def test_purge_goes_on_behind_files_that_it_must_leave_and_names_them(
    say: Say, delivered: Delivered, tmp_path: Path
) -> None:
    folder = tmp_path / "home" / ".trajectory"
    folder.mkdir(mode=0o700, parents=True)
    foreign, dangling, in_use, imported = (folder / f"{name}.db" for name in ("a", "b", "c", "d"))
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE conversations (id)")
    untouched = foreign.read_bytes()
    dangling.symlink_to(tmp_path / "nowhere")
    for file in (in_use, imported):
        shutil.copy(delivered.staging, file)
    with locked(in_use):
        code, out, err = say("purge", "--staging", delivered.staging, "--conversation", CONVERSATION)
    assert code == 77  # the highest of 65, 77 and 75
    assert f"from {delivered.staging}\n" in out
    assert f"from {imported}\n" in out
    assert b"Quito" not in delivered.staging.read_bytes() + imported.read_bytes()
    for file in (foreign, dangling, in_use):
        assert f"trajworker: {file} was not purged: " in err
        assert f"from {file}\n" not in out
    assert foreign.read_bytes() == untouched


def test_a_time_that_is_none_is_one_line_of_advice(say: Say, delivered: Delivered) -> None:
    code, _, err = say("purge", "--staging", delivered.staging, "--before", "bogus")
    assert (code, err.count("\n")) == (78, 1)
    assert "--before: write a time in ISO 8601" in err


@pytest.mark.parametrize("words", [("purge", "--before", "7d"), ("purge", "--conversation", "c"), ("repair",)])
def test_a_mistyped_staging_file_is_an_error_and_none_is_made(
    say: Say, delivered: Delivered, words: tuple[str, ...]
) -> None:
    mistyped = delivered.staging.with_name("stagign.db")
    out = ("--out", delivered.out) if words == ("repair",) else ()
    code, _, err = say(*words, "--staging", mistyped, *out)
    assert (code, str(mistyped) in err) == (78, True)
    assert not mistyped.exists()


def test_repair_of_a_mistyped_folder_voids_nothing(say: Say, delivered: Delivered, tmp_path: Path) -> None:
    code, _, err = say("repair", "--staging", delivered.staging, "--out", tmp_path / "mistyped")
    assert (code, "mistyped" in err) == (78, True)
    assert say("repair", "--staging", delivered.staging, "--out", delivered.out)[1] == "nothing is damaged\n"


def test_config_tells_where_a_value_came_from_and_masks_secrets(
    say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LANGSMITH_API_KEY", "lsv2_pt_canary")
    file = tmp_path / "trajworker.toml"
    file.write_text('[sink]\nout = "elsewhere"\n', "utf-8")
    code, out, _ = say("config", "-c", file)
    assert code == 0
    assert "elsewhere" in out
    assert "LANGSMITH_API_KEY" in out
    assert "canary" not in out
    assert "[source]" in say("config", "--toml")[1]


def test_a_typo_in_a_file_is_one_clear_error_with_the_nearest_key(say: Say, tmp_path: Path) -> None:
    file = tmp_path / "trajworker.toml"
    file.write_text('[sink]\nouts = "elsewhere"\n[intake]\npagers = "many"\n', "utf-8")
    code, _, err = say("run", "-c", file, "--project", "p", "--endpoint", "http://127.0.0.1:1")
    assert code == 78
    assert "2 problems" in err
    assert "out" in err
    assert "pagers" in err


@pytest.mark.parametrize("words", [(), ("rnu",), ("run", "--nonsense"), ("show",)])
def test_what_makes_no_sense_ends_with_the_code_of_a_wrong_configuration(say: Say, words: tuple[str, ...]) -> None:
    code, _, err = say(*words)
    assert code == 78
    assert "trajworker" in err


def test_a_mistyped_command_names_the_near_one(say: Say) -> None:
    assert "did you mean run?" in say("rnu")[2]


def test_help_and_version_are_told(say: Say) -> None:
    assert "demo" in say("--help")[1]
    assert "see `trajworker config --toml`" in say("run", "--help")[1]
    assert say("--version")[1].startswith("trajworker ")


@pytest.mark.slow
def test_run_says_when_there_is_no_network(say: Say, tmp_path: Path) -> None:
    code, out, err = say(
        *("run", "--once", "--project", "p", "--endpoint", "http://127.0.0.1:1", "--settle", "0s"),
        *("--out", tmp_path / "out", "--staging", tmp_path / "staging.db"),
    )
    assert code == 69
    assert out == ""
    assert "cannot be reached" in err


def test_run_says_when_the_address_of_its_probes_is_taken(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        bind = f"127.0.0.1:{other.getsockname()[1]}"
        monkeypatch.setenv("TRAJWORKER_HEALTH_BIND", bind)
        code, _, err = say(
            *("run", "--once", "--project", "p", "--endpoint", "http://127.0.0.1:1"),
            *("--out", tmp_path / "out", "--staging", tmp_path / "staging.db"),
        )
    assert (code, err.count("\n")) == (78, 1)
    assert f"cannot listen on {bind}: Address already in use" in err
    assert not (tmp_path / "staging.db").exists()


def test_simulate_refuses_what_cannot_be_loaded(say: Say, tmp_path: Path) -> None:
    code, _, err = say("simulate", "--port", "0", "--load", tmp_path)
    assert (code, "runs.jsonl" in err) == (78, True)
    assert say("simulate", "--faults", tmp_path / "none.json")[0] == 78


@pytest.mark.parametrize("closed", ["", "runs.jsonl", "projects.json"])
def test_simulate_names_what_it_may_not_read_and_not_the_port(tmp_path: Path, closed: str) -> None:
    for name in ("runs.jsonl", "projects.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / closed).chmod(0)
    command = [sys.executable, "-m", "trajworker", "simulate", "--port", "0", "--load", str(tmp_path)]
    done = subprocess.run(held_to_modes(command), capture_output=True, text=True, check=False)
    (tmp_path / closed).chmod(0o700)
    assert (done.returncode, done.stdout) == (78, "")
    assert re.fullmatch(rf"trajworker: {tmp_path}.*: cannot be read: Permission denied; .*\n", done.stderr)


def test_simulate_says_when_its_port_is_taken(say: Say) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, _, err = say("simulate", "--port", str(port))
    assert code == 78
    assert err == f"trajworker: cannot listen on 127.0.0.1:{port}: Address already in use; name another host or port\n"


@pytest.mark.parametrize(
    ("option", "number"),
    [
        *(("--port", port) for port in ("99999", "-1", "http")),
        *(("--rate-scale", scale) for scale in ("nan", "inf", "-1", "0", "1e300", "fast")),
        *(("--latency-ms", late) for late in ("inf", "nan", "-5", "1e300")),
    ],
)
def test_a_number_that_the_simulator_cannot_keep_is_refused_with_its_bounds(say: Say, option: str, number: str) -> None:
    code, out, err = say("simulate", option, number)
    assert (code, out) == (78, "")
    assert err.startswith(f"trajworker simulate: argument {option}: write a ")
    assert f", not {number}\n" in err


@pytest.mark.parametrize("script", [b"[{", b"[1]", b'[{"effect": {"type": "nonsense"}}]', b"\xff"])
def test_a_bad_script_of_faults_is_named(say: Say, tmp_path: Path, script: bytes) -> None:
    file = tmp_path / "faults.json"
    file.write_bytes(script)
    code, _, err = say("simulate", "--port", "0", "--faults", file)
    assert (code, err.count("\n")) == (78, 1)
    assert err.startswith(f"trajworker: {file} is no script of faults: ")
    assert err.endswith("/guides/simulator.md\n")
