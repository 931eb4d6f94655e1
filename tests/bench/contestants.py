"""Who is measured: how each is started, and how what it leaves is judged."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from bench import verdicts
from bench.corpora import Corpus
from bench.recording import PROJECT, PROJECT_ID
from bench.venvs import python_with
from bench.verdicts import Verdict

HERE: Final = Path(__file__).parent
LANGSMITH: Final = "langsmith==0.14.17"
TRAJECTORY_SDK: Final = "trajectory-sdk[parquet]==0.5.3"
LANGSMITH_FETCH: Final = "langsmith-fetch==0.3.1"
KEY: Final = "bench"
NO_LIMITS: Final = 1000.0
"""So many times the documented limits that a server without limits is never waited for."""


class Round(Struct, frozen=True):
    """One run of one contestant: against which server, on what, where its files go (`folder / "out"`).

    `rate_scale` and `page` are what the worker is told: the limits it keeps by itself, as a multiple of the documented
    ones, and its largest page.
    """

    url: str
    corpus: Corpus
    folder: Path
    page: int | None = None
    api: str = "v2"
    windows: int = 16
    rate_scale: float = NO_LIMITS

    @property
    def out(self) -> Path:
        """Where results go."""
        return self.folder / "out"

    def environment(self) -> dict[str, str]:
        """What every LangSmith client reads."""
        told = {"LANGSMITH_ENDPOINT": self.url, "LANGSMITH_API_KEY": KEY, "HOME": str(self.folder)}
        told["TRAJWORKER_SOURCE_RATE_SCALE"] = str(self.rate_scale)
        if self.page is not None:
            told["TRAJWORKER_SOURCE_PAGE_SIZE"] = str(self.page)
        return told


class Contestant(Struct, frozen=True):
    """A program that is measured; `command` may raise `NotInstallableError`."""

    name: str
    command: Callable[[Round], list[str]]
    judge: Callable[[Corpus, Path], Verdict]


def worker_command(at: Round) -> list[str]:
    """`trajworker run --once` over everything there is."""
    where = ["--endpoint", at.url, "--project", PROJECT, "--since", "2020-01-01"]
    files = ["--out", str(at.out), "--staging", str(at.folder / "staging.db")]
    return [
        *(sys.executable, "-m", "trajworker", "run", "--once", "--idle", "0s", "--settle", "0s", "--api", at.api),
        *where,
        *files,
    ]


def _range(at: Round) -> list[str]:
    figures = at.corpus.figures
    begin, end = figures.start.isoformat(), figures.end.isoformat()
    return ["--endpoint", at.url, "--project", PROJECT_ID, "--start", begin, "--end", end, "--out", str(at.out)]


def floor_command(at: Round) -> list[str]:
    """The floor, at page 500 and 4 of 16 windows unless told otherwise."""
    page = at.page or 500
    how = ["--page", str(page), "--windows", str(at.windows)]
    return [sys.executable, str(HERE / "floor.py"), *_range(at), *how]


def _client_v2(at: Round) -> list[str]:
    return [str(python_with(LANGSMITH)), str(HERE / "peers" / "page_v2.py"), *_range(at)]


def _client_v2_write(at: Round) -> list[str]:
    return [*_client_v2(at), "--write"]


def _client_v1(at: Round) -> list[str]:
    return [str(python_with(LANGSMITH)), str(HERE / "peers" / "page_v1.py"), *_range(at)]


def _sdk(at: Round) -> list[str]:
    ids = at.folder / "ids.txt"
    ids.write_text("\n".join(at.corpus.truth()), "utf-8")
    script = [str(python_with(TRAJECTORY_SDK)), str(HERE / "peers" / "sdk_import.py")]
    return [*script, "--project", PROJECT_ID, "--ids", str(ids), "--out", str(at.out)]


def _fetch(at: Round) -> list[str]:
    program = python_with(LANGSMITH_FETCH).with_name("langsmith-fetch")
    at.out.mkdir(parents=True, exist_ok=True)
    limit = str(at.corpus.figures.conversations)
    return [
        str(program),
        "threads",
        str(at.out),
        *("--project-uuid", PROJECT_ID, "--limit", limit, "--format", "raw", "--no-progress"),
    ]


WORKER: Final = Contestant("trajworker", worker_command, verdicts.of_trajectories)
FLOOR: Final = Contestant("floor", floor_command, verdicts.of_raw_lines)
CLIENT_V2: Final = Contestant("langsmith v2, count", _client_v2, verdicts.of_count)
CLIENT_V2_WRITE: Final = Contestant("langsmith v2, write", _client_v2_write, verdicts.of_raw_lines)
CLIENT_V1: Final = Contestant("langsmith v1, count", _client_v1, verdicts.of_count)
SDK: Final = Contestant("trajectory-sdk 0.5.3", _sdk, verdicts.of_sdk_files)
FETCH: Final = Contestant("langsmith-fetch 0.3.1", _fetch, verdicts.of_fetch_files)
PEERS: Final = (CLIENT_V2, CLIENT_V2_WRITE, CLIENT_V1, SDK, FETCH)
