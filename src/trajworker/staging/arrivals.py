"""Runs on their way into staging: packed once, the newest version of each."""

from collections.abc import Iterable

from msgspec import Struct

from trajworker.model.run import Run
from trajworker.staging.encoding import PackedId, digest_run, long_payloads, pack_id, pack_run, pack_time
from trajworker.staging.precedence import RunVersion, Verdict, judge

CONFIRMATIONS = 32_768
"""Runs of which it is remembered that a later answer was the same, see `Confirmations`."""


class Arrival(Struct, frozen=True, gc=False):
    """A run on its way in."""

    id: PackedId
    run: Run
    start: int
    """Start time in microseconds."""
    version: RunVersion
    body: bytes
    """All of it but its feedback figures and what lies apart."""
    apart: tuple[str, ...]
    """Names of the payload fields that lie apart."""


def arrivals_of(runs: Iterable[Run], fetch_seq: int) -> dict[PackedId, Arrival]:
    """The newest version of each run on the page."""
    arrivals: dict[PackedId, Arrival] = {}
    for run in runs:
        apart = long_payloads(run)
        body, stats = pack_run(run, apart)
        end = None if run.end_time is None else pack_time(run.end_time)
        version = RunVersion(run.ended, end, fetch_seq, digest_run(run, body, apart), stats)
        packed = pack_id(run.id)
        other = arrivals.get(packed)
        if other is None or judge(other.version, version) is not Verdict.KEEP:
            arrivals[packed] = Arrival(packed, run, pack_time(run.start_time), version, body, apart)
    return arrivals


class Confirmations:
    """Latest request that brought a run unchanged, by its key.

    Writing that down with the run would rewrite its payload at each look. A slower, older answer can only come from
    this very process, so it is enough to remember it here, and only for as long as a request can last.
    """

    def __init__(self) -> None:
        self._latest: dict[int, int] = {}

    def note(self, key: int, fetch_seq: int) -> None:
        """Remember that this request brought the run as it is staged."""
        self._latest[key] = max(fetch_seq, self._latest.pop(key, 0))
        if len(self._latest) > CONFIRMATIONS:
            del self._latest[next(iter(self._latest))]

    def of(self, key: int) -> int:
        """The latest such request, 0 if none is remembered."""
        return self._latest.get(key, 0)
