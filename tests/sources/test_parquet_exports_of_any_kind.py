"""Bulk exports in every layout, release and compression give the same conversations, each run once."""

import os
import random
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

import trajworker as tj
from support import corpus
from support.library import conversation
from trajworker.api import pool

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("duckdb")

TEXT = ("id", "session_id", "trace_id", "parent_run_id", "name", "run_type", "status", "dotted_order", "error")
JSON = ("inputs", "outputs", "extra")
COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


def rows() -> list[dict[str, Any]]:
    made = [row for name in ("a", "b", None) for row in conversation(name, turns=3)]
    random.Random(7).shuffle(made)
    return made


def table(found: list[dict[str, Any]], *, release: str = "v2_beta", without: tuple[str, ...] = ()) -> Any:
    moment = pa.timestamp("us", tz="UTC") if release == "v2_beta" else pa.timestamp("ns")
    columns = {name: pa.array([row.get(name) for row in found], pa.string()) for name in TEXT}
    for name in JSON:
        columns[name] = pa.array([msgspec.json.encode(row.get(name)).decode() for row in found], pa.string())
    for name in ("start_time", "end_time"):
        times = [datetime.fromisoformat(row[name]) if row.get(name) else None for row in found]
        aware = [one.replace(tzinfo=UTC) if one and release == "v2_beta" else one for one in times]
        columns[name] = pa.array(aware, moment)
    for name in COUNTS:
        columns[name] = pa.array([row.get(name) for row in found], pa.int64())
    return pa.table({name: column for name, column in columns.items() if name not in without})


def imported(path: Path, **more: Any) -> dict[str | None, tj.Trajectory]:
    client = tj.Client(api_key="k", project_id="p", storage_dir=path.parent / "staged")
    found = list(client.iter_conversations(bulk=True, source=path, **more))
    assert len({one.task.conversation_id for one in found}) == len(found)
    return {one.task.conversation_id: one for one in found}


@pytest.fixture
def plain(tmp_path: Path) -> dict[str | None, tj.Trajectory]:
    pq.write_table(table(rows()), tmp_path / "plain.parquet")
    found = imported(tmp_path / "plain.parquet")
    assert {name: one.task.num_turns for name, one in found.items() if name in "ab"} == {"a": 3, "b": 3}
    assert len(found) == 5, "each trace without a thread is a conversation of its own"
    assert {one.task.total_tokens for one in found.values()} == {15, 45}
    return found


@pytest.mark.parametrize("release", ["v1", "v2_beta"])
@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "zstd", "brotli", "lz4"])
def test_every_release_and_compression(
    release: str, compression: str, tmp_path: Path, plain: dict[str | None, tj.Trajectory]
) -> None:
    pq.write_table(table(rows(), release=release), tmp_path / "one.parquet", compression=compression)
    assert imported(tmp_path / "one.parquet") == plain


