"""Whether cost grows with what is new, not with what was said: long conversations, late turns, wide traces."""

import shutil
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from bench.contestants import FLOOR, WORKER, Round
from bench.corpora import Corpus, corpus, long, wide
from bench.report import Finding, table
from bench.server import Server
from bench.trials import Trial, at_place, attempt, scratch

LENGTHS: Final = (10, 100, 1000)
GROWTH: Final = 1.5
NEW_TURN_ROUNDS: Final = 15
NOISE_S: Final = 0.03
"""CPU time below which two runs of the same program do not differ."""


def linear() -> list[Finding]:
    """The same number of turns as short, middling and long conversations."""
    pairs: list[tuple[int, Corpus, Trial, Trial]] = []
    for length in LENGTHS:
        over = corpus(long(length))
        with Server(over.folder) as server:
            pairs.append((length, over, attempt(FLOOR, server, over), attempt(WORKER, server, over)))
    heads = (
        "turns in one conversation",
        "CPU ms/turn",
        "floor's",
        "staging kB/turn",
        "output kB/turn",
        "payload kB/turn",
    )
    rows = [_per_turn(*pair) for pair in pairs]
    detail = table([[f"{cell:g}" for cell in row] for row in rows], heads)
    mine = tuple(pair[3] for pair in pairs)
    right = all(t.verdict is not None and t.verdict.clean for t in mine)
    found = []
    for column, what in ((1, "CPU"), (3, "staging bytes"), (4, "output bytes")):
        growth = rows[-1][column] / rows[0][column] if rows[0][column] else float("nan")
        found.append(
            Finding(
                bound=f"{what} per turn in 1,000 turns at most {GROWTH} x that in 10",
                measured=f"x{growth:.2f} (what the source sends per turn: x{rows[-1][5] / rows[0][5]:.0f})",
                reached=right and growth <= GROWTH,
                trials=mine if column == 1 else (),
                detail=detail if column == 1 else "",
            )
        )
    return found


def _per_turn(length: int, over: Corpus, floor: Trial, mine: Trial) -> list[float]:
    turns = over.figures.turns
    assert mine.cost is not None
    assert floor.cost is not None
    return [
        length,
        round(mine.cost.cpu_s / turns * 1000, 2),
        round(floor.cost.cpu_s / turns * 1000, 2),
        round(mine.staging_bytes / turns / 1000, 2),
        round(mine.out_bytes / turns / 1000, 2),
        round(over.figures.row_bytes / turns / 1000, 2),
    ]


def new_turn() -> Finding:
    """One turn more, of one conversation of 10 turns and of one of 1,000: CPU beyond that of a run with nothing new."""
    short, long_ = ([_one_more(length) for _ in range(NEW_TURN_ROUNDS)] for length in (LENGTHS[0], LENGTHS[-1]))
    extra = [median(cost for cost, _ in rounds) for rounds in (short, long_)]
    trials = [trial for rounds in (short, long_) for _, trial in rounds]
    right = all(trial.verdict is not None and trial.verdict.clean for trial in trials)
    return Finding(
        bound=f"a new turn of a 1,000-turn conversation costs at most {GROWTH} x what one of a 10-turn one costs",
        measured=f"{extra[1] * 1000:.0f} and {extra[0] * 1000:.0f} ms CPU more than with nothing new",
        reached=right and extra[1] <= GROWTH * max(extra[0], NOISE_S),
        trials=tuple(trials[:: len(short)]),
    )


def _one_more(length: int) -> tuple[float, Trial]:
    """CPU seconds that a new turn costs, and the trial that took it in."""
    over = corpus(long(length, total=length))
    with scratch() as folder:
        before, last = _without_last_turn(over, folder)
        with Server(before) as server:
            at = Round(server.url, over, folder)
            at_place(WORKER, server, at)
            idle = at_place(WORKER, server, at)
            server.load(last)
            trial = at_place(WORKER, server, at)
    assert trial.cost is not None
    assert idle.cost is not None
    return trial.cost.cpu_s - idle.cost.cpu_s, trial


def _without_last_turn(over: Corpus, folder: Path) -> tuple[Path, Path]:
    """The corpus in two folders: all but the last trace of each conversation, and that."""
    last = {truth.trace_ids[-1].encode() for truth in over.truth().values()}
    before, after = folder / "before", folder / "after"
    before.mkdir()
    after.mkdir()
    shutil.copy(over.folder / "projects.json", before)
    with (
        (over.folder / "runs.jsonl").open("rb") as rows,
        (before / "runs.jsonl").open("wb") as early,
        (after / "runs.jsonl").open("wb") as late,
    ):
        for row in rows:
            trace = msgspec.json.decode(row, type=_Traced).trace_id.encode()
            (late if trace in last else early).write(row)
    return before, after


class _Traced(msgspec.Struct):
    trace_id: str


def wide_trace() -> Finding:
    """One trace of 10,000 runs comes whole."""
    over = corpus(wide())
    with Server(over.folder) as server:
        floor, mine = attempt(FLOOR, server, over), attempt(WORKER, server, over)
    assert mine.cost is not None
    assert mine.verdict is not None
    assert floor.cost is not None
    return Finding(
        bound="a trace of 10,000 runs comes whole, within 250 MB",
        measured=f"CPU x{mine.cost.cpu_s / floor.cost.cpu_s:.2f} floor, {mine.cost.rss_bytes / 1e6:.0f} MB",
        reached=mine.verdict.clean and mine.cost.rss_bytes <= 250e6,
        trials=(floor, mine),
    )
