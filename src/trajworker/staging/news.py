"""What a page brings that staging does not hold: each run is compared with the row it has. Reads only."""

import sqlite3
from collections.abc import Collection, Sequence

from msgspec import Struct, structs

from trajworker.model.run import Run
from trajworker.staging.arrivals import Arrival, Confirmations
from trajworker.staging.encoding import OLDER_HASH_BYTES, PackedId, digest_before
from trajworker.staging.precedence import RunVersion, Verdict, judge
from trajworker.staging.statements import chunked, slots


class News(Struct):
    """The runs of a page by what is to be done with them; those that have a row with its key."""

    ids: list[PackedId]
    """All of them."""
    new: list[Arrival] = []
    replaced: list[tuple[int, Arrival]] = []
    renewed: list[tuple[int, Arrival]] = []
    refilled: list[tuple[int, Arrival]] = []
    outdated: set[PackedId] = set()
    """Ids of those of which staging holds the answer to a later request."""

    @property
    def changed(self) -> list[Run]:
        """Those that are not staged as they came."""
        return [arrival.run for arrival in self.new] + [arrival.run for _, arrival in self.replaced + self.renewed]

    def leave_out(self, traces: Collection[str]) -> None:
        """Let nothing be done with the runs of these traces."""
        if traces:
            self.new = [arrival for arrival in self.new if arrival.run.trace_id not in traces]
            self.replaced = [known for known in self.replaced if known[1].run.trace_id not in traces]
            self.renewed = [known for known in self.renewed if known[1].run.trace_id not in traces]
            self.refilled = [known for known in self.refilled if known[1].run.trace_id not in traces]


class Staged(Struct, frozen=True):
    """What is known of a run already staged."""

    key: int
    version: RunVersion
    kept: bool
    """Whether its payload is still there."""


def find_news(
    connection: sqlite3.Connection, project: int, confirmations: Confirmations, arrivals: dict[PackedId, Arrival]
) -> News:
    """Tell the runs of a page by what is to be done with them."""
    staged = _staged(connection, project, list(arrivals))
    news = News(list(arrivals))
    for packed, arrival in arrivals.items():
        known = staged.get(packed)
        if known is None:
            news.new.append(arrival)
            continue
        arrival = _comparable(arrival, known)  # noqa: PLW2901 - the same run, hashed as the staged one is
        confirmed = _confirmed(known, confirmations)
        if arrival.version.fetch_seq < confirmed.fetch_seq:
            news.outdated.add(packed)
        match judge(confirmed, arrival.version):
            case Verdict.RENEW_STATS if known.kept:
                news.renewed.append((known.key, arrival))
            case Verdict.REPLACE | Verdict.RENEW_STATS:
                news.replaced.append((known.key, arrival))
            case Verdict.KEEP if arrival.version.hash == known.version.hash:
                confirmations.note(known.key, arrival.version.fetch_seq)
                if not known.kept:
                    news.refilled.append((known.key, arrival))
    return news


def _staged(connection: sqlite3.Connection, project: int, ids: Sequence[PackedId]) -> dict[PackedId, Staged]:
    found: dict[PackedId, Staged] = {}
    for some in chunked(ids):
        rows = connection.execute(
            "SELECT id, key, ended, end, fetch_seq, hash, feedback_stats, body IS NOT NULL FROM run "
            f"WHERE project = ? AND id IN ({slots(some)})",
            (project, *some),
        )
        for packed, key, ended, end, fetch_seq, content, stats, kept in rows:
            found[packed] = Staged(key, RunVersion(bool(ended), end, fetch_seq, content, stats), bool(kept))
    return found


def _comparable(arrival: Arrival, known: Staged) -> Arrival:
    """The arrival, with the hash that an older release gave it, where the row has one and it is the same run."""
    content = known.version.hash
    if len(content) != OLDER_HASH_BYTES or digest_before(arrival.run) != content:
        return arrival
    return structs.replace(arrival, version=structs.replace(arrival.version, hash=content))


def _confirmed(known: Staged, confirmations: Confirmations) -> RunVersion:
    version = known.version
    later = confirmations.of(known.key)
    if later <= version.fetch_seq:
        return version
    return RunVersion(version.ended, version.end, later, version.hash, version.stats)
