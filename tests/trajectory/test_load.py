"""What was written is read back equal, from files and folders, and what is torn or foreign is named."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from support.rights import held_to_modes
from trajworker.errors import NotATrajectory, NotPublished
from trajworker.model.message import Message, Role, ToolCall
from trajworker.trajectory import (
    MessageView,
    Origin,
    Retrieval,
    Reward,
    RewardComponent,
    Step,
    Task,
    Trajectory,
    Turn,
)
from trajworker.trajectory.codec import decode_line, encode_trajectory
from trajworker.trajectory.layout import encode_cumulative
from trajworker.trajectory.line import load


def conversation(name: str, turns: int = 2) -> Trajectory:
    messages: list[Message] = [Message(role=Role.SYSTEM, content="kind\u2028 \u0085 ünïcode", turn=0)]
    steps = []
    aside = Message(role=Role.USER, content="summary", flags=("summary",))
    for number in range(turns):
        messages.append(Message(role=Role.USER, content="yes", turn=number + 1))
        call = ToolCall(name="look", arguments={"n": number, "deep": [1.5, None, True]}, id=f"c{number}")
        messages.append(Message(role=Role.ASSISTANT, tool_calls=(call,), run_id=f"r{number}", turn=number + 1))
    history = (*messages, aside)
    for number in range(turns):
        ranges = ((0, 1 + 2 * (number + 1)),) if number == 0 else ((0, 1), (len(messages), len(messages) + 1), (3, 5))
        steps.append(Step(messages=MessageView(history, ranges), info={"run_id": f"r{number}"}))
    return Trajectory(
        task=Task(conversation_id=name, num_turns=turns, num_steps=len(steps)), steps=tuple(steps),
        messages=tuple(messages), asides=(aside,), turns=tuple(Turn(trace_ids=(str(n),)) for n in range(turns)),
    )  # fmt: skip


READS = """
import sys
from trajworker.errors import PathNotAllowed
from trajworker.trajectory.line import load

try:
    print(list(load(sys.argv[1])))
except PathNotAllowed as error:
    assert isinstance(error, PermissionError)
    print(type(error).__name__, error)
