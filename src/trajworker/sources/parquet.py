"""LangSmith bulk exports: Parquet files of runs, sorted out of core into one conversation after the other.

DuckDB reads, resolves thread keys and sorts (it spills to disk, so memory does not grow with the export); this module
turns its rows into runs. Columns and layouts: langsmith-api.md section 7. Needs the extra `trajworker[parquet]`.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from msgspec import Raw, Struct

from trajworker.errors import ConfigError
from trajworker.model.run import NULL, Run, RunStatus

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "1GB"
BATCH_ROWS = 2048
STATUSES = frozenset(status.value for status in RunStatus)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

JSON_COLUMNS = ("inputs", "outputs", "extra", "feedback_stats")
TEXT_COLUMNS = ("name", "run_type", "status", "error", "parent_run_id", "dotted_order", "reference_example_id")
TIME_COLUMNS = ("start_time", "end_time", "first_token_time")
COUNT_COLUMNS = ("prompt_tokens", "completion_tokens", "total_tokens")
REQUIRED = ("id", "run_type", "start_time", "inputs", "outputs")

TRACES = """
CREATE TEMP TABLE trace AS
SELECT session_id, trace_id, start_us, conversation_id,
       min(start_us) OVER (PARTITION BY session_id, conversation_id) AS conversation_start_us
FROM (
    SELECT session_id, trace_id, min(start_us) AS start_us,
           coalesce(max(thread_key) FILTER (WHERE id = trace_id), max(thread_key), trace_id) AS conversation_id
    FROM run GROUP BY session_id, trace_id
)
"""
ORDERED = """
SELECT run.* EXCLUDE (thread_key), trace.conversation_id
FROM run JOIN trace USING (session_id, trace_id)
ORDER BY trace.conversation_start_us, session_id, trace.conversation_id, trace.start_us, trace_id,
         run.dotted_order, run.start_us, run.id, run.end_us NULLS FIRST
