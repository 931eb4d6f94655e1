"""Measures the worker beside the floor and its peers: `python tests/bench/run.py --help`.

Quote ratios only: they are measured side by side in one run and hold on other machines; seconds do not.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench import bounds, growth, importing, startup  # noqa: E402 - found only after the line above
from bench.bounds import LATENCY_MS  # noqa: E402 - as above
from bench.corpora import SIZES, corpus, long, sized, wide  # noqa: E402 - as above
from bench.phases import phases  # noqa: E402 - as above
from bench.profiling import cpu_by_function, profile  # noqa: E402 - as above
from bench.report import Finding, show, write  # noqa: E402 - as above

SMALL_PAGE = 20
"""With pages of this size it is v2's limit that bounds a backfill, not the CPU."""
Measure = Callable[[argparse.Namespace], Iterable[Finding]]


def _cpu(arguments: argparse.Namespace) -> Iterable[Finding]:
    for large in (False, True):
        yield bounds.compare(arguments.size, arguments.rounds, large=large, latency_ms=0, peers=arguments.peers)


def _wall(arguments: argparse.Namespace) -> Iterable[Finding]:
    yield bounds.compare(arguments.size, arguments.rounds, large=False, latency_ms=LATENCY_MS, peers=False)


def _requests(arguments: argparse.Namespace) -> Iterable[Finding]:
    for api in ("v2", "v1"):
        yield from bounds.requests(arguments.size, api)


def _rate(arguments: argparse.Namespace) -> Iterable[Finding]:
    yield bounds.rate(arguments.size, "v1", arguments.rate_scale)
    yield bounds.rate(arguments.size, "v2", 1.0, page=SMALL_PAGE)


def _memory(arguments: argparse.Namespace) -> Iterable[Finding]:
    yield bounds.memory(*arguments.memory_sizes)


def _growth(_arguments: argparse.Namespace) -> Iterable[Finding]:
    yield from growth.linear()
    yield growth.new_turn()
    yield growth.wide_trace()


def _bulk(arguments: argparse.Namespace) -> Iterable[Finding]:
    yield from importing.bulk(arguments.size, arguments.memory_sizes)


def _startup(_arguments: argparse.Namespace) -> Iterable[Finding]:
    return startup.startup()


MEASURES: dict[str, Measure] = {
    "startup": _startup,
    "requests": _requests,
    "cpu": _cpu,
    "wall": _wall,
    "rate": _rate,
    "memory": _memory,
    "growth": _growth,
    "bulk": _bulk,
}


PROFILES = {"phases": phases, "spy": profile, "calls": cpu_by_function}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests/bench/run.py", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"{', '.join(MEASURES)}; none: all of them")
    parser.add_argument("--size", choices=sorted(SIZES), default="m", help="corpus: 2,000, 24,000 or 200,000 runs")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved pairs of worker and floor")
    parser.add_argument("--peers", action="store_true", help="the peers too, in environments made for them")
    parser.add_argument("--rate-scale", type=float, default=10.0, help="v1's documented limits times this")
    parser.add_argument("--memory-sizes", nargs=2, choices=sorted(SIZES), default=("m", "l"), metavar=("A", "B"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON")
    parser.add_argument("--verbose", action="store_true", help="absolute figures of every trial too")
    parser.add_argument("--profile", choices=sorted(PROFILES), help="only profile the worker on the corpus")
    parser.add_argument("--on", choices=("sized", "large", "long", "wide"), default="sized", help="what is profiled")
    return parser


def _main() -> int:
    arguments = _parser().parse_args()
    if arguments.profile:
        plans = {"long": long(1000), "wide": wide(), "large": sized(arguments.size, large=True)}
        over = corpus(plans.get(arguments.on) or sized(arguments.size))
        _say(PROFILES[arguments.profile](over))
        return 0
    findings: list[Finding] = []
    for name in arguments.what or MEASURES:
        sys.stderr.write(f"measuring {name}\n")
        try:
            findings += MEASURES[name](arguments)
        except AssertionError as error:
            findings.append(Finding(bound=name, measured=f"not measured: {error}", reached=None))
    _say(show(findings, verbose=arguments.verbose))
    if arguments.json:
        write(findings, arguments.json)
    return 1 if any(finding.reached is False for finding in findings) else 0


def _say(text: str) -> None:
    print(text)  # noqa: T201 - the console is the interface here


if __name__ == "__main__":
    sys.exit(_main())
