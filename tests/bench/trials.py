"""One trial: a contestant against a server on a corpus, with what it cost, what it asked, what it left behind."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from bench import measuring
from bench.contestants import Contestant, Round
from bench.corpora import Corpus
from bench.measuring import Cost
from bench.server import Counts, Server
from bench.venvs import NotInstallableError
from bench.verdicts import Verdict


class Trial(Struct, frozen=True, kw_only=True):
    """`skipped` says why there was none; everything else is None then."""

    name: str
    corpus: str
    runs: int
    skipped: str | None = None
    cost: Cost | None = None
    counts: Counts | None = None
    verdict: Verdict | None = None
    staging_bytes: int = 0
    out_bytes: int = 0

    @property
    def cpu_per_100k(self) -> float:
        """CPU seconds per 100,000 runs."""
        assert self.cost is not None
        return self.cost.cpu_s / self.runs * 100_000


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one trial."""
    with tempfile.TemporaryDirectory(prefix="trajworker-bench-") as folder:
        yield Path(folder)


def attempt(who: Contestant, server: Server, corpus: Corpus, *, api: str = "v2", timeout_s: float = 900) -> Trial:
    """One trial in a folder of its own."""
    with scratch() as folder:
        return at_place(who, server, Round(server.url, corpus, folder, api=api), timeout_s=timeout_s)


def at_place(who: Contestant, server: Server, at: Round, *, timeout_s: float = 900) -> Trial:
    """One trial where there may be files of an earlier one."""
    corpus = at.corpus
    try:
        command = who.command(at)
    except NotInstallableError as error:
        return Trial(name=who.name, corpus=corpus.plan.name, runs=corpus.figures.runs, skipped=str(error))
    server.take()
    cost = measuring.run(command, at.folder, environment=at.environment(), timeout_s=timeout_s)
    counts = server.take()
    try:
        verdict = who.judge(corpus, at.out)
    except (OSError, ValueError, KeyError) as error:
        problem = f"{error!r}; exit {cost.exit_code}; {cost.stderr[-500:]}"
        verdict = Verdict(turns_expected=corpus.figures.turns, problems=(problem,))
    return Trial(
        name=who.name,
        corpus=corpus.plan.name,
        runs=corpus.figures.runs,
        cost=cost,
        counts=counts,
        verdict=verdict,
        staging_bytes=_size(at.folder, "staging.db") + _size(at.folder, "staging.db-wal"),
        out_bytes=_size(at.out, "*.jsonl"),
    )


def _size(folder: Path, pattern: str) -> int:
    return sum(file.stat().st_size for file in folder.glob(pattern))
