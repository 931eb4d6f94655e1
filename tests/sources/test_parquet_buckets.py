"""An export that is too large to be sorted at once comes out as one that is not."""

from pathlib import Path

import pytest

pa = pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
pytest.importorskip("duckdb", reason="the extra parquet is not installed")

import pyarrow.parquet as pq  # noqa: E402 - only where it is installed

from trajworker.sources.files import parquet  # noqa: E402 - same
from trajworker.sources.files.parquet import ParquetExport  # noqa: E402 - same
from trajworker.sources.files.parquet_buckets import MOST_BUCKETS, buckets_for  # noqa: E402 - same
from trajworker.sources.files.parquet_rows import conversations_of  # noqa: E402 - same

SECOND_US = 1_000_000


def export(folder: Path, conversations: int, traces: int) -> Path:
    """Conversations whose traces are interleaved over the whole file, newest first."""
    rows = [
        {
            "id": f"{number:04}-{turn}",
            "trace_id": f"{number:04}-{turn}",
            "session_id": "p",
            "name": "chat",
            "run_type": "llm",
            "status": "success",
            "start_time": (turn * conversations + number) * SECOND_US,
            "end_time": (turn * conversations + number + 1) * SECOND_US,
            "inputs": '{"messages":[]}',
            "outputs": "{}",
            "extra": f'{{"metadata":{{"thread_id":"t{number}"}}}}',
        }
        for turn in range(traces)
        for number in range(conversations)
    ]
    table = pa.Table.from_pylist(rows[::-1])
    times = ("start_time", "end_time")
    for name in times:
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.timestamp("us")))
    pq.write_table(table, folder / "export.parquet")
    return folder / "export.parquet"


def read(path: Path) -> list[tuple[str, list[str]]]:
    """Conversations with their traces, in the order they come."""
    with ParquetExport(path, ("thread_id",), ("llm",)).open(spill=True) as rows:
        found = [one for batch in rows.conversations() for one in conversations_of(batch)]
    return [(one.conversation_id, [trace[0].id for trace in one.traces]) for one in found]


def test_many_buckets_say_what_one_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = export(tmp_path, conversations=60, traces=3)
    whole = read(path)
    assert [name for name, _ in whole] == [f"t{number}" for number in range(60)]
    assert whole[7] == ("t7", ["0007-0", "0007-1", "0007-2"])
    monkeypatch.setattr(parquet, "buckets_for", lambda _size: 7)
    assert read(path) == whole


@pytest.mark.parametrize(("size_bytes", "buckets"), [(0, 1), (1, 1), (2**25, 1), (2**25 + 1, 2), (2**50, MOST_BUCKETS)])
def test_buckets_are_as_many_as_the_export_needs(size_bytes: int, buckets: int) -> None:
    assert buckets_for(size_bytes) == buckets
