"""What each phase of the worker costs by itself, in CPU ms per 1,000 runs: where to look before a profile is needed."""

import gc
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final, TypeVar

import httpx
import msgspec

from bench.corpora import Corpus
from bench.floor import SELECTS
from bench.recording import PROJECT_ID
from bench.report import table
from bench.server import Server

PAGE: Final = 500
T = TypeVar("T")


def phases(over: Corpus) -> str:
    """A table of phases: decoding, staging's encoding, reading back, folding, writing. The database is left out."""
    from trajworker.assembly import Conversation, Header, content_hash, encode_fold, encode_line  # noqa: PLC0415 - as below
    from trajworker.sources.wires.reading import read  # noqa: PLC0415 - rooms of the worker, wanted for this table only
    from trajworker.sources.wires.row import Reader  # noqa: PLC0415 - as above
    from trajworker.sources.wires.wire_v2 import WireV2  # noqa: PLC0415 - as above
    from trajworker.staging.arrivals import arrivals_of  # noqa: PLC0415 - as above
    from trajworker.staging.encoding import unpack_run  # noqa: PLC0415 - as above

    contents = _pages(over)
    clock = _Clock(over.figures.runs)
    wire, reader = WireV2(), Reader(PROJECT_ID, lambda _server, _extra: None)
    clock.time("bare: list[Raw]", lambda: [_Bare.decode(content) for content in contents])
    clock.time("bare: decode to dicts", lambda: max(len(msgspec.json.decode(content)) for content in contents))
    clock.time("sources: decode to rows", lambda: [wire.rows(content) for content in contents])
    answers = clock.time("sources: read a page", lambda: [read(content, wire, reader) for content in contents])
    arrivals = clock.time("staging: pack", lambda: [arrivals_of(a.runs, n) for n, a in enumerate(answers)])
    bodies = [(a.body, a.version.stats) for page in arrivals for a in page.values()]
    runs = clock.time("staging: unpack", lambda: [unpack_run(*body) for body in bodies])
    traces: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for run in runs:
        traces[run.thread_id or run.trace_id, run.trace_id].append(run)
    ordered = sorted(traces.items(), key=lambda pair: min(run.start_time for run in pair[1]))

    def fold_all() -> dict[str, list[Any]]:
        folding: dict[str, Conversation] = defaultdict(Conversation)
        for (conversation, _), runs_of_one in ordered:
            folding[conversation].fold(runs_of_one)
        return {name: conversation.folds for name, conversation in folding.items()}

    folds = clock.time("assembly: fold", fold_all)
    clock.time("assembly: encode folds", lambda: [encode_fold(f) for one in folds.values() for f in one])
    heads = {name: Header(conversation_id=name) for name in folds}
    clock.time("assembly: content hash", lambda: [content_hash(f, heads[n]) for n, f in folds.items()])
    lines = clock.time("assembly: write lines", lambda: [b"".join(encode_line(f, heads[n])) for n, f in folds.items()])
    clock.rows.append(("(bytes of lines per run)", f"{sum(map(len, lines)) / over.figures.runs:.0f}"))
    return table(clock.rows, (f"phase, {over.plan.name}", "CPU ms per 1,000 runs"))


class _Items(msgspec.Struct):
    items: list[msgspec.Raw]


_Bare = msgspec.json.Decoder(_Items)


class _Clock:
    """Best of two runs of each phase."""

    def __init__(self, runs: int) -> None:
        self._runs = runs
        self.rows: list[tuple[str, str]] = []

    def time(self, name: str, work: Callable[[], T]) -> T:
        best, result = float("inf"), None
        for _ in range(2):
            result = None
            gc.collect()
            gc.freeze()  # what earlier phases hold is not to be walked through in this one
            began = time.process_time()
            result = work()
            best = min(best, time.process_time() - began)
        self.rows.append((name, f"{best / self._runs * 1_000_000:.1f}"))
        assert result is not None
        return result


def _pages(over: Corpus) -> list[bytes]:
    """The corpus as v2 answers, page by page."""
    contents: list[bytes] = []
    body: dict[str, Any] = {"project_ids": [PROJECT_ID], "page_size": PAGE, "selects": SELECTS}
    body["min_start_time"] = over.figures.start.isoformat()
    with Server(over.folder) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        while True:
            content = client.post("/api/v2/runs/query", json=body).content
            contents.append(content)
            cursor = msgspec.json.decode(content, type=dict[str, msgspec.Raw])["next_cursor"]
            if bytes(cursor) == b"null":
                return contents
            body["cursor"] = msgspec.json.decode(cursor)
