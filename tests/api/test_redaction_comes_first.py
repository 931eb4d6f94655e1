"""With a redactor nothing raw is in staging, saved files, logs or errors; what it cannot do, it says."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import trajworker as tj
from support.library import PROJECT, client, conversation, served
from trajworker.api.identity import identity_of

CANARY = "ada.lovelace@example.com"


class Masker(tj.BasePiiRedactor):
    def redact(self, text: str) -> str:
        return text.replace(CANARY, "<MAIL>")


class Refusing(tj.BasePiiRedactor):
    def redact(self, text: str) -> str:
        if "second" in text:
            raise ValueError(text)
        return text


def planted() -> list[dict[str, Any]]:
    """A conversation that holds the canary in every field in which people's words can stand."""
    rows = conversation("a", said=f"I am {CANARY}", fillers=1)
    for row in rows:
        row["tags"] = [f"tag {CANARY}"]
        row["extra"]["metadata"]["customer"] = CANARY
        row["extra"]["invocation_params"] = {"user": CANARY}
    rows[1]["error"] = f"ValueError('{CANARY}')"
    rows[1]["outputs"] = {"output": json.dumps({"mail": CANARY})}
    rows[0]["name"] = f"agent of {CANARY}"
    return rows


def holding(folder: Path, canary: str = CANARY) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and canary.encode() in path.read_bytes()]


@pytest.mark.parametrize("redactor", [Masker(), tj.PiiRedactor()])
@pytest.mark.parametrize("wanted", [["a"], None])
def test_no_canary_is_on_disk_while_and_after_it_is_imported(
    redactor: tj.BasePiiRedactor, wanted: list[str] | None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, planted())
        one = client(url, tmp_path / "staged", debug=True)
        for found in one.iter_conversations(wanted, redactor=redactor):
            assert holding(tmp_path) == []
            tj.save(found, tmp_path / "json")
            tj.save(found, tmp_path / "lines", format="jsonl")
    assert len(list((tmp_path / "staged").glob("*.db"))) == 1
    assert holding(tmp_path) == []
    assert "page_staged" in "".join(capfd.readouterr()) or wanted
    assert CANARY not in "".join(capfd.readouterr())
    (loaded,) = tj.load(tmp_path / "lines")
    assert CANARY not in str(loaded)
    assert loaded.task.num_turns == 2


def test_without_a_redactor_the_canary_would_be_found(tmp_path: Path) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, planted())
        client(url, tmp_path).import_conversations("a")
    assert holding(tmp_path) != [], "else the test above proves nothing"


def test_a_conversation_that_cannot_be_masked_is_named_and_not_handed_out(tmp_path: Path) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("good") + conversation("bad", said=f"second {CANARY}"))
        one = client(url, tmp_path)
        for wanted in (["good", "bad"], None):
            with pytest.raises(tj.ImportIncomplete, match=r"bad: run .* could not be masked") as told:
                one.import_conversations(wanted, redactor=Refusing())
            assert [each.task.conversation_id for each in told.value.trajectories] == ["good"]
            assert CANARY not in str(told.value)
    assert holding(tmp_path) == []


class Mistyped(tj.BasePiiRedactor):
    def redact(self, text: str) -> str:
        return self.masked(text)

    def masked(self, text: str) -> str:  # noqa: ARG002 - the typo
        return re.sub(f"second {CANARY}", "", txt)  # type: ignore[name-defined,no-any-return]  # noqa: F821 - same


class Forgetful(tj.BasePiiRedactor):
    def redact(self, text: str) -> str:
        text.replace("second", "")
        return None  # type: ignore[return-value]


class Asynchronous(tj.BasePiiRedactor):
    async def redact(self, text: str) -> str:  # type: ignore[override]
        return text


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("redactor", "told"),
    [
        (Mistyped(), r"redactor Mistyped raised NameError in masked \(test_redaction_comes_first\.py:\d+\)"),
        (Forgetful(), "redactor Forgetful returned NoneType instead of text"),
        (Asynchronous(), "redactor Asynchronous returned a coroutine instead of text: redact must not be async"),
    ],
)
@pytest.mark.parametrize("stage", [True, False])
def test_a_fault_of_a_redactor_is_told_by_kind_and_place_and_never_by_a_text(
    tmp_path: Path, redactor: tj.BasePiiRedactor, told: str, *, stage: bool
) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, conversation("bad", said=f"second {CANARY}"))
        with pytest.raises(tj.ImportIncomplete, match=rf"bad: run .* could not be masked.*: {told}") as failed:
            client(url, tmp_path).import_conversations(redactor=redactor, stage=stage)
    assert CANARY not in str(failed.value)
    assert holding(tmp_path) == []


