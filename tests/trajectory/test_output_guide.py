"""The guide of the output names every field of every struct on a line, and no other."""

import re
from pathlib import Path

import pytest
from msgspec import Struct

import trajworker
from trajworker.assembly.reading import words
from trajworker.dialects.speech import RAW
from trajworker.model.message import Message, ToolCall, ToolDefinition, ToolResponse
from trajworker.sinks.manifest import Manifest
from trajworker.trajectory import (
    ExecutionMetrics,
    Origin,
    Retrieval,
    Reward,
    RewardComponent,
    Step,
    Task,
    Trajectory,
    TrajectoryMetrics,
    Turn,
)
from trajworker.trajectory.calling import INCOMPLETE

GUIDE = (Path(trajworker.__file__).parent / "guides" / "output.md").read_text("utf-8")
TABLE = re.compile(r"(?:^\|.*\|\n)+", re.MULTILINE)
STRUCTS: list[type[Struct]] = [
    ExecutionMetrics,
    Manifest,
    Message,
    Origin,
    Retrieval,
    Reward,
    RewardComponent,
    Step,
    Task,
    ToolCall,
    ToolDefinition,
    ToolResponse,
    Trajectory,
    TrajectoryMetrics,
    Turn,
]


def named(table: str) -> list[str]:
    """What stands in the first column of a table, in order."""
    return [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]


def table_of(struct: str) -> str:
    """The table that says `field of X`, else the first one in the section that is headed by X."""
    tables: list[str] = TABLE.findall(GUIDE)
    own = [table for table in tables if table.startswith(f"| field of `{struct}` |")]
    if own:
        return own[0]
    (section,) = re.findall(rf"^## [^\n]*`{struct}`\n(.*?)(?=^## |\Z)", GUIDE, re.MULTILINE | re.DOTALL)
    return str(TABLE.findall(section)[0])


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_field_is_in_the_guide_and_every_field_of_the_guide_is_there(struct: type[Struct]) -> None:
    assert sorted(named(table_of(struct.__name__))) == sorted(struct.__struct_fields__)


def test_every_struct_that_a_line_is_made_of_is_in_the_guide() -> None:
    made_of = {one for one in vars(trajworker.trajectory.trajectory).values() if is_struct(one)}
    assert made_of <= {*STRUCTS, trajworker.trajectory.TokenUsage}


def is_struct(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, Struct) and one is not Struct


def test_every_flag_is_explained() -> None:
    (flags,) = [table for table in TABLE.findall(GUIDE) if table.startswith("| flag |")]
    all_flags = {words.SUMMARY, words.EDITED, words.CONTEXT, words.ALTERNATIVE, words.STOPPED, RAW}
    all_flags |= {"unanswered", "orphan", INCOMPLETE}
    assert set(named(flags)) == all_flags
    assert Message.__doc__ is not None
    assert [flag for flag in all_flags if f"`{flag}`" not in Message.__doc__] == []


def test_the_line_that_takes_a_conversation_back_is_told() -> None:
    assert "`empty` is a tombstone" in GUIDE
