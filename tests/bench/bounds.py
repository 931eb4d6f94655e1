"""The bounds on requests, CPU, wall time, memory and the use of rate limits, each measured side by side in one run."""

import math
from collections.abc import Sequence
from typing import Final

from bench.contestants import FLOOR, PEERS, WORKER, Contestant, Round
from bench.corpora import Corpus, corpus, sized
from bench.dialogues import Spread
from bench.report import Finding, spread, table
from bench.server import Server
from bench.trials import Trial, at_place, attempt, scratch

CPU_SMALL: Final = 2.5
CPU_LARGE: Final = 2.0
PEER_TIMEOUT_S: Final = 300
MEMORY_GROWTH: Final = 1.2
MEMORY_BYTES: Final = 256 * 2**20
RATE_USE: Final = 0.95
LATENCY_MS: Final = 30
V1_PER_S: Final = 1.0
V2_PER_S: Final = 30.0
PAGES: Final = {"v1": 100, "v2": 1000}
FOLLOW_REQUESTS: Final = 3


def ideal_requests(runs: int, page: int) -> int:
    """Pages there must be when each is full."""
    return math.ceil(runs / page)


def allowed_requests(runs: int, page: int) -> float:
    """What the bound on requests of a backfill allows."""
    return 1.05 * ideal_requests(runs, page) + 5


def _pairs(who: Sequence[Contestant], server: Server, over: Corpus, rounds: int) -> list[list[Trial]]:
    """Interleaved: each round runs everybody once, so that a noisy minute hits all of them."""
    return [[attempt(one, server, over) for one in who] for _ in range(rounds)]


def _ratios(pairs: list[list[Trial]], index: int, figure: str) -> str:
    """min / median / max of a figure against the floor of the same round."""
    found = []
    for trials in pairs:
        if index >= len(trials):  # the peers ran in the first round only
            continue
        mine, floors = trials[index].cost, trials[0].cost
        if mine is not None and floors is not None:
            found.append(getattr(mine, figure) / getattr(floors, figure))
    return str(spread(found)) if found else "-"


def _against_floor(pairs: list[list[Trial]]) -> str:
    rows = []
    for index, first in enumerate(pairs[0]):
        if first.skipped or first.verdict is None or first.counts is None or pairs[0][0].counts is None:
            rows.append([first.name, f"skipped: {first.skipped}", *([""] * 5)])
            continue
        asked = first.counts.requests / pairs[0][0].counts.requests
        delivered = f"{first.verdict.share:.1%}"
        if first.verdict.tokens_ratio is not None:
            delivered += f", tokens x{first.verdict.tokens_ratio:.2f}"
        rows.append(
            [
                first.name,
                *(_ratios(pairs, index, f) for f in ("cpu_s", "wall_s", "rss_bytes")),
                f"{asked:.2f}",
                delivered,
            ]
        )
    heads = ("against the floor = 1 (min / median / max)", "CPU", "wall", "peak memory", "requests", "turns delivered")
    return table(rows, heads)


def compare(size: str, rounds: int, *, large: bool, latency_ms: float, peers: bool) -> Finding:
    """Everybody on one corpus; the worker's CPU per run against the floor's decides."""
    over = corpus(sized(size, large=large))
    bound = CPU_LARGE if large else CPU_SMALL
    with Server(over.folder, latency_ms=latency_ms) as server:
        pairs = _pairs((FLOOR, WORKER), server, over, rounds)
        others = [attempt(one, server, over, timeout_s=PEER_TIMEOUT_S) for one in PEERS] if peers else []
    trials = tuple(trial for pair in pairs for trial in pair) + tuple(others)
    pairs[0] += others
    what = f"{over.plan.name}, {latency_ms:g} ms"
    measured = _ratios(pairs, 1, "cpu_s")
    return Finding(
        bound=f"CPU at most {bound} x floor, all right ({what})",
        measured=f"CPU x{measured}, wall x{_ratios(pairs, 1, 'wall_s')}",
        reached=_right(pairs) and float(measured.split(" / ")[1]) <= bound,
        trials=trials,
        detail=f"{what}:\n\n{_against_floor(pairs)}",
    )