"""


class ExportedConversation(Struct, frozen=True, kw_only=True):
    """One conversation of an export: its key, and its runs trace by trace in order of start."""

    project_id: str
    conversation_id: str
    traces: list[list[Run]]


class ParquetExport:
    """One Parquet file, or a folder of them in any partition layout."""

    def __init__(self, path: Path, thread_keys: Sequence[str]) -> None:
        """Raises ConfigError when there is nothing to read or the extra is not installed."""
        self._duckdb = _import_duckdb()
        self._files = [str(file) for file in _files(path)]
        self._thread_keys = tuple(thread_keys)

    def conversations(self) -> Iterator[ExportedConversation]:
        """All conversations, those that began first first; runs that overlapping exports repeat come once.

        Raises ConfigError when a column is missing without which runs cannot be read.
        """
        with tempfile.TemporaryDirectory(prefix="trajworker-") as spill, self._duckdb.connect() as connection:
            connection.execute(f"SET memory_limit='{MEMORY_LIMIT}'")
            connection.execute("SET TimeZone='UTC'")
            connection.execute("SET temp_directory=?", [spill])
            for (project, conversation), rows in groupby(
                self._rows(connection), itemgetter("session_id", "conversation_id")
            ):
                traces = [_runs(trace) for _, trace in groupby(rows, itemgetter("trace_id"))]
                yield ExportedConversation(project_id=project, conversation_id=conversation, traces=traces)

    def _rows(self, connection: "duckdb.DuckDBPyConnection") -> Iterator[dict[str, Any]]:
        export = connection.read_parquet(self._files, union_by_name=True, hive_partitioning=False)
        columns = dict(zip(export.columns, map(str, export.types), strict=True))
        if missing := [name for name in REQUIRED if name not in columns]:
            raise ConfigError(f"the export lacks {', '.join(missing)}: export runs with these fields, or with all")
        export.project(selection(columns, self._thread_keys)).create_view("run")
        connection.execute(TRACES)
        for batch in connection.sql(ORDERED).to_arrow_reader(BATCH_ROWS):
            yield from batch.to_pylist()


def selection(columns: Mapping[str, str], thread_keys: Sequence[str]) -> str:
    """The SELECT list that brings any release of the export into one shape; `columns` maps names to DuckDB types."""

    def column(name: str, expression: str) -> str:
        return f"{expression if name in columns else 'NULL'} AS {name}"

    def microseconds(name: str) -> str:
        value = f"TRY_CAST({name} AS TIMESTAMP)" if columns.get(name) == "VARCHAR" else name
        alias = name.replace("_time", "_us")
        return f"{f'epoch_us({value})' if name in columns else 'NULL'} AS {alias}"

    root = "split_part(dotted_order, '.', 1)[-36:]" if "dotted_order" in columns else "NULL"
    trace = f"coalesce({'CAST(trace_id AS VARCHAR)' if 'trace_id' in columns else 'NULL'}, {root}, CAST(id AS VARCHAR))"
    project = "coalesce(CAST(session_id AS VARCHAR), '')" if "session_id" in columns else "''"
    return ", ".join(
        [
            "CAST(id AS VARCHAR) AS id",
            f"{trace} AS trace_id",
            f"{project} AS session_id",
            f"{_thread_key(columns, thread_keys)} AS thread_key",
            column("tags", "tags"),
            column("total_cost", "TRY_CAST(total_cost AS DOUBLE)"),
            *(column(name, f"CAST({name} AS VARCHAR)") for name in TEXT_COLUMNS),
            *(column(name, f"encode({name})") for name in JSON_COLUMNS),
            *(column(name, f"TRY_CAST({name} AS BIGINT)") for name in COUNT_COLUMNS),
            *(microseconds(name) for name in TIME_COLUMNS),
        ]
    )


def _thread_key(columns: Mapping[str, str], thread_keys: Sequence[str]) -> str:
    """There is no thread column in an export: the key stands in the metadata of the runs."""
    if "extra" not in columns or not thread_keys:
        return "NULL"
    metadata = "CASE WHEN json_valid(extra) THEN extra END"
    values = (f"NULLIF(json_extract_string({metadata}, {_literal(_path(key))}), '')" for key in thread_keys)
    return f"coalesce({', '.join(values)})"


def _path(key: str) -> str:
    return '$.metadata."' + key.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _runs(rows: Iterator[dict[str, Any]]) -> list[Run]:
    """The runs of one trace; of equal ids that follow each other the later one is the more complete."""
    return list({row["id"]: _run(row) for row in rows}.values())


def _run(row: dict[str, Any]) -> Run:
    end = _moment(row["end_us"])
    flags = () if row["start_us"] is not None else ("clamped_time",)
    return Run(
        id=row["id"],
        trace_id=row["trace_id"],
        project_id=row["session_id"],
        name=row["name"] or "",
        run_type=(row["run_type"] or "chain").lower(),
        status=_status(row, ended=end is not None),
        start_time=_moment(row["start_us"]) or EPOCH,
        end_time=end,
        first_token_time=_moment(row["first_token_us"]),
        dotted_order=row["dotted_order"] or "",
        parent_run_id=row["parent_run_id"],
        error=row["error"],
        tags=tuple(row["tags"]) if isinstance(row["tags"], list) else (),
        inputs=_raw(row["inputs"]),
        outputs=_raw(row["outputs"]),
        extra=_raw(row["extra"]),
        feedback_stats=_raw(row["feedback_stats"]),
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        total_tokens=row["total_tokens"],
        total_cost=row["total_cost"],
        reference_example_id=row["reference_example_id"],
        flags=flags,
    )


def _status(row: dict[str, Any], *, ended: bool) -> RunStatus:
    named = (row["status"] or "").lower()
    if named in STATUSES:
        return RunStatus(named)
    if row["error"]:
        return RunStatus.ERROR
    return RunStatus.SUCCESS if ended else RunStatus.PENDING


def _raw(value: bytes | None) -> Raw:
    return Raw(value) if value else NULL


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = sorted(path.rglob("*.parquet"))
    if not found:
        raise ConfigError(f"there is no Parquet file at {path}")
    return found


def _import_duckdb() -> ModuleType:
    try:
        import duckdb  # noqa: PLC0415 - heavy, and an extra
    except ImportError:
        raise ConfigError("reading Parquet needs the extra: pip install 'trajworker[parquet]'") from None
    return duckdb
