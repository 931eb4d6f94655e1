"""When runs show: absent first, then pending, then complete, then gone, by the simulator's clock."""

import hashlib
from collections.abc import Callable

import msgspec

from trajworker.simulator.filters import parse
from trajworker.simulator.predicates import compile_filter
from trajworker.simulator.store import Entry
from trajworker.simulator.stored_run import NULL, StoredRun

_MICROSECONDS = 1_000_000
_HASH_RANGE = 1 << 64


class Reveal(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which runs show late. Times in seconds since the simulator's start, or since the run's own start or end.

    `filter` is the API's filter language (None: every run), `share` the part of the matching runs that is meant,
    chosen by a hash of the id. `pending_s` None: the run shows complete at once at `final_s`. `gone_s`: when it
    disappears without a tombstone.
    """

    filter: str | None = None
    share: float = 1.0
    pending_s: float | None = None
    final_s: float = 0.0
    gone_s: float | None = None
    after_own_times: bool = False
    """Count `pending_s` from the run's start and the others from its end, instead of the simulator's start."""


def pending_version(run: StoredRun) -> StoredRun:
    """The run as it was while it went on: no end, no outputs, no error, no figures."""
    return msgspec.structs.replace(
        run,
        status="pending",
        end_time=None,
        end_us=None,
        error=None,
        outputs=NULL,
        outputs_preview=None,
        events=NULL,
        first_token_time=None,
        total_tokens=0,
        prompt_tokens=0,
        completion_tokens=0,
        prompt_token_details=NULL,
        completion_token_details=NULL,
        total_cost=None,
        prompt_cost=None,
        completion_cost=None,
        own_usage=(0, 0, 0),
    )


class Curtain:
    """Decides by rule, the first that matches, and scripts the versions of a run accordingly."""

    def __init__(self, rules: tuple[Reveal, ...], started_s: float) -> None:
        self._started_us = round(started_s * _MICROSECONDS)
        self._rules = [(rule, _matcher(rule)) for rule in rules]

    def apply(self, entry: Entry) -> None:
        """Script an entry; without a rule for it, it shows at once."""
        run = entry.latest
        if run is None:
            return
        for rule, matches in self._rules:
            if matches(run):
                entry.script(self._versions(rule, run))
                return

    def _versions(self, rule: Reveal, run: StoredRun) -> list[tuple[int, StoredRun | None]]:
        started_us = run.start_us if rule.after_own_times else self._started_us
        ended_us = (run.end_us or run.start_us) if rule.after_own_times else self._started_us
        versions: list[tuple[int, StoredRun | None]] = []
        if rule.pending_s is not None:
            versions.append((started_us + round(rule.pending_s * _MICROSECONDS), pending_version(run)))
        versions.append((ended_us + round(rule.final_s * _MICROSECONDS), run))
        if rule.gone_s is not None:
            versions.append((ended_us + round(rule.gone_s * _MICROSECONDS), None))
        return versions


def _matcher(rule: Reveal) -> Callable[[StoredRun], bool]:
    test = compile_filter(parse(rule.filter), lambda _run_id: []) if rule.filter else None
    limit = round(rule.share * _HASH_RANGE)

    def matches(run: StoredRun) -> bool:
        return (test is None or test(run)) and _hash(run.id) < limit

    return matches


def _hash(run_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(run_id.encode(), digest_size=8).digest())
