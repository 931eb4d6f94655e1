"""A run is read by one set of rules, in whichever kind of file it stands; none costs more than its conversation."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

import trajworker as tj
from trajworker.model.run import CLAMPED_TIME, PENDING, Run, RunStatus
from trajworker.ports import Unreadable
from trajworker.sources.files.parquet import ParquetExport
from trajworker.sources.files.parquet_columns import key_selection
from trajworker.sources.files.parquet_rows import runs_of
from trajworker.sources.files.run_files import RunFiles
from trajworker.sources.wires.thread_key import ThreadKey

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
duckdb = pytest.importorskip("duckdb")

ID, ROOT = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
KEYS = ("first", "second")
DAY_US = 86_400_000_000
RUN = {
    "id": ID,
    "trace_id": ID,
    "session_id": "p",
    "name": "chat",
    "run_type": "llm",
    "status": "success",
    "start_time": "2026-01-01T00:00:00",
    "end_time": "2026-01-01T00:00:01",
    "inputs": {"messages": [{"role": "user", "content": "hello"}]},
    "outputs": {"choices": [{"message": {"role": "assistant", "content": "hi"}}]},
}
PECULIAR: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a word yet unknown that ended": {"status": "interrupted"},
    "a word yet unknown with an error that ended": {"status": "interrupted", "error": "boom"},
    "a word yet unknown with an error that has not ended": {"status": "interrupted", "error": "boom", "end_time": None},
    "no word and no end": {"status": None, "end_time": None},
    "no type": {"run_type": None},
    "a start before there were runs": {"start_time": "1960-01-01T00:00:00"},
    "an end in four hundred years": {"end_time": "2430-01-01T00:00:00"},
    "an end long before the start": {"end_time": "2025-01-01T00:00:00"},
    "an end less than a clock's resolution before the start": {"start_time": "2026-01-01T00:00:01.000900"},
    "a start that the order alone tells": {"start_time": None, "dotted_order": f"20260101T000000500000Z{ID}"},
    "no start": {"start_time": None},
    "a parent that the order alone tells": {
        "trace_id": ROOT,
        "dotted_order": f"20260101T000000000000Z{ROOT}.20260101T000000000000Z{ID}",
    },
    "a trace that the order alone tells": {
        "trace_id": None,
        "dotted_order": f"20260101T000000000000Z{ROOT}.20260101T000000000000Z{ID}",
    },
    "more tokens than there are": {"total_tokens": 2**60, "prompt_tokens": 5},
    "a cost in words": {"total_cost": "0.25"},
    "a cost without end": {"total_cost": "Infinity"},
    "a cost that is none": {"total_cost": "free"},
}
TYPES = {"total_tokens": "int64", "prompt_tokens": "int64"}


def exported(path: Path, rows: list[dict[str, Any]]) -> Path:
    columns = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        cells = [row.get(name) for row in rows]
        if name in ("inputs", "outputs"):
            cells = [msgspec.json.encode(cell).decode() for cell in cells]
        columns[name] = pa.array(cells, getattr(pa, TYPES.get(name, "string"))())
        if name.endswith("_time"):
            columns[name] = columns[name].cast(pa.timestamp("us"))
    pq.write_table(pa.table(columns), path)
    return path


def far_off(path: Path, micros: int) -> Path:
    """An export whose second run ends that many microseconds after the epoch."""
    file = exported(path, [RUN, RUN | {"id": ROOT, "trace_id": ROOT}])
    table = pq.read_table(file)
    ends = pa.array([table["end_time"].cast("int64")[0].as_py(), micros]).cast(pa.timestamp("us"))
    pq.write_table(table.set_column(table.column_names.index("end_time"), "end_time", ends), file)
    return file


def of_parquet(path: Path) -> list[Run | Unreadable]:
    with ParquetExport(path, (), ("llm",)).open(spill=False) as rows:
        return [run for batch in rows.unsorted() for run in runs_of(batch)]


def imported(path: Path, **more: Any) -> list[tj.Trajectory]:
    client = tj.Client(api_key="k", project_id="p", storage_dir=path.parent / "staged")
    return client.import_conversations(bulk=True, source=path, **more)


@pytest.mark.parametrize("name", PECULIAR)
def test_both_kinds_of_file_say_the_same(name: str, tmp_path: Path) -> None:
    row = RUN | PECULIAR[name]
    (tmp_path / "run.jsonl").write_bytes(msgspec.json.encode(row))
    (said,) = RunFiles(tmp_path / "run.jsonl", ()).read()
    (found,) = of_parquet(exported(tmp_path / "run.parquet", [row]))
    if isinstance(said, Unreadable) and isinstance(found, Unreadable):
        assert (found.run_id, found.trace_id, found.reason) == (said.run_id, said.trace_id, said.kind)
    else:
        assert found == said


VALUES = st.one_of(
    st.text(),
    st.integers(),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**63).map(float),
    st.booleans() | st.none() | st.just([]) | st.just({"a": 1}),
)


@given(VALUES, VALUES)
@example(1.0, None)
@example(-0.0, None)
@example(1e22, None)
@example(1e-7, None)
@example(1e300, None)
def test_the_thread_key_is_the_same_in_sql(first: Any, second: Any) -> None:
    extra = json.dumps({"metadata": {"first": first, "second": second}})
    assert key_in_sql(extra) == ThreadKey(KEYS)(None, Raw(extra.encode()))


@pytest.mark.parametrize("number", ["1e3", "1E3", "1.10", "1e400", "-1e400", "-0", "0e5"])
def test_a_number_is_the_same_thread_key_in_sql_however_it_is_written(number: str) -> None:
    extra = f'{{"metadata": {{"first": {number}}}}}'
    assert key_in_sql(extra) == ThreadKey(KEYS)(None, Raw(extra.encode()))


def key_in_sql(extra: str) -> str | None:
    columns = {"id": "VARCHAR", "start_time": "TIMESTAMP", "extra": "VARCHAR"}
    row = "(SELECT 'a' AS id, TIMESTAMP '2026-01-01' AS start_time, ? AS extra)"
    with duckdb.connect() as connection:
        connection.execute(f"SELECT thread_key FROM (SELECT {key_selection(columns, KEYS)} FROM {row})", [extra])
        (found,) = connection.fetchone()
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize("masked", [True, False])
def test_a_run_without_a_place_in_the_tree_comes_after_all_that_have_one(tmp_path: Path, *, masked: bool) -> None:
    below = RUN | {"trace_id": ID, "parent_run_id": ID}
    named = [
        below | {"id": run_id, "dotted_order": order, "extra": f'{{"metadata": {{"thread_id": "{thread}"}}}}'}
        for run_id, order, thread in (
            ("00000000-0000-4000-8000-000000000003", "", "unplaced"),
            (ROOT, f"20260101T000000000000Z{ID}.20260101T000000000000Z{ROOT}", "placed"),
        )
    ]
    file = exported(tmp_path / "tree.parquet", [RUN | {"dotted_order": f"20260101T000000000000Z{ID}"}, *named])
    (found,) = imported(file, redactor=tj.PiiRedactor() if masked else None)
    assert found.task.conversation_id == "placed"


def test_a_word_yet_unknown_is_pending_until_the_run_ends(tmp_path: Path) -> None:
    (run,) = of_parquet(
        exported(tmp_path / "run.parquet", [RUN | {"status": "paused", "error": "x", "end_time": None}])
    )
    assert isinstance(run, Run)
    assert run.status is PENDING


@pytest.mark.parametrize("days", [5_000_000, -5_000_000])
def test_a_time_outside_the_calendar_is_clamped_and_flagged(days: int, tmp_path: Path) -> None:
    file = far_off(tmp_path / "far.parquet", days * DAY_US)
    near, far = (run for run in of_parquet(file) if isinstance(run, Run))
    assert (near.flags, far.flags) == ((), (CLAMPED_TIME,))
    assert far.status is RunStatus.SUCCESS
    assert len(imported(file)) == len(imported(file, redactor=tj.PiiRedactor())) == 2


@pytest.mark.parametrize("lacking", ["id", "start_time"])
@pytest.mark.parametrize("masked", [True, False])
def test_a_run_that_cannot_be_read_costs_its_conversation_only(lacking: str, tmp_path: Path, *, masked: bool) -> None:
    rows = [RUN, RUN | {"id": ROOT, "trace_id": ROOT, "end_time": None}]
    file = exported(tmp_path / "one.parquet", [rows[0], rows[1] | {lacking: None}])
    client = tj.Client(api_key="k", project_id="p", storage_dir=tmp_path / "staged")
    found = client.iter_conversations(bulk=True, source=file, redactor=tj.PiiRedactor() if masked else None)
    assert next(found).task.conversation_id == ID
    with pytest.raises(tj.ImportIncomplete, match=f"{ROOT}.*cannot be read"):
        list(found)


def test_of_two_versions_the_ended_one_stands_whatever_their_ends(tmp_path: Path) -> None:
    late_but_pending = RUN | {"status": "pending", "end_time": "2026-01-01T00:00:09", "outputs": None}
    (found,) = imported(exported(tmp_path / "twice.parquet", [RUN, late_but_pending]))
    assert found.complete
    assert [message.content for message in found.messages] == ["hello", "hi"]
