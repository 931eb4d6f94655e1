"""LangSmith bulk exports: Parquet files of runs, sorted out of core into one conversation after the other.

DuckDB reads, resolves thread keys and sorts. An export that is too large to be sorted at once is split by the time its
conversations began into files that are (`parquet_buckets`), so memory does not grow with it. `parquet_columns` says
what is selected, `parquet_rows` turns rows into runs. Columns and layouts: langsmith-api.md section 7. Needs the extra
`trajworker[parquet]`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Any

from trajworker.errors import ConfigError
from trajworker.sources.files.parquet_buckets import Buckets, buckets_for
from trajworker.sources.files.parquet_columns import key_selection, literal, selection

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "256MB"
"""What DuckDB may hold while it reads, and sorts what one bucket holds."""
BATCH_ROWS = 1024
REQUIRED = ("id", "run_type", "start_time", "inputs", "outputs")

HOMES = """
CREATE TEMP TABLE home AS
SELECT trace_id, min(session_id) AS named
FROM told_key WHERE session_id != '' AND trace_id IN (SELECT trace_id FROM told_key WHERE session_id = '')
GROUP BY trace_id
"""
"""The projects of traces of which some runs name none: those are of the project that the others name."""
AT_HOME = """
CREATE TEMP VIEW {0} AS
SELECT told.* REPLACE (CASE WHEN session_id = '' THEN coalesce(named, '') ELSE session_id END AS session_id)
FROM told_{0} AS told LEFT JOIN home USING (trace_id)
"""
AS_TOLD = "CREATE TEMP VIEW {0} AS SELECT * FROM told_{0}"
"""The rows with the projects they belong to, where some name none, and as they are."""

TRACES = """
CREATE TEMP TABLE trace AS
SELECT session_id, trace_id, start_us, conversation_id,
       min(start_us) OVER (PARTITION BY session_id, conversation_id) AS conversation_start_us
FROM (
    SELECT session_id, trace_id, min(start_us) AS start_us,
           coalesce(max(thread_key) FILTER (WHERE id = trace_id),
                    arg_min(thread_key, tree_order) FILTER (WHERE thread_key IS NOT NULL),
                    trace_id) AS conversation_id
    FROM key GROUP BY session_id, trace_id
)
"""
INTO_BUCKETS = """
CREATE TEMP TABLE bucket AS
SELECT session_id, trace_id,
       CAST(? * (sum(runs) OVER conversations - 1) / sum(runs) OVER () AS BIGINT) AS bucket
FROM trace JOIN (SELECT session_id, trace_id, count(*) AS runs FROM key GROUP BY session_id, trace_id)
     USING (session_id, trace_id)
