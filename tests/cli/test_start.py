"""A command imports what it uses and no more: seconds depend on the machine, the list of modules does not."""

import os
import sys
from importlib.resources import as_file, files
from pathlib import Path

import anyio

from trajworker.simulator import Simulator, SimulatorSettings, serve

NOT_FOR_A_PLAIN_RUN = (
    *("structlog", "trajworker.observing.pretty", "trajworker.observing.progress", "trajworker.observing.health"),
    *("trajworker.redaction", "trajworker.sources.redacting", "re2", "presidio_analyzer", "spacy"),
    *("trajworker.api", "trajworker.aio", "trajworker.matching", "trajworker.simulator", "starlette", "uvicorn"),
    *("trajworker.sources.files.parquet", "duckdb", "pyarrow", "numpy"),
    *("click", "pygments", "rich"),
)
TOLD = "modules: "
RUN_AND_TELL = f"""
import sys
from trajworker.cli import main
code = main(sys.argv[1:])
print({TOLD!r} + " ".join(sys.modules))
sys.exit(code)
"""


async def imported_by_run(place: Path, **surroundings: str) -> set[str]:
    """What a process holds after it has delivered the sample, with stderr no terminal."""
    simulator = Simulator(SimulatorSettings())
    with as_file(files("trajworker") / "sample") as sample:
        simulator.load(sample)
    async with serve(simulator) as url:
        once = ("run", "--once", "--project", "demo", "--endpoint", url, "--idle", "0s", "--settle", "0s")
        done = await anyio.run_process(
            [sys.executable, "-c", RUN_AND_TELL, *once, "--out", str(place / "out"), "--staging", str(place / "s.db")],
            env={"PATH": os.environ["PATH"], "HOME": str(place), **surroundings},
            check=False,
        )
    assert done.returncode == 0, done.stderr.decode()
    (told,) = [line for line in done.stdout.decode().splitlines() if line.startswith(TOLD)]
    return set(told.removeprefix(TOLD).split())


async def test_a_plain_run_imports_nothing_it_does_not_use(tmp_path: Path) -> None:
    modules = await imported_by_run(tmp_path)
    assert modules & set(NOT_FOR_A_PLAIN_RUN) == set()


async def test_what_is_asked_for_is_imported(tmp_path: Path) -> None:
    modules = await imported_by_run(
        tmp_path,
        TRAJWORKER_LOGGING_FORMAT="pretty",
        TRAJWORKER_HEALTH_BIND="127.0.0.1:0",
        TRAJWORKER_REDACTION_MODE="builtin",
    )
    assert {"structlog", "trajworker.observing.health", "trajworker.redaction"} <= modules


async def test_an_import_of_an_export_waits_for_no_http_client_and_no_database() -> None:
    loads = "import sys, trajworker.cli.importing, trajworker.api.fold_process; print(*sys.modules)"
    done = await anyio.run_process([sys.executable, "-c", loads])
    modules = set(done.stdout.decode().split())
    assert "trajworker.api.bulk" in modules
    absent = {"httpx", "aiosqlite", "trajworker.redaction", "trajworker.wiring", "trajworker.simulator"}
    assert modules & absent == set()