def test_a_system_that_does_not_say_which_cores_are_ours_imports_all_the_same(
    tmp_path: Path, plain: dict[str | None, tj.Trajectory], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS
    assert imported(tmp_path / "plain.parquet") == plain


def test_processes_of_their_own_give_the_same_lines(
    tmp_path: Path, plain: dict[str | None, tj.Trajectory], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "POOL_BYTES", 0)
    monkeypatch.setattr(pool, "_cores", lambda: 2)
    assert imported(tmp_path / "plain.parquet") == plain


KILLED_IN_MID_ANSWER = """#!{python} -S
import os, signal, sys
sent = sys.stdin.buffer
for frame in ("settings", "batch"):
    sent.read(int.from_bytes(sent.read(8), "little"))
os.write(1, {written!r})
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("written", [b"", b"12", b"\x40" + bytes(7), b"\x40" + bytes(7) + b"half of an answer"])
def test_a_process_that_ends_before_its_time_is_told_of_wherever_in_its_answer_it_was(
    tmp_path: Path, plain: dict[str | None, tj.Trajectory], monkeypatch: pytest.MonkeyPatch, written: bytes
) -> None:
    assert plain
    program = tmp_path / "program"
    program.write_text(KILLED_IN_MID_ANSWER.format(python=sys.executable, written=written))
    program.chmod(0o700)
    monkeypatch.setattr(pool, "POOL_BYTES", 0)
    monkeypatch.setattr(pool, "_cores", lambda: 2)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(tj.TrajworkerError, match=r"ended before its time \(signal 9, Killed\); "):
        imported(tmp_path / "plain.parquet")


def test_an_extra_that_is_not_installed_is_named(
    tmp_path: Path, plain: dict[str | None, tj.Trajectory], monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    assert plain
    monkeypatch.setattr(pool, "POOL_BYTES", 0)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(tj.ConfigError, match=r"pip install 'trajworker\[parquet\]'"):
        imported(tmp_path / "plain.parquet")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("resource", ["runs", "resource=runs"])
def test_both_partition_layouts_and_overlapping_exports(
    resource: str, tmp_path: Path, plain: dict[str | None, tj.Trajectory]
) -> None:
    made = rows()
    for number, some in enumerate((made[:12], made[6:], made[:3])):
        export = "two" if number == 2 else "one"
        day = tmp_path / f"x/export_id={export}/tenant_id=t/session_id=s/{resource}/year=2026/month=1/day={number + 1}"
        day.mkdir(parents=True)
        pq.write_table(table(some, release="v1" if number else "v2_beta"), day / "part.parquet")
    assert imported(tmp_path / "x") == plain


def test_of_two_versions_of_a_run_the_ended_one_stands(tmp_path: Path, plain: dict[str | None, tj.Trajectory]) -> None:
    running = [row | {"end_time": None, "status": "pending", "outputs": None} for row in rows()]
    pq.write_table(pa.concat_tables([table(running), table(rows())]), tmp_path / "twice.parquet")
    assert imported(tmp_path / "twice.parquet") == plain


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_times_are_read_in_every_unit_with_and_without_a_zone(unit: str, zone: str | None, tmp_path: Path) -> None:
    said = {"microsecond": 0} if unit == "s" else {}
    began = datetime(2026, 11, 1, 9, 30, 0, 250_000, tzinfo=UTC).replace(**said)
    whole = table([row for row in rows() if row["session_id"]])
    place = whole.column_names.index("start_time")
    times = pa.array([began if zone else began.replace(tzinfo=None)] * len(whole), pa.timestamp(unit, tz=zone))
    pq.write_table(whole.set_column(place, "start_time", times), tmp_path / "times.parquet")
    told = [one.turns[0].start_time for one in imported(tmp_path / "times.parquet").values()]
    assert {datetime.fromisoformat(time or "") for time in told} == {began}


@pytest.mark.parametrize("stage", [True, False])
def test_a_root_without_an_id_costs_its_conversation_and_is_not_left_out_unseen(
    tmp_path: Path, plain: dict[str | None, tj.Trajectory], *, stage: bool
) -> None:
    whole = table(rows()).to_pylist()
    next(row for row in whole if row["parent_run_id"] is None)["id"] = None
    pq.write_table(pa.Table.from_pylist(whole), tmp_path / "nameless.parquet")
    client = tj.Client(api_key="k", project_id="p", storage_dir=tmp_path / "again")
    with pytest.raises(tj.ImportIncomplete) as told:
        client.import_conversations(bulk=True, source=tmp_path / "nameless.parquet", stage=stage)
    (lost,) = told.value.failures
    assert {one.task.conversation_id for one in told.value.trajectories} == plain.keys() - {lost}


def test_columns_may_be_missing(tmp_path: Path, plain: dict[str | None, tj.Trajectory]) -> None:
    less = table(rows(), without=("error", "parent_run_id", "name", "trace_id", "session_id", *COUNTS))
    pq.write_table(less, tmp_path / "less.parquet")
    found = imported(tmp_path / "less.parquet")
    assert {name: one.messages for name, one in found.items()} != {}
    assert {name: [m.content for m in one.messages] for name, one in found.items()} == {
        name: [m.content for m in one.messages] for name, one in plain.items()
    }
    pq.write_table(table(rows(), without=("inputs",)), tmp_path / "none.parquet")
    with pytest.raises(tj.ConfigError, match="lacks inputs"):
        imported(tmp_path / "none.parquet")


def test_a_payload_that_is_no_json_never_costs_the_rest(tmp_path: Path) -> None:
    made = rows()
    broken = table(made).to_pydict()
    place = next(k for k, row in enumerate(made) if row["run_type"] == "llm" and "a" in str(row["extra"]))
    broken["outputs"][place] = "no JSON {"
    pq.write_table(pa.table(broken, schema=table(made).schema), tmp_path / "broken.parquet")
    found = imported(tmp_path / "broken.parquet")
    assert len(found) == 5
    assert imported(tmp_path / "broken.parquet", redactor=tj.PiiRedactor()).keys() == found.keys()


def test_masked_or_not_on_disk_or_not_it_is_the_same(tmp_path: Path, plain: dict[str | None, tj.Trajectory]) -> None:
    file = tmp_path / "plain.parquet"
    assert imported(file, stage=False) == plain
    assert imported(file, redactor=tj.PiiRedactor()) == plain
    assert imported(file, redactor=tj.PiiRedactor(), stage=False) == plain
    assert imported(file, conversations=["b"]) == {"b": plain["b"]}
    with pytest.raises(tj.ConversationNotFound, match="'nobody'"):
        imported(file, conversations=["b", "nobody"])


def test_a_damaged_file_and_a_missing_one_are_told(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and then nothing of it")
    with pytest.raises(tj.ConfigError, match="cannot be read as Parquet"):
        imported(tmp_path / "bad.parquet")
    with pytest.raises(tj.ConfigError, match="nothing at"):
        imported(tmp_path / "missing.parquet")
    with pytest.raises(tj.ConfigError, match="pass source"):
        tj.Client(api_key="k", project_id="p").import_conversations(bulk=True)


@pytest.mark.parametrize("producer", corpus.producers())
def test_an_export_says_what_the_api_says(producer: str, tmp_path: Path) -> None:
    recorded = corpus.runs(producer)
    pq.write_table(table(recorded), tmp_path / "one.parquet")
    lines = tmp_path / "runs.jsonl"
    lines.write_bytes(b"\n".join(map(msgspec.json.encode, recorded)))
    said = {name: [m.content for m in one.messages] for name, one in imported(tmp_path / "one.parquet").items()}
    assert said == {name: [m.content for m in one.messages] for name, one in imported(lines).items()}


@pytest.mark.parametrize("redactor", [None, tj.PiiRedactor()])
@pytest.mark.parametrize("nameless", range(3))
def test_a_run_without_a_project_is_of_the_one_that_the_rest_of_its_trace_names(
    nameless: int, redactor: tj.PiiRedactor | None, tmp_path: Path
) -> None:
    told = conversation("a", turns=2, fillers=1) + conversation(None, turns=1)
    pq.write_table(table(told), tmp_path / "named.parquet")
    told[nameless] |= {"session_id": None}
    pq.write_table(table(told), tmp_path / "nameless.parquet")
    named = imported(tmp_path / "named.parquet", redactor=redactor)
    assert imported(tmp_path / "nameless.parquet", redactor=redactor) == named