WINDOW conversations AS (ORDER BY conversation_start_us, session_id, conversation_id
                         RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
"""
"""A bucket for each conversation: a share of all runs, the conversations that began first first."""
ROWS = """
SELECT run.*, trace.conversation_id, trace.conversation_start_us, trace.start_us AS trace_start_us
FROM run JOIN trace USING (session_id, trace_id)
"""
BUCKETED = """
SELECT run.*, trace.conversation_id, trace.conversation_start_us, trace.start_us AS trace_start_us, bucket.bucket
FROM run JOIN trace USING (session_id, trace_id) JOIN bucket USING (session_id, trace_id)
"""
ORDER = """
ORDER BY conversation_start_us, session_id, conversation_id, trace_start_us, trace_id,
         dotted_order, start_us, id
"""


class ParquetExport:
    """One Parquet file, or a folder of them in any partition layout."""

    def __init__(self, path: Path, thread_keys: Sequence[str], run_types: Sequence[str]) -> None:
        """`run_types`: what is read beside the roots.

        Raises:
            ConfigError: there is nothing to read.
        """
        self._path = path
        files = files_of(path)
        self._files = [str(file) for file in files]
        self.size_bytes = sum(file.stat().st_size for file in files)
        """As it lies on the disk."""
        self._thread_keys = tuple(thread_keys)
        self._run_types = tuple(run_types)

    @contextmanager
    def open(self, *, spill: bool) -> Iterator["OpenExport"]:
        """The export while it is read; without `spill` nothing is written to disk, however large it is.

        Raises:
            ConfigError: a column is missing without which runs cannot be read, a file is no Parquet file, or the
                extra is not installed.
        """
        duckdb = _import_duckdb()
        place = TemporaryDirectory(prefix="trajworker-") if spill else nullcontext("")
        with place as folder, duckdb.connect() as connection:
            connection.execute("SET TimeZone='UTC'")
            connection.execute("SET temp_directory=?", [folder])
            if spill:
                connection.execute(f"SET memory_limit='{MEMORY_LIMIT}'")
            try:
                self._views(connection)
                buckets = buckets_for(self._unpacked_bytes(connection)) if spill else 1
                yield OpenExport(connection, Path(folder), buckets)
            except duckdb.OutOfMemoryException:
                advice = f"{self._path} does not fit into memory; stage=True lets it spill to disk"
                raise ConfigError(advice) from None
            except duckdb.Error as error:  # its own words may repeat what stands in the file
                raise ConfigError(f"{self._path} cannot be read as Parquet: {type(error).__name__}") from None

    def _views(self, connection: "duckdb.DuckDBPyConnection") -> None:
        export = connection.read_parquet(self._files, union_by_name=len(self._files) > 1, hive_partitioning=False)
        columns = dict(zip(export.columns, map(str, export.types), strict=True))
        if missing := [name for name in REQUIRED if name not in columns]:
            raise ConfigError(f"the export lacks {', '.join(missing)}: export runs with these fields, or with all")
        export.project(key_selection(columns, self._thread_keys)).create_view("told_key")
        wanted = f"lower(run_type) IN ({', '.join(map(literal, self._run_types))}) OR id = trace_id"
        export.project(selection(columns)).filter(wanted).create_view("told_run")
        nameless = connection.execute("SELECT 1 FROM told_key WHERE session_id = '' LIMIT 1").fetchone()
        if nameless:
            connection.execute(HOMES)
        for name in ("key", "run"):
            connection.execute((AT_HOME if nameless else AS_TOLD).format(name))

    def _unpacked_bytes(self, connection: "duckdb.DuckDBPyConnection") -> int:
        total = connection.execute("SELECT sum(total_uncompressed_size) FROM parquet_metadata(?)", [self._files])
        size: int | None = total.fetchall()[0][0]
        return int(size or 0)


class OpenExport:
    """An export that is being read."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection", folder: Path, buckets: int) -> None:
        self._connection = connection
        self._folder = folder
        self._bucket_count = buckets

    def conversations(self) -> Iterator[Any]:
        """Arrow batches of whole conversations, those that began first first; none is cut in two."""
        self._connection.execute(TRACES)
        if self._bucket_count == 1:
            yield from _whole_conversations(self._connection.sql(f"{ROWS} {ORDER}").to_arrow_reader(BATCH_ROWS))
            return
        self._connection.execute(INTO_BUCKETS, [self._bucket_count])
        reader = self._connection.sql(BUCKETED).to_arrow_reader(BATCH_ROWS)
        with Buckets(self._folder, reader.schema) as buckets:
            for batch in reader:
                buckets.add(batch)
            for table in buckets.tables():
                self._connection.register("in_bucket", table)
                ordered = self._connection.sql(f"SELECT * FROM in_bucket {ORDER}").to_arrow_reader(BATCH_ROWS)
                yield from _whole_conversations(ordered)
                self._connection.unregister("in_bucket")

    def unsorted(self) -> Iterator[Any]:
        """Arrow batches of the rows as they stand in the files; nothing is kept, and nothing spilled."""
        yield from self._connection.sql("SELECT run.*, NULL AS conversation_id FROM run").to_arrow_reader(BATCH_ROWS)


def _whole_conversations(batches: Any) -> Iterator[Any]:  # noqa: ANN401 - pyarrow has no types
    """Cut where a conversation ends: what is behind the last end waits for the next batch."""
    pa = import_module("pyarrow")
    waiting: list[Any] = []
    last: tuple[str, str] | None = None
    for batch in batches:
        names = list(zip(batch["session_id"].to_pylist(), batch["conversation_id"].to_pylist(), strict=True))
        ends = [row + 1 for row, (one, other) in enumerate(pairwise(names)) if one != other]
        if last is not None and names and names[0] != last:
            ends.insert(0, 0)
        if ends:
            cut = ends[-1]
            yield _joined(pa, [*waiting, batch.slice(0, cut)])
            waiting = [batch.slice(cut)]
        else:
            waiting.append(batch)
        last = names[-1] if names else last
    if waiting:
        yield _joined(pa, waiting)


def _joined(pa: ModuleType, pieces: list[Any]) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Pieces of one conversation, or of several, as one batch."""
    return pieces[0] if len(pieces) == 1 else pa.concat_batches(pieces)


def files_of(path: Path) -> list[Path]:
    """The Parquet files at a path; raises ConfigError where there is none."""
    found = [path] if path.is_file() else sorted(path.rglob("*.parquet"))
    if not found:
        raise ConfigError(f"there is no Parquet file at {path}")
    return found


def _import_duckdb() -> ModuleType:
    try:
        import_module("pyarrow")
        return import_module("duckdb")
    except ImportError:
        raise ConfigError("reading Parquet needs the extra: pip install 'trajworker[parquet]'") from None
