"""Golden files: one call per line, nothing lost, a null is never a wildcard, written whole or not at all."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from support.calls import call
from trajworker.errors import ConfigError, NothingThere, SinkError
from trajworker.matching import (
    MalformedCall,
    MalformedGolden,
    any_value,
    approx,
    diff_trajectories,
    matches,
    one_of,
    read_golden,
    regex,
    write_golden,
)
from trajworker.matching.calls import read_calls
from trajworker.matching.golden import golden_text
from trajworker.matching.golden_check import GoldenPlan, check_golden
from trajworker.matching.normalising import UnknownNormaliser, normalised
from trajworker.matching.redacting import redacted
from trajworker.matching.rules import MODES
from trajworker.redaction import PiiRedactor
from trajworker.trajectory import Trajectory

PATH = [[call("search", {"q": "Oslo", "at": None}), call("weather", {})], [call("answer", {"text": "12°"})]]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("$trajworker"), inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.text() | st.just("$trajworker"), JSON, max_size=3) | st.text()
TURNS = st.lists(
    st.lists(st.fixed_dictionaries({"name": st.text(), "arguments": ARGUMENTS}), min_size=1, max_size=3), max_size=4
)


def test_one_call_stands_on_one_line_with_sorted_keys() -> None:
    assert golden_text(PATH, ["ids"]) == snapshot("""\
{"golden": 1, "normalise": ["ids"]}
{"name": "search", "arguments": {"at": null, "q": "Oslo"}}
{"name": "weather", "arguments": {}, "parallel": true}
{"name": "answer", "arguments": {"text": "12°"}}
""")


@given(TURNS)
def test_what_is_written_is_read_back_and_matches(turns: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "g.jsonl"
        write_golden(file, turns)
        assert len(file.read_bytes().splitlines()) == 1 + sum(map(len, turns))
        golden = read_golden(file)
    assert golden.path.turns == read_calls(turns).turns if turns else True
    for mode in ("strict", "unordered"):
        assert matches(turns, golden.path, mode)
    assert matches(turns, golden.path, group="turn")


def test_matchers_are_written_as_markers_and_read_back(tmp_path: Path) -> None:
    expected = [
        call("a", None),
        call("b", {"x": any_value(), "y": regex("^y"), "z": approx(1.5), "w": one_of("v", 1, regex("u"))}),
    ]
    write_golden(tmp_path / "g.jsonl", expected)
    stored = read_golden(tmp_path / "g.jsonl").path
    good = [call("a", {"anything": 1}), call("b", {"x": None, "y": "yes", "z": 1.5000001, "w": "u2"})]
    assert matches(good, stored)
    assert not matches([good[0], call("b", {"x": 1, "y": "no", "z": 1.5, "w": "v"})], stored)
    assert '"arguments": {"$trajworker": "any"}' in (tmp_path / "g.jsonl").read_text("utf-8")


@pytest.mark.parametrize("mode", MODES)
def test_a_file_with_matchers_does_not_differ_from_itself(tmp_path: Path, mode: str) -> None:
    file = tmp_path / "g.jsonl"
    values = {"v": any_value(), "r": regex("^r"), "a": approx(1.5), "o": one_of("v", 1, regex("u"), None)}
    write_golden(file, [call("a", None), call("b", values), call("c", {"in": [values]}), call("d", regex("^raw"))])
    with file.open("a", encoding="utf-8") as lines:
        lines.write('{"name": "e", "arguments": null}\n')
    assert diff_trajectories(file, file, mode)
    for other in ({"r": regex("^s")}, {"a": approx(1.5, relative=0.1)}, {"o": one_of("v", True)}, {"r": any_value()}):
        changed = [call("b", values | other)]
        assert not diff_trajectories([call("b", values)], changed)
        assert diff_trajectories(changed, changed)


def test_a_null_in_a_file_is_null_and_no_wildcard(tmp_path: Path) -> None:
    file = tmp_path / "g.jsonl"
    file.write_text('{"golden": 1}\n{"name": "a", "arguments": null}\n', "utf-8")
    assert not matches([call("a", {"x": 1})], read_golden(file).path)
    assert matches([call("a", None)], read_golden(file).path)


def test_an_argument_that_looks_like_a_marker_stays_what_it_was(tmp_path: Path) -> None:
    forged = [call("a", {"$trajworker": "any"}), call("b", {"q": {"$trajworker": "regex", "pattern": ".*"}})]
    write_golden(tmp_path / "g.jsonl", forged)
    assert matches(forged, read_golden(tmp_path / "g.jsonl").path)
    assert not matches([call("a", {"x": 1}), forged[1]], read_golden(tmp_path / "g.jsonl").path)
    assert not matches([forged[0], call("b", {"q": "text"})], read_golden(tmp_path / "g.jsonl").path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "line 1 is no golden header"),
        ('{"golden": 2}', "version 2"),
        ('[{"name": "a"}]', "line 1 is no golden header"),
        ('{"golden": 1}\n{"name": "a"}', "line 2 is no call"),
        ('{"golden": 1}\n\n{"name": "a", "arguments": {}, "turn": 1}', "line 3 is no call"),
        ('{"golden": 1}\n{"name": "a", "arguments": {"$trajworker": "anything"}}', "marks one of any, approx, one_of"),
        ('{"golden": 1}\n{"name": "a", "arguments": {"x": {"$trajworker": "regex", "pattern": "["}}}', "line 2"),
        ('{"golden": 1}\n{"name": "a"', "line 2 is no call"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "g.jsonl"
    file.write_text(content, "utf-8")
    with pytest.raises(MalformedGolden, match=told):
        read_golden(file)


@pytest.mark.parametrize("look", [read_golden, lambda path: diff_trajectories(path, PATH)], ids=["read", "diff"])
def test_a_file_that_is_not_there_is_told_as_load_tells_it(tmp_path: Path, look: Callable[[Path], object]) -> None:
    for place in (tmp_path / "missing.jsonl", tmp_path):
        with pytest.raises(NothingThere, match=re.escape(str(place))):
            look(place)


def test_where_no_file_can_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "g.jsonl", tmp_path):
        with pytest.raises(SinkError, match=re.escape(str(place))):
            write_golden(place, PATH)


@pytest.mark.parametrize("wrong", [["idz"], "ids", [str.upper]])
def test_a_normaliser_that_no_file_can_name_is_refused_before_one_is_written(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(UnknownNormaliser, match="there are ids, times, durations"):
        write_golden(tmp_path / "g.jsonl", PATH, wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_file_has_the_rights_of_any_other_that_is_committed(tmp_path: Path) -> None:
    other, file = tmp_path / "other", tmp_path / "g.jsonl"
    other.touch()
    write_golden(file, [call("a", {})])
    assert file.stat().st_mode == other.stat().st_mode


def test_a_call_that_cannot_be_written_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "g.jsonl"
    write_golden(file, PATH)
    before = file.read_bytes()
    with pytest.raises(MalformedCall):
        write_golden(file, [{"name": "a"}])
    assert file.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["g.jsonl"]


def test_ids_keep_who_is_who_and_times_and_durations_go() -> None:
    run = "0197a9f2-0a6e-7b3c-9f00-0123456789ab"
    made = {
        "run": run,
        "again": [f"run {run} and call_Ab12Cd34", "toolu_01XYZabc"],
        "when": "from 2026-11-21T06:13:00Z to 2026-11-21 06:14:00.5+00:00",
        "created_at": 1763705580,
        "took": "1.5s, 20 ms",
        "latency_ms": 12.5,
        "day": "2026-11-21",
        "count": 3,
        "kept": True,
    }
    (result,) = normalised(read_calls([call("t", made)]), ["ids", "times", "durations"]).calls
    assert result.arguments == snapshot(
        {
            "run": "<id 1>",
            "again": ["run <id 1> and <id 2>", "<id 3>"],
            "when": "from <time> to <time>",
            "created_at": "<time>",
            "took": "<duration>, <duration>",
            "latency_ms": "<duration>",
            "day": "2026-11-21",
            "count": 3,
            "kept": True,
        }
    )


def test_a_function_may_normalise_and_an_unknown_name_may_not() -> None:
    (result,) = normalised(read_calls([call("t", {"a": ["X", 1]})]), [str.lower]).calls
    assert result.arguments == {"a": ["x", 1]}
    with pytest.raises(UnknownNormaliser, match="ids, times, durations"):
        normalised(read_calls([]), ["id"])


@pytest.mark.parametrize("normaliser", [str.encode, print])
def test_a_normaliser_that_returns_no_text_is_refused_since_all_texts_would_be_alike(normaliser: Any) -> None:
    with pytest.raises(ConfigError, match=r"the normaliser .* returned (NoneType|bytes): return the text to keep"):
        normalised(read_calls([call("t", {"a": "x"})]), [normaliser])


def test_ids_and_data_that_are_keys_are_normalised_and_names_of_a_program_stay() -> None:
    one, other = (f"{letter}{str(uuid4())[1:]}" for letter in "a7")
    made = {
        "scores": {one: 1, "req_8fA20cD1": {other: one}},
        "2026-11-21T06:13:00Z": 1,
        "2026-11-21T06:14:00Z": 2,
        "file_contents": "x",
        "session_timeout": 3,
    }
    (result,) = normalised(read_calls([call("t", made)]), ["ids", "times"]).calls
    assert result.arguments == {
        "scores": {"<id 1>": 1, "<id 2>": {"<id 3>": "<id 1>"}},
        "<time>": 1,
        "<time>_2": 2,
        "file_contents": "x",
        "session_timeout": 3,
    }


class Upper:
    """A redactor that is easy to see."""

    def redact(self, text: str) -> str:
        return text.replace("Ada", "[NAME]")


class Told:
    """A redactor that answers with an object."""

    class Answer:
        """What it answers."""

        text = "***"

    def redact(self, text: str) -> Answer:
        assert text
        return self.Answer()


def test_every_text_is_redacted_whatever_the_redactor_answers_with() -> None:
    path = read_calls([call("t", {"to": "Ada", "rows": [{"n": "x Ada"}, 1]}), call("u", "raw Ada")])
    assert [one.arguments for one in redacted(path, Upper()).calls] == [
        {"to": "[NAME]", "rows": [{"n": "x [NAME]"}, 1]},
        "raw [NAME]",
    ]
    assert redacted(path, Told()).calls[1].arguments == "***"
    assert redacted(path, None) is path


class Forgetful:
    def redact(self, _text: str) -> None:
        return


def test_a_redactor_that_returns_no_text_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Forgetful\.redact returned NoneType"):
        redacted(read_calls([call("t", {"to": "Ada"})]), Forgetful())


def test_keys_that_are_data_are_redacted_and_none_is_lost(tmp_path: Path) -> None:
    keys = {"Ada L.": 1, "ada": 2, "order-id": {"x@Ada": 3, "y@Ada": 4}}
    (one,) = redacted(read_calls([call("t", keys)]), Upper()).calls
    assert one.arguments == {"[NAME] L.": 1, "ada": 2, "order-id": {"x@[NAME]": 3, "y@[NAME]": 4}}
    (one,) = redacted(read_calls([call("t", {"b@x": "b", "plain": "p", "a@x": "a"})]), Told()).calls
    assert one.arguments == {"***": "***", "***_2": "***", "plain": "***"}
    (one,) = redacted(read_calls([call("t", {"b@x": 2, "a@x": 1})]), Told()).calls
    assert one.arguments == {"***": 1, "***_2": 2}  # by what they were, whatever their order
    check_golden(tmp_path / "g.jsonl", [call("t", {"bob@example.com": 1})], GoldenPlan("new", redactor=PiiRedactor()))
    assert "bob" not in (tmp_path / "g.jsonl").read_text("utf-8")


def test_check_never_writes_new_writes_what_is_missing_update_what_differs(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "g.jsonl"
    outcome = check_golden(file, PATH, GoldenPlan())
    assert "There is no golden file" in str(outcome.complaint)
    assert "pytest --golden=new" in str(outcome.complaint)
    assert not file.exists()
    assert check_golden(file, PATH, GoldenPlan("new")).written
    assert check_golden(file, PATH, GoldenPlan("check")).complaint is None
    other = [call("search", {"q": "Bergen", "at": None})]
    differing = check_golden(file, other, GoldenPlan("new"))
    assert differing.complaint is not None
    assert not differing.written
    assert "pytest --golden=update" in differing.complaint
    assert check_golden(file, other, GoldenPlan("update")).written
    assert check_golden(file, other, GoldenPlan("check")).complaint is None


def test_update_leaves_a_file_that_still_matches_with_the_matchers_somebody_put_in(tmp_path: Path) -> None:
    file = tmp_path / "g.jsonl"
    write_golden(file, [call("search", {"q": regex("^Os")})])
    before = file.read_bytes()
    assert not check_golden(file, [call("search", {"q": "Oslo"})], GoldenPlan("update")).written
    assert file.read_bytes() == before


def test_a_damaged_file_is_an_error_that_update_mends(tmp_path: Path) -> None:
    file = tmp_path / "g.jsonl"
    file.write_text("<<<<<<< HEAD", "utf-8")
    for treatment in ("check", "new"):
        with pytest.raises(MalformedGolden):
            check_golden(file, PATH, GoldenPlan(treatment))
    assert check_golden(file, PATH, GoldenPlan("update")).written


def test_what_is_redacted_and_normalised_is_what_is_written_and_compared(tmp_path: Path) -> None:
    file = tmp_path / "g.jsonl"
    plan = GoldenPlan("new", normalise=("ids",), redactor=Upper())
    check_golden(file, [call("t", {"to": "Ada", "id": "call_AAAAAA1"})], plan)
    assert "Ada" not in file.read_text("utf-8")
    assert read_golden(file).normalise == ("ids",)
    assert check_golden(file, [call("t", {"to": "Ada", "id": "call_BBBBBB2"})], plan).complaint is None


def test_diff_takes_files_maps_and_trajectories_and_normalises_like_the_golden_side(tmp_path: Path) -> None:
    calls = [{"name": "t", "args": {"id": "call_AAAAAA1"}, "id": "x"}]
    trajectory = Trajectory.from_messages([{"role": "assistant", "content": "", "tool_calls": calls}])
    write_golden(tmp_path / "g.jsonl", normalised(read_calls(trajectory), ["ids"]), ["ids"])
    (tmp_path / "t.json").write_text(json.dumps(trajectory.to_map()), "utf-8")
    assert diff_trajectories(tmp_path / "g.jsonl", trajectory)
    assert diff_trajectories(trajectory, str(tmp_path / "g.jsonl"))
    assert diff_trajectories(tmp_path / "t.json", read_golden(tmp_path / "g.jsonl"))
    assert diff_trajectories(tmp_path / "t.json", trajectory, group="turn")
    verdict = diff_trajectories(trajectory, [*calls, {"name": "u", "args": {}}])
    assert [row.kind for row in verdict.alignment] == ["kept", "inserted"]
    (tmp_path / "x.json").write_text("[]", "utf-8")
    with pytest.raises(MalformedGolden, match="neither a golden file nor a trajectory's map"):
        diff_trajectories(tmp_path / "x.json", trajectory)
