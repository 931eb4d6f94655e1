"""JSON of runs in every shape it is known to come in, plain or compressed, cut into values whatever their size."""

import gzip
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

import trajworker as tj
from support.library import conversation
from trajworker.sources.files import json_values
from trajworker.sources.files.json_values import BrokenFile, values

ROWS = conversation("a", turns=2) + conversation("b", turns=1)


def v2(row: dict[str, Any]) -> dict[str, Any]:
    renamed = {("project_id" if name == "session_id" else name): value for name, value in row.items()}
    return renamed | {"run_type": row["run_type"].upper(), "status": row["status"].upper(), "thread_id": None}


SHAPES = {
    "lines.jsonl": b"\n".join(map(msgspec.json.encode, ROWS)),
    "lines.ndjson": b"\r\n".join(map(msgspec.json.encode, ROWS)) + b"\r\n\r\n",
    "v2.jsonl": b"\n".join(msgspec.json.encode(v2(row)) for row in ROWS),
    "answer.json": msgspec.json.encode({"runs": ROWS, "cursors": {"next": None}}),
    "answer_v2.json": msgspec.json.encode({"next_cursor": None, "items": [v2(row) for row in ROWS]}),
    "array.json": json.dumps(ROWS, indent=2).encode(),
    "answers.jsonl": b"\n".join(msgspec.json.encode({"runs": [row]}) for row in ROWS),
    "bom.json": b"\xef\xbb\xbf" + msgspec.json.encode(ROWS),
}
PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}


def imported(path: Path, **more: Any) -> list[tj.Trajectory]:
    client = tj.Client(api_key="k", project_id="p", storage_dir=path.parent / "staged")
    found = client.import_conversations(bulk=True, source=path, **more)
    return sorted(found, key=lambda one: one.task.conversation_id or "")


@pytest.fixture
def plain(tmp_path: Path) -> list[tj.Trajectory]:
    (tmp_path / "first.jsonl").write_bytes(SHAPES["lines.jsonl"])
    found = imported(tmp_path / "first.jsonl")
    assert [(one.task.conversation_id, one.task.num_turns) for one in found] == [("a", 2), ("b", 1)]
    return found


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
def test_every_shape_is_read(name: str, packing: str, tmp_path: Path, plain: list[tj.Trajectory]) -> None:
    pack = PACK.get(packing, bytes)
    (tmp_path / f"{name}{packing}").write_bytes(pack(SHAPES[name]))
    assert imported(tmp_path / f"{name}{packing}") == plain


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("kept", [0.01, 0.5, 0.99])
def test_a_compressed_file_that_was_cut_off_is_told(packing: str, kept: float, tmp_path: Path) -> None:
    whole = PACK[packing](SHAPES["lines.jsonl"])
    file = tmp_path / f"cut.jsonl{packing}"
    file.write_bytes(whole[: max(1, int(len(whole) * kept))])
    with pytest.raises(tj.ConfigError, match=rf"cut\.jsonl{packing} cannot be read"):
        imported(file)


@pytest.mark.parametrize("packing", PACK)
def test_a_compressed_file_that_is_damaged_is_told(packing: str, tmp_path: Path) -> None:
    whole = PACK[packing](SHAPES["lines.jsonl"])
    file = tmp_path / f"damaged.jsonl{packing}"
    file.write_bytes(whole[:20] + b"\xff" * 20 + whole[40:])
    with pytest.raises(tj.ConfigError, match=rf"damaged\.jsonl{packing} cannot be read"):
        imported(file)


def test_lines_that_are_broken_or_cut_off_are_told_with_file_and_place(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    lines = SHAPES["lines.jsonl"].splitlines()
    file.write_bytes(b"\n".join([*lines, b'{"id": }', b"{]", lines[0][:-20]]))
    with pytest.raises(tj.ImportIncomplete) as told:
        imported(file)
    assert {one.task.conversation_id for one in told.value.trajectories} == {"a", "b"}
    reasons = " ".join(told.value.failures.values())
    for number in range(len(lines) + 1, len(lines) + 4):
        assert f"{file}, value {number}: not decodable" in reasons


def test_frames_of_zstandard_one_behind_the_other_are_one_file(tmp_path: Path, plain: list[tj.Trajectory]) -> None:
    rows = [PACK[".zst"](msgspec.json.encode(row) + b"\n") for row in ROWS]
    (tmp_path / "frames.jsonl.zst").write_bytes(b"".join(rows))
    assert imported(tmp_path / "frames.jsonl.zst") == plain


def test_notes_of_a_worker_are_no_runs(tmp_path: Path, plain: list[tj.Trajectory]) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "runs.jsonl").write_bytes(SHAPES["lines.jsonl"])
    (folder / "trajectories-0000000001.jsonl.manifest.json").write_text("{}")
    (folder / "late-0000000002.jsonl.void.json").write_text("{}")
    assert imported(folder) == plain


def test_a_folder_of_pages_is_one_export(tmp_path: Path, plain: list[tj.Trajectory]) -> None:
    for number in range(0, len(ROWS), 3):
        page = tmp_path / "pages" / f"page-{number}.json"
        page.parent.mkdir(exist_ok=True)
        page.write_bytes(msgspec.json.encode({"runs": ROWS[number : number + 4]}))
    assert imported(tmp_path / "pages") == plain
    assert imported(tmp_path / "pages", stage=False) == plain


