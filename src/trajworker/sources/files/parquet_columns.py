"""What DuckDB selects from an export: the columns of any release, in one shape."""

from collections.abc import Mapping, Sequence

from trajworker.assembly.threads import WHOLE_BELOW
from trajworker.sources.files.parquet_rows import JSON_COLUMNS, TIMES

TEXT_COLUMNS = ("name", "run_type", "status", "error", "parent_run_id", "dotted_order")
COUNT_COLUMNS = ("prompt_tokens", "completion_tokens", "total_tokens")
KINDS = ("BOOLEAN", "OBJECT", "ARRAY", "NULL")
"""JSON types that are no key of a conversation (`assembly.threads`)."""

TEXT, TYPE = "value[1]", "value[2]"
"""Of what the metadata holds under a key: its text, and its type."""
DOUBLE = f"TRY_CAST({TEXT} AS DOUBLE)"
NUMBER = f"""
CASE WHEN regexp_full_match({TEXT}, '-?[0-9]+') THEN {TEXT}
     WHEN NOT isfinite({DOUBLE}) THEN NULL
     WHEN trunc({DOUBLE}) = {DOUBLE} AND abs({DOUBLE}) < {WHOLE_BELOW}
          THEN CAST(TRY_CAST({DOUBLE} AS HUGEINT) AS VARCHAR)
     ELSE CAST({DOUBLE} AS VARCHAR)
END
"""
"""The key that the text of a number is which DuckDB calls DOUBLE: it has a fraction, an exponent or too many digits."""


def selection(columns: Mapping[str, str]) -> str:
    """The SELECT list that brings any release of the export into one shape; `columns` maps names to DuckDB types."""

    def column(name: str, expression: str) -> str:
        return f"{expression if name in columns else 'NULL'} AS {name}"

    return ", ".join(
        [
            *_ids(columns),
            column("total_cost", "TRY_CAST(total_cost AS DOUBLE)"),
            *(column(name, f"CAST({name} AS VARCHAR)") for name in TEXT_COLUMNS),
            *(column(name, _json(name, columns)) for name in JSON_COLUMNS),
            *(column(name, f"TRY_CAST({name} AS BIGINT)") for name in COUNT_COLUMNS),
            *(f"{_microseconds(name, columns)} AS {alias}" for name, alias in TIMES.items()),
        ]
    )


def key_selection(columns: Mapping[str, str], thread_keys: Sequence[str]) -> str:
    """The SELECT list of what tells to which conversation a trace belongs."""
    order = "dotted_order" if "dotted_order" in columns else "NULL"
    return ", ".join(
        [
            *_ids(columns),
            f"{_microseconds('start_time', columns)} AS start_us",
            f"coalesce(NULLIF(CAST({order} AS VARCHAR), ''), '~' || CAST(id AS VARCHAR)) AS tree_order",
            f"{_thread_key(columns, thread_keys)} AS thread_key",
        ]
    )


def _ids(columns: Mapping[str, str]) -> list[str]:
    first = "NULLIF(split_part(CAST(dotted_order AS VARCHAR), '.', 1)[-36:], '')"
    root = first if "dotted_order" in columns else "NULL"
    trace = "NULLIF(CAST(trace_id AS VARCHAR), '')" if "trace_id" in columns else "NULL"
    project = "coalesce(CAST(session_id AS VARCHAR), '')" if "session_id" in columns else "''"
    return [
        "CAST(id AS VARCHAR) AS id",
        f"coalesce({trace}, {root}, CAST(id AS VARCHAR), '') AS trace_id",
        f"{project} AS session_id",
    ]


def _microseconds(name: str, columns: Mapping[str, str]) -> str:
    if name not in columns:
        return "NULL"
    return f"epoch_us(TRY_CAST({name} AS TIMESTAMP))" if columns[name] == "VARCHAR" else f"epoch_us({name})"


def _json(name: str, columns: Mapping[str, str]) -> str:
    """A payload as UTF-8 bytes: text as a rule, but structures of Parquet are payloads too."""
    kind = columns.get(name, "")
    if kind == "BLOB":
        return name
    return f"encode({name})" if kind in ("VARCHAR", "JSON") else f"encode(CAST(to_json({name}) AS VARCHAR))"


def _thread_key(columns: Mapping[str, str], thread_keys: Sequence[str]) -> str:
    """There is no thread column in an export: the key stands in the metadata of the runs."""
    if "extra" not in columns or not thread_keys:
        return "NULL"
    extra = f"decode({_json('extra', columns)})" if columns["extra"] == "BLOB" else "CAST(extra AS VARCHAR)"
    if columns["extra"] not in ("VARCHAR", "JSON", "BLOB"):
        extra = "CAST(to_json(extra) AS VARCHAR)"
    paths = "[" + ", ".join(literal(_path(key)) for key in thread_keys) + "]"
    refused = ", ".join(map(literal, KINDS))
    found = f"list_zip(json_extract_string({extra}, {paths}), json_type({extra}, {paths}))"
    key = f"CASE WHEN {TYPE} = 'DOUBLE' THEN {NUMBER} WHEN {TYPE} IN ({refused}) THEN NULL ELSE {TEXT} END"
    keys = f"list_transform({found}, lambda value: {key})"
    return f"TRY(list_extract(list_filter({keys}, lambda key: key != ''), 1))"


def _path(key: str) -> str:
    return f'$.metadata."{key}"'


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