def test_each_redactor_has_its_own_staging(tmp_path: Path) -> None:
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, planted())
        one = client(url, tmp_path)
        raw = one.import_conversations("a")
        masked = one.import_conversations("a", redactor=Masker())
        assert one.import_conversations("a") == raw
    assert CANARY in str(raw)
    assert CANARY not in str(masked)
    assert len(list(tmp_path.glob("*.db"))) == 2


def test_a_redactor_of_which_nobody_can_tell_what_it_is_is_staged_in_memory(tmp_path: Path) -> None:
    class Opaque(Masker):
        def __init__(self) -> None:
            self.engine = open(__file__, encoding="utf-8")  # noqa: SIM115, PTH123 - something without a state to tell

    redactor = Opaque()
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, planted())
        found = client(url, tmp_path).import_conversations("a", redactor=redactor)
    redactor.engine.close()
    assert CANARY not in str(found)
    assert list(tmp_path.iterdir()) == []


def defined(body: str, **names: object) -> tj.BasePiiRedactor:
    """A redactor as a notebook defines it again and again under one name."""
    space: dict[str, Any] = {"tj": tj, "re": re, "__name__": "__main__", **names}
    exec(f"class R(tj.BasePiiRedactor):\n    def redact(self, text):\n        return {body}", space)  # noqa: S102 - as a notebook does
    redactor: tj.BasePiiRedactor = space["R"]()
    return redactor


def test_the_identity_follows_code_globals_and_state() -> None:
    assert identity_of(None) == ""
    assert identity_of(defined("text.replace('a', 'b')")) == identity_of(defined("text.replace('a', 'b')"))
    assert identity_of(defined("text.replace('a', 'b')")) != identity_of(defined("text.replace('a', 'c')"))
    assert identity_of(defined("NAMES.sub('', text)", NAMES=re.compile("x"))) != identity_of(
        defined("NAMES.sub('', text)", NAMES=re.compile("y"))
    )
    assert identity_of(tj.PiiRedactor(secret=b"1")) == identity_of(tj.PiiRedactor(secret=b"1"))
    assert identity_of(tj.PiiRedactor(secret=b"1")) != identity_of(tj.PiiRedactor(secret=b"2"))
    assert identity_of(tj.PiiRedactor()) is not None


def test_the_identity_of_the_built_in_one_is_the_same_in_every_process() -> None:
    code = (
        "import trajworker as tj; from trajworker.api.identity import identity_of; print(identity_of(tj.PiiRedactor()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == identity_of(tj.PiiRedactor())


def test_a_redaction_that_the_environment_asks_for_masks_what_the_library_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAJWORKER_REDACTION_MODE", "builtin")
    with served() as (simulator, url):
        simulator.add_runs(PROJECT, planted())
        (first,) = client(url, tmp_path).import_conversations()
        (again,) = client(url, tmp_path).import_conversations(["a"])
        (own,) = client(url, tmp_path).import_conversations(redactor=Masker())
        (in_memory,) = client(url, tmp_path).import_conversations(stage=False)
    assert first == again, "the secret of its placeholders is kept beside what is staged"
    assert holding(tmp_path) == []
    assert "<MAIL>" in str(own), "a redactor that is handed over wins"
    assert CANARY not in str(first) + str(own) + str(in_memory)


def test_a_redaction_that_the_environment_asks_for_masks_exports_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = tmp_path / "runs.jsonl"
    export.write_text("".join(json.dumps(row) + "\n" for row in planted()))
    one = client("http://127.0.0.1:9", tmp_path / "staged")
    assert CANARY in str(one.import_conversations(source=export))
    monkeypatch.setenv("TRAJWORKER_REDACTION_MODE", "builtin")
    one = client("http://127.0.0.1:9", tmp_path / "staged")
    assert CANARY not in str(one.import_conversations(source=export))
