"""Counts that do not depend on the machine: requests, bytes, rows, messages, on the smallest corpora."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import Struct

from bench import bounds
from bench.contestants import FLOOR, WORKER, Contestant, Round
from bench.corpora import corpus, long, sized, wide
from bench.dialogues import Spread
from bench.phases import phases
from bench.server import Counts, Server
from bench.trials import Trial, at_place
from bench.verdicts import Verdict

SMALLEST = "xs"
WIDE_RUNS = 600
LONG_TURNS = 60

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def _trial(who: Contestant, server: Server, at: Round) -> tuple[Trial, Counts, Verdict]:
    at.folder.mkdir(exist_ok=True)
    trial = at_place(who, server, at)
    assert trial.cost is not None
    assert trial.cost.exit_code == 0, trial.cost.stderr[-2000:]
    assert trial.counts is not None
    assert trial.verdict is not None
    return trial, trial.counts, trial.verdict


def _files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


class Backfill(Struct, frozen=True):
    """A corpus, delivered by the worker and by the floor, then asked for by the worker again."""

    at: Round
    floor: Trial
    first: Trial
    written: dict[str, bytes]
    again: Trial

    @property
    def runs(self) -> int:
        return self.at.corpus.figures.runs


@pytest.fixture(scope="module", params=list(Spread))
def backfill(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backfill:
    over = corpus(sized(SMALLEST, spread=request.param))
    folder = tmp_path_factory.mktemp("backfill")
    with Server(over.folder) as server:
        floor, _, _ = _trial(FLOOR, server, Round(server.url, over, folder / "floor"))
        at = Round(server.url, over, folder / "worker")
        first, _, _ = _trial(WORKER, server, at)
        written = _files(at.out)
        again, _, _ = _trial(WORKER, server, at)
    return Backfill(at, floor, first, written, again)


def _asked(trial: Trial) -> Counts:
    assert trial.counts is not None
    return trial.counts


def test_a_corpus_is_the_same_each_time_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = corpus(sized(SMALLEST))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    again = corpus(sized(SMALLEST))
    assert first.folder != again.folder
    assert _files(first.folder).keys() >= _files(again.folder).keys()
    for name in ("runs.jsonl", "truth.jsonl", "corpus.json"):
        assert (first.folder / name).read_bytes() == (again.folder / name).read_bytes()
    assert first.figures.runs == 240


def test_the_floor_delivers_every_run(backfill: Backfill) -> None:
    assert backfill.floor.verdict is not None
    assert backfill.floor.verdict.clean
    assert _asked(backfill.floor).requests >= bounds.ideal_requests(backfill.runs, 500)


def test_every_line_agrees_with_the_truth_however_runs_lie_in_time(backfill: Backfill) -> None:
    figures, verdict = backfill.at.corpus.figures, backfill.first.verdict
    assert verdict is not None
    assert verdict.problems == ()
    assert verdict.clean
    assert verdict.lines == figures.conversations
    assert verdict.messages == figures.messages
    assert verdict.tokens_ratio == 1


def test_a_backfill_asks_for_hardly_more_pages_than_there_are(backfill: Backfill) -> None:
    counts = _asked(backfill.first)
    assert counts.refused == 0
    assert counts.requests <= bounds.allowed_requests(backfill.runs, bounds.PAGES["v2"]), counts.routes


def test_no_run_is_sent_twice_in_a_backfill(backfill: Backfill) -> None:
    assert _asked(backfill.first).bytes_out <= 1.1 * _asked(backfill.floor).bytes_out


def test_every_run_is_staged_once(backfill: Backfill) -> None:
    with closing(sqlite3.connect(backfill.at.folder / "staging.db")) as database:
        staged, distinct = database.execute("SELECT count(*), count(DISTINCT id) FROM run").fetchone()
    assert (staged, distinct) == (backfill.runs, backfill.runs)


def test_a_second_run_with_nothing_new_asks_little_and_writes_no_byte(backfill: Backfill) -> None:
    counts = _asked(backfill.again)
    assert counts.requests <= bounds.FOLLOW_REQUESTS, counts.routes
    assert _files(backfill.at.out) == backfill.written


def test_v1_asks_for_hardly_more_pages_than_there_are_too(tmp_path: Path) -> None:
    over = corpus(sized(SMALLEST))
    with Server(over.folder) as server:
        _, counts, verdict = _trial(WORKER, server, Round(server.url, over, tmp_path, api="v1"))
    assert verdict.clean
    assert counts.requests <= bounds.allowed_requests(over.figures.runs, bounds.PAGES["v1"]), counts.routes


def test_what_is_written_grows_with_what_was_said_and_not_with_its_repetitions(tmp_path: Path) -> None:
    written = {}
    for turns in (10, LONG_TURNS):
        over = corpus(long(turns, total=LONG_TURNS))
        (tmp_path / str(turns)).mkdir()
        with Server(over.folder) as server:
            trial, _, verdict = _trial(WORKER, server, Round(server.url, over, tmp_path / str(turns)))
        assert verdict.clean
        written[turns] = trial.out_bytes
    assert written[LONG_TURNS] <= 1.5 * written[10]


def test_a_wide_trace_comes_whole(tmp_path: Path) -> None:
    over = corpus(wide(WIDE_RUNS))
    with Server(over.folder) as server:
        _, _, verdict = _trial(WORKER, server, Round(server.url, over, tmp_path))
    assert verdict.problems == ()
    assert verdict.clean


def test_the_table_of_phases_can_be_made() -> None:
    table = phases(corpus(sized(SMALLEST)))
    assert all(room in table for room in ("sources:", "staging:", "assembly:"))
