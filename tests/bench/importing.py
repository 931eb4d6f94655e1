"""Bulk import of a Parquet export, against trajectory-sdk 0.5.3 on the same file."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from bench import measuring, verdicts
from bench.contestants import HERE, TRAJECTORY_SDK
from bench.corpora import Corpus, corpus, sized
from bench.measuring import Cost
from bench.recording import PROJECT_ID
from bench.report import Finding
from bench.trials import scratch
from bench.venvs import NotInstallableError, own_python, python_with

FASTER: Final = 5.0
MEMORY_GROWTH: Final = 1.2
ROW_GROUP: Final = 10_000
RUNS: Final = 2
"""Of so many runs the quickest counts: the first may wait for a disk that its libraries are read from."""
_JSON: Final = ("inputs", "outputs", "extra", "events", "feedback_stats")
_TEXT: Final = (
    *("id", "session_id", "trace_id", "parent_run_id", "name", "run_type", "status", "dotted_order", "error"),
    *("trace_tier", "reference_example_id", "tenant_id"),
)
_COUNTS: Final = ("total_tokens", "prompt_tokens", "completion_tokens")
_COSTS: Final = ("total_cost", "prompt_cost", "completion_cost")


def parquet(over: Corpus) -> Path:
    """The corpus as a bulk export writes it (langsmith-api.md section 7, v2_beta): payloads as JSON text."""
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra, wanted here only

    file = over.folder / "export.parquet"
    if not file.exists():
        making = file.with_suffix(f".{os.getpid()}")
        with pq.ParquetWriter(making, _schema(), compression="zstd") as writer:
            for batch in _batches(over.folder / "runs.jsonl"):
                writer.write_batch(batch)
        making.rename(file)
    return file


def _schema() -> Any:
    import pyarrow as pa  # noqa: PLC0415 - an extra, wanted here only

    moment = pa.timestamp("us", tz="UTC")
    return pa.schema(
        [(name, pa.string()) for name in (*_TEXT, *_JSON)]
        + [(name, moment) for name in ("start_time", "end_time", "first_token_time")]
        + [(name, pa.int64()) for name in _COUNTS]
        + [(name, pa.float64()) for name in _COSTS]
        + [("is_root", pa.bool_()), ("tags", pa.list_(pa.string())), ("parent_run_ids", pa.list_(pa.string()))]
    )


def _batches(rows: Path) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415 - an extra, wanted here only

    kept: list[dict[str, Any]] = []
    with rows.open("rb") as lines:
        for line in lines:
            kept.append(_export(msgspec.json.decode(line)))
            if len(kept) == ROW_GROUP:
                yield pa.RecordBatch.from_pylist(kept, _schema())
                kept = []
    if kept:
        yield pa.RecordBatch.from_pylist(kept, _schema())


def _export(row: dict[str, Any]) -> dict[str, Any]:
    from datetime import datetime  # noqa: PLC0415 - keeps the table of imports of this module short

    told = {name: row.get(name) for name in (*_TEXT, *_COUNTS, *_COSTS, "tags", "parent_run_ids")}
    told |= {name: msgspec.json.encode(row.get(name)).decode() for name in _JSON}
    for name in ("start_time", "end_time"):
        told[name] = datetime.fromisoformat(row[name] + "+00:00")
    return told | {"is_root": row["parent_run_id"] is None}


def bulk(size: str, ten_times: tuple[str, str]) -> list[Finding]:
    """Rows a second on one file, and peak memory over ten times the rows."""
    over = corpus(sized(size))
    mine, verdict = min((_own(over) for _ in range(RUNS)), key=lambda run: run[0].wall_s)
    if mine.exit_code:
        last = (mine.stderr.strip().splitlines() or ["no message"])[-1]
        told = f"`import --bulk` ended with {mine.exit_code}: {last}"
        return [Finding(bound="import of Parquet", measured=told, reached=False)]
    found = [_speed(over, mine, verdict)]
    small, big = (_own(corpus(sized(name)))[0] for name in ten_times)
    growth = big.rss_bytes / small.rss_bytes
    found.append(
        Finding(
            bound=f"import: peak memory for about ten times the rows at most {MEMORY_GROWTH} x",
            measured=f"x{growth:.2f}, {small.rss_bytes / 2**20:.0f} -> {big.rss_bytes / 2**20:.0f} MiB",
            reached=growth <= MEMORY_GROWTH and not small.exit_code and not big.exit_code,
        )
    )
    return found


def _own(over: Corpus) -> tuple[Cost, verdicts.Verdict]:
    with scratch() as folder:
        out = folder / "out"
        file = parquet(over)
        command = [str(own_python()), "-m", "trajworker", "import", "--bulk", str(file), "--out", str(out)]
        cost = measuring.run(command, folder)
        return cost, verdicts.of_imported(over, out)


def _speed(over: Corpus, mine: Cost, verdict: verdicts.Verdict) -> Finding:
    told = "; ".join(verdict.problems)
    try:
        python = python_with(TRAJECTORY_SDK)
    except NotInstallableError as error:
        return Finding(bound=f"import: {FASTER} x trajectory-sdk", measured=str(error), reached=None, detail=told)
    with scratch() as folder:
        script = [str(python), str(HERE / "peers" / "sdk_import.py"), "--project", PROJECT_ID]
        script += ["--bulk", str(parquet(over))]
        bare = min((measuring.run(script, folder) for _ in range(RUNS)), key=lambda run: run.wall_s)
        whole = measuring.run([*script, "--out", str(folder / "out")], folder)
    told += (
        f"\ntrajectory-sdk: {bare.stdout.strip()} of {over.figures.conversations} conversations, exit {bare.exit_code}"
    )
    ratio, saved = bare.wall_s / mine.wall_s, whole.wall_s / mine.wall_s
    return Finding(
        bound=f"import: at least {FASTER} x trajectory-sdk 0.5.3 in rows/s, all right",
        measured=f"x{ratio:.1f} though it writes nothing, x{saved:.1f} when it saves; "
        f"{mine.cpu_s / mine.wall_s:.1f} cores; memory x{mine.rss_bytes / bare.rss_bytes:.2f}",
        reached=ratio >= FASTER and verdict.clean,
        detail=told,
    )