def _right(pairs: list[list[Trial]]) -> bool:
    mine = [pair[1] for pair in pairs]
    return all(t.verdict is not None and t.verdict.clean and t.cost is not None and not t.cost.exit_code for t in mine)


def requests(size: str, api: str) -> list[Finding]:
    """Requests of a backfill for each spread over time, and of a second run with nothing new."""
    found = []
    for how in Spread:
        over = corpus(sized(size, spread=how))
        with Server(over.folder) as server, scratch() as folder:
            at = Round(server.url, over, folder, api=api)
            first, again = at_place(WORKER, server, at), at_place(WORKER, server, at)
        runs = over.figures.runs
        page = PAGES[api]
        limit = allowed_requests(runs, page)
        first_count, second_count = _asked(first), _asked(again)
        found += [
            Finding(
                bound=f"{api}, {how}: at most 1.05 x {ideal_requests(runs, page)} + 5 requests",
                measured=f"{first_count} requests, {_refused(first)} refused",
                reached=first_count <= limit and _clean(first),
                trials=(first,),
            ),
            Finding(
                bound=f"{api}, {how}: nothing new, at most {FOLLOW_REQUESTS} requests and no byte written",
                measured=f"{second_count} requests, {again.out_bytes - first.out_bytes} bytes",
                reached=second_count <= FOLLOW_REQUESTS and again.out_bytes == first.out_bytes,
                trials=(again,),
            ),
        ]
    return found


def _asked(trial: Trial) -> int:
    assert trial.counts is not None
    return trial.counts.requests


def _refused(trial: Trial) -> int:
    assert trial.counts is not None
    return trial.counts.refused


def _clean(trial: Trial) -> bool:
    return trial.verdict is not None and trial.verdict.clean


def rate(size: str, api: str, scale: float, page: int | None = None) -> Finding:
    """How much of what the limits allow is used, from the first second to the last."""
    over = corpus(sized(size))
    with Server(over.folder, latency_ms=LATENCY_MS, rate_scale=scale) as server, scratch() as folder:
        trial = at_place(WORKER, server, Round(server.url, over, folder, api=api, rate_scale=scale, page=page))
    assert trial.counts is not None
    sent = trial.counts.sent
    per_s = (V1_PER_S if api == "v1" else V2_PER_S) * scale
    span_s = sent[-1] if sent else 0.0
    use = (len(sent) - 1) / (per_s * span_s) if span_s else 0.0
    return Finding(
        bound=f"{api}, documented limits x {scale:g}: at least {RATE_USE:.0%} of the rate used, none refused",
        measured=f"{use:.0%} over {span_s:.1f} s, {trial.counts.refused} refused of {len(sent)}",
        reached=use >= RATE_USE and not trial.counts.refused and _clean(trial),
        trials=(trial,),
    )


def memory(small: str, big: str) -> Finding:
    """Peak memory must not grow with the number of runs."""
    trials = []
    for size in (small, big):
        over = corpus(sized(size))
        with Server(over.folder) as server:
            trials.append(attempt(WORKER, server, over))
    peaks = [trial.cost.rss_bytes for trial in trials if trial.cost is not None]
    growth = peaks[1] / peaks[0]
    return Finding(
        bound=f"memory: {big} at most {MEMORY_GROWTH} x {small}, at most 256 MiB",
        measured=f"x{growth:.2f}, {peaks[0] / 2**20:.0f} -> {peaks[1] / 2**20:.0f} MiB",
        reached=growth <= MEMORY_GROWTH and peaks[1] <= MEMORY_BYTES and all(map(_clean, trials)),
        trials=tuple(trials),
    )