"""
ONE, TWO = conversation("one"), conversation("two", 1)


def test_a_trajectory_reads_back_equal_and_its_line_holds_no_line_ends() -> None:
    line = encode_trajectory(ONE)
    assert decode_line(line) == ONE
    assert encode_trajectory(decode_line(line)) == line
    assert not any(end in line.decode() for end in "\n\u2028\u2029\u0085")
    assert json.loads(line)["steps"][1]["messages"] == [[0, 1], [0], [3, 5]]


def test_the_seeds_layout_reads_back_equal_with_cumulative_steps(tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_bytes(encode_cumulative(ONE))
    (loaded,) = load(file)
    assert loaded == ONE
    assert encode_trajectory(loaded) == encode_trajectory(ONE)
    document = json.loads(file.read_text("utf-8"))
    assert [len(step["messages"]) for step in document["steps"]] == [3, 4]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_file_is_read_plain_and_compressed(tmp_path: Path, suffix: str) -> None:
    data = encode_trajectory(ONE) + b"\n" + encode_trajectory(TWO) + b"\n"
    packed = {"": data, ".gz": gzip.compress(data), ".zst": zstandard.compress(data)}[suffix]
    file = tmp_path / f"x.jsonl{suffix}"
    file.write_bytes(packed)
    assert list(load(file)) == [ONE, TWO]


def test_of_a_folder_only_published_files_are_read_in_sequence(tmp_path: Path) -> None:
    for number, trajectory in ((10, TWO), (9, ONE)):
        file = tmp_path / f"trajectories-{number:010}.jsonl"
        file.write_bytes(encode_trajectory(trajectory) + b"\n")
        (tmp_path / f"{file.name}.manifest.json").write_text("{}")
    (tmp_path / "trajectories-0000000011.jsonl").write_bytes(b"not yet published")
    (tmp_path / ".0000000012.jsonl.part").write_bytes(b"{")
    (tmp_path / "trajectories-0000000008.jsonl.manifest.json").write_text('{"void": true}')
    assert list(load(tmp_path)) == [ONE, TWO]


def test_a_file_that_a_note_says_to_be_lost_is_passed_over_whatever_lies_there(tmp_path: Path) -> None:
    for name, content in (
        ("trajectories-0000000001.jsonl", b"rubbish"),
        ("trajectories-0000000002.jsonl", encode_trajectory(ONE)),
    ):
        (tmp_path / name).write_bytes(content + b"\n")
        (tmp_path / f"{name}.manifest.json").write_text("{}")
    (tmp_path / "trajectories-0000000001.jsonl.void.json").write_text('{"void": true}')
    (tmp_path / "trajectories-0000000003.jsonl.void.json").write_text('{"void": true}')
    assert list(load(tmp_path)) == [ONE]


@pytest.mark.parametrize("published", [True, False])
def test_of_a_folder_files_of_lines_that_no_worker_names_are_read_too(tmp_path: Path, *, published: bool) -> None:
    line = {one: encode_trajectory(one_of) + b"\n" for one, one_of in (("one", ONE), ("two", TWO))}
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(line["one"]))
    (tmp_path / "y.jsonl.zst").write_bytes(zstandard.compress(line["two"]))
    (tmp_path / "z.jsonl").write_bytes(line["one"])
    (tmp_path / "trajectories-0000000001.jsonl.gz").write_bytes(gzip.compress(line["two"]))
    (tmp_path / "trajectories-0000000002.jsonl").write_bytes(b"not yet published")
    if published:
        (tmp_path / "trajectories-0000000001.jsonl.gz.manifest.json").write_text("{}")
    assert list(load(tmp_path)) == [*([TWO] if published else []), ONE, TWO, ONE]


def test_a_folder_of_nothing_but_unpublished_files_says_so(tmp_path: Path) -> None:
    (tmp_path / ".0000000002.jsonl.part").write_bytes(b"{")
    assert list(load(tmp_path)) == []
    (tmp_path / "trajectories-0000000001.jsonl.gz").write_bytes(gzip.compress(encode_trajectory(ONE) + b"\n"))
    with pytest.raises(NotPublished, match=r"trajectories-0000000001\.jsonl\.gz .* has no manifest"):
        list(load(tmp_path))
    assert list(load(tmp_path / "trajectories-0000000001.jsonl.gz")) == [ONE]


def test_what_may_not_be_read_is_no_empty_folder(tmp_path: Path) -> None:
    folder, file = tmp_path / "shut", tmp_path / "shut.jsonl"
    folder.mkdir(mode=0o000)
    file.write_bytes(encode_trajectory(ONE) + b"\n")
    file.chmod(0o000)
    for place in (folder, file, folder / "within"):
        command = held_to_modes([sys.executable, "-c", READS, str(place)])
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert f"NotReadable {place} cannot be read: Permission denied" in said
    folder.chmod(0o700)


def test_files_that_consumers_took_are_passed_over_where_that_is_asked_for(tmp_path: Path) -> None:
    for number, trajectory in ((1, ONE), (2, TWO)):
        file = tmp_path / f"trajectories-{number:010}.jsonl"
        file.write_bytes(encode_trajectory(trajectory) + b"\n")
        (tmp_path / f"{file.name}.manifest.json").write_text("{}")
    (tmp_path / "trajectories-0000000001.jsonl").unlink()
    assert list(load(tmp_path, skip_taken=True)) == [TWO]
    with pytest.raises(NotATrajectory, match="skip_taken"):
        list(load(tmp_path))


def test_a_folder_of_saved_documents_is_read_by_name(tmp_path: Path) -> None:
    for trajectory in (TWO, ONE):
        (tmp_path / f"{trajectory.task.conversation_id}.json").write_bytes(encode_cumulative(trajectory))
    assert list(load(str(tmp_path))) == [ONE, TWO]


def test_reading_is_lazy(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(encode_trajectory(ONE) + b"\n{")
    found = load(file)
    assert next(found) == ONE
    with pytest.raises(NotATrajectory, match=r"x\.jsonl, line 2 .*ends in the middle"):
        next(found)


@pytest.mark.parametrize(
    "line",
    [b"[1]\n", b"<html>\n", b'{"messages":[{"role":"nobody"}]}\n', b'{"steps":[{"messages":[[0,9]]}]}\n',
     b'{"steps":[{"messages":[[0,1,2]]}]}\n', b'{"steps":[{"messages":["x"]}]}\n', b"\xff\n"],
)  # fmt: skip
def test_a_foreign_line_is_named_by_file_and_number(tmp_path: Path, line: bytes) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(encode_trajectory(ONE) + b"\n" + line)
    with pytest.raises(NotATrajectory, match=r"x\.jsonl, line 2 is no trajectory"):
        list(load(file))


RUN = {"id": "r1", "name": "agent", "run_type": "llm", "inputs": {}, "outputs": {}, "error": "x", "metadata": {}}


@pytest.mark.parametrize("other", [{}, {"foo": 1}, RUN])
@pytest.mark.parametrize("name", ["x.jsonl", "x.json"])
def test_an_object_of_another_kind_is_no_trajectory_without_messages(
    tmp_path: Path, other: dict[str, Any], name: str
) -> None:
    file = tmp_path / name
    file.write_text(json.dumps(other))
    with pytest.raises(NotATrajectory, match="an object without messages, steps and a task"):
        list(load(file))


@pytest.mark.parametrize("told", [{"messages": []}, {"steps": []}, {"task": {}}])
def test_one_field_makes_an_empty_trajectory(told: dict[str, Any]) -> None:
    assert decode_line(json.dumps(told).encode()) == Trajectory()


def test_plain_values_of_a_trajectory_as_the_guide_has_them() -> None:
    values = msgspec.to_builtins(ONE, enc_hook=list)
    assert values["task"]["conversation_id"] == "one"
    assert [len(step["messages"]) for step in values["steps"]] == [len(step.messages) for step in ONE.steps]
    assert len(msgspec.json.decode(msgspec.json.encode(ONE, enc_hook=list))["messages"]) == len(ONE.messages)
    assert Trajectory.from_map(ONE.to_map()) == ONE


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_damaged_compressed_file_is_named(tmp_path: Path, suffix: str) -> None:
    data = (encode_trajectory(ONE) + b"\n") * 50
    packed = gzip.compress(data) if suffix == ".gz" else zstandard.compress(data)
    file = tmp_path / f"x.jsonl{suffix}"
    file.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(NotATrajectory, match=r"damaged|middle"):
        list(load(file))


def test_a_published_file_that_is_gone_is_told(tmp_path: Path) -> None:
    (tmp_path / "trajectories-0000000001.jsonl.manifest.json").write_text("{}")
    with pytest.raises(NotATrajectory, match="is missing"):
        list(load(tmp_path))


def test_a_step_with_messages_of_its_own_keeps_them() -> None:
    own = Trajectory(steps=(Step(messages=[Message(role=Role.USER, content="only here")]),))
    assert decode_line(encode_trajectory(own)) == own


def test_equal_views_on_messages_are_as_little_a_key_as_the_lists_they_equal() -> None:
    said = [Message(role=Role.USER, content=text) for text in ("one", "two", "one", "two")]
    first, second = MessageView(said, ((0, 2),)), MessageView(said, ((2, 4),))
    assert first == second == said[:2]
    with pytest.raises(TypeError, match="unhashable"):
        hash(first)


def test_lists_where_the_seed_declares_lists_read_back_equal() -> None:
    call = ToolCall(name="look")
    said = Message(role=Role.ASSISTANT, tool_calls=[call], blocks=[{"a": [1]}], flags=["summary"])  # type: ignore[arg-type]
    aside = Message(role=Role.USER, content="aside")
    given = Trajectory(
        messages=[said],  # type: ignore[arg-type]
        steps=[Step(messages=(aside,)), Step(messages=[said]), Step(messages=())],  # type: ignore[arg-type]
        reward=Reward(components=[RewardComponent(name="x")]),  # type: ignore[arg-type]
        turns=[Turn(trace_ids=["t"])],  # type: ignore[arg-type]
        retrieved=[Retrieval(documents=[{"page": "x"}])],  # type: ignore[arg-type]
        nested=[Trajectory(messages=[aside])],  # type: ignore[arg-type]
        origin=Origin(trace_ids=["t"]),  # type: ignore[arg-type]
    )
    assert decode_line(encode_trajectory(given)) == given
    assert Trajectory.from_map(given.to_map()) == given
    assert given.messages == (said,)
    assert said.tool_calls == (call,)
