"""Values that a program passed: what is written of them is what the next run is compared with."""

import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest.mock import ANY
from uuid import UUID, uuid4

import msgspec
import pytest
from inline_snapshot import snapshot

from support.calls import call
from trajworker.matching import MalformedCall, approx, diff_trajectories, matches, read_golden, write_golden
from trajworker.matching.golden import golden_text
from trajworker.matching.golden_check import GoldenPlan, check_golden


class Upper:
    """A redactor that is easy to see."""

    def redact(self, text: str) -> str:
        return text.replace("Ada", "[NAME]")


class Colour(Enum):
    """An enumeration of a program under test."""

    RED = "red"


@dataclass
class Order:
    """A value of a program under test."""

    number: int
    day: date


PASSED = {
    "decimal": Decimal("1.50"),
    "time": datetime(2026, 11, 21, 6, 13, tzinfo=UTC),
    "day": date(2026, 11, 21),
    "lasting": timedelta(seconds=90),
    "uuid": UUID(int=7),
    "set": {"b", "a", "c", "d", "e"},
    "frozen": frozenset({3, 1, 2}),
    "bytes": b"text",
    "binary": b"\xff\x00",
    "keys": {1: "one", None: "none", False: "no", 2.5: "half"},
    "tuple": (1, (2,)),
    "enum": Colour.RED,
    "order": Order(7, date(2026, 1, 2)),
    "nan": float("nan"),
    "proxy": MappingProxyType({"a": {1}}),
}


@pytest.mark.parametrize("kind", PASSED)
def test_values_of_a_program_match_the_file_they_were_written_to(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "g.jsonl"
    made = [call("t", {"x": PASSED[kind], "deep": [{"x": PASSED[kind]}]})]
    assert check_golden(file, made, GoldenPlan("new")).written
    before = file.read_bytes()
    for mode in ("strict", "unordered"):
        assert check_golden(file, made, GoldenPlan("check", mode)).complaint is None
    assert not check_golden(file, made, GoldenPlan("update")).written
    assert file.read_bytes() == before
    assert matches(made, read_golden(file).path)
    assert matches(read_golden(file).path, made)
    assert diff_trajectories(file, made)


def test_a_set_is_written_alike_whatever_its_order() -> None:
    texts = [golden_text([call("t", {"x": dict.fromkeys(names).keys() | set()})]) for names in ("abcdefg", "gfedcba")]
    assert texts[0] == texts[1]
    assert '["a", "b", "c", "d", "e", "f", "g"]' in texts[0]


def test_values_of_a_program_are_redacted_and_normalised_as_their_texts(tmp_path: Path) -> None:
    file = tmp_path / "g.jsonl"
    plan = GoldenPlan("new", normalise=("ids", "times"), redactor=Upper())
    check_golden(file, [call("t", {"who": {"Ada"}, "raw": b"Ada", "id": uuid4(), "at": datetime.now(UTC)})], plan)
    assert file.read_text("utf-8").splitlines()[1] == snapshot(
        '{"name": "t", "arguments": {"at": "<time>", "id": "<id 1>", "raw": "[NAME]", "who": ["[NAME]"]}}'
    )
    later = [call("t", {"who": {"Ada"}, "raw": b"Ada", "id": uuid4(), "at": datetime.now(UTC)})]
    assert check_golden(file, later, plan).complaint is None


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_has_no_word_for_are_text_and_old_files_are_read(tmp_path: Path, number: float) -> None:
    file = tmp_path / "g.jsonl"
    write_golden(file, [call("t", {"x": number})])
    line = file.read_text().splitlines()[1]
    assert msgspec.json.decode(line)["arguments"] == {"x": json.dumps(number)}
    file.write_text(file.read_text().replace(f'"{json.dumps(number)}"', json.dumps(number)))
    assert diff_trajectories(file, [call("t", {"x": number})])
    assert not diff_trajectories(file, [call("t", {"x": 1.0})])
    with pytest.raises(MalformedCall, match="JSON has no word for a number that approx holds"):
        write_golden(file, [call("t", {"x": approx(1, absolute=math.inf)})])


@pytest.mark.parametrize("value", [object(), {"deep": [object()]}, ANY])
def test_what_json_has_no_word_for_is_refused_by_its_type(tmp_path: Path, value: Any) -> None:
    with pytest.raises(MalformedCall, match=r"recorded call 2 \(t\): JSON has no word for (object|_ANY)"):
        write_golden(tmp_path / "g.jsonl", [call("s", {}), call("t", {"x": value})])
    assert not list(tmp_path.iterdir())


def test_two_keys_that_a_file_could_not_tell_apart_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedCall, match="two keys of one object are both '1' in JSON"):
        write_golden(tmp_path / "g.jsonl", [call("t", {"x": {1: "a", "1": "b"}})])