@pytest.mark.parametrize("nameless", range(len(ROWS)))
@pytest.mark.parametrize("project", [None, ""])
def test_a_run_without_a_project_is_of_the_one_that_the_rest_of_its_trace_names(
    nameless: int, project: str | None, tmp_path: Path, plain: list[tj.Trajectory]
) -> None:
    rows = [row | {"session_id": project} if number == nameless else row for number, row in enumerate(ROWS)]
    (tmp_path / "nameless.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    assert imported(tmp_path / "nameless.jsonl") == plain


def test_runs_of_which_none_names_a_project_are_read_as_they_are(tmp_path: Path, plain: list[tj.Trajectory]) -> None:
    rows = [{name: value for name, value in row.items() if name != "session_id"} for row in ROWS]
    (tmp_path / "nameless.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    found = imported(tmp_path / "nameless.jsonl")
    assert [one.messages for one in found] == [one.messages for one in plain]


def test_lists_of_messages_are_conversations_named_after_their_file(tmp_path: Path) -> None:
    messages = [{"type": "human", "content": "mail ada@example.com"}, {"type": "ai", "content": "done"}]
    (tmp_path / "thread-1.json").write_bytes(msgspec.json.encode(messages))
    (found,) = imported(tmp_path / "thread-1.json", redactor=tj.PiiRedactor())
    assert found.task.conversation_id == "thread-1"
    assert [message.role for message in found.messages] == ["user", "assistant"]
    assert "ada@" not in str(found)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b'[{"id": "1"', "ends within a value"), (b"hello", "cannot be read|neither"), (b"[1, 2]", "no object in line 1"),
     (b'{"a": 1}', "no id"), (b'["a', "ends within a text")],
)  # fmt: skip
def test_what_is_no_file_of_runs_is_told_with_its_place(content: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(tj.ConfigError, match=why):
        imported(tmp_path / "bad.json")


@pytest.mark.parametrize("value", [b'"\xff\xfe"', b"1e999"])
def test_a_message_that_cannot_be_decoded_is_told_with_its_place(value: bytes, tmp_path: Path) -> None:
    file = tmp_path / "thread.json"
    file.write_bytes(b'[{"role": "user", "content": "hello"}, {"role": "user", "content": %s}]' % value)
    with pytest.raises(tj.ConfigError, match=rf"{file}, value 2 is a message that cannot be decoded: write it as JSON"):
        imported(file)


def test_a_folder_without_runs_is_told_with_all_endings_that_are_read(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        tj.ConfigError, match=r"no file of runs at .*empty: \.parquet, \.json, .*\.ndjson\.zst are read"
    ):
        imported(tmp_path / "empty")


def test_a_long_line_takes_time_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "CHUNK_BYTES", 256)

    def seconds(size: int) -> float:
        lines = [b'{"id": "a"}', b'{"id": "b", "inputs": "%s"}' % (b"x" * size)]
        begun = time.process_time()
        assert list(values(io.BytesIO(b"\n".join(lines)))) == lines
        return time.process_time() - begun

    short = min(seconds(500_000) for _ in range(3))
    assert seconds(4_000_000) < 8 * 4 * short, "quadratic would be 64 times"


def test_a_line_longer_than_a_run_may_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "CHUNK_BYTES", 16)
    monkeypatch.setattr(json_values, "LONGEST_BYTES", 64)
    with pytest.raises(BrokenFile, match="a line of more than 64 bytes"):
        list(values(io.BytesIO(b'{"a": 1}\n{"a": "' + b"x" * 64 + b'"}')))


def test_a_value_that_is_no_run_is_told_with_its_line_however_far_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "CHUNK_BYTES", 16)
    with pytest.raises(BrokenFile, match="no object in line 102"):
        list(values(io.BytesIO(b"[\n" + b'{"a": 1},\n' * 100 + b"2]")))


JSONS = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.fixed_dictionaries({"id": st.text(max_size=4), "inputs": JSONS}), max_size=6)


@given(
    objects=OBJECTS,
    chunk=st.integers(1, 64),
    shape=st.sampled_from(["array", "runs", "items", "lines", "pretty"]),
    ascii_only=st.booleans(),
)
def test_values_come_back_whole_wherever_the_stream_is_cut(
    objects: list[dict[str, Any]], chunk: int, shape: str, *, ascii_only: bool
) -> None:
    def text(value: Any, indent: int | None = None) -> str:
        return json.dumps(value, ensure_ascii=ascii_only, indent=indent)

    written = {
        "array": text(objects),
        "pretty": text(objects, 1),
        "runs": text({"cursors": {"next": [1]}, "runs": objects, "after": {"runs": 1}}),
        "items": text({"items": objects, "more": [[{}]]}),
        "lines": "\n".join(map(text, objects)),
    }[shape].encode()
    before, json_values.CHUNK_BYTES = json_values.CHUNK_BYTES, chunk
    try:
        found = [json.loads(value) for value in values(io.BytesIO(written))]
    finally:
        json_values.CHUNK_BYTES = before
    assert found == objects


@given(st.binary(max_size=60))
def test_no_bytes_break_the_cutter(content: bytes) -> None:
    try:
        list(values(io.BytesIO(content)))
    except BrokenFile:
        return
