"""Which of two versions of a run stands: pure rules.

Terminal over pending, then one with an end time over one without, then the answer that was asked for later
(reliability.md 2.1). So a run that ended never becomes pending again, and a slow old answer never beats a newer one.
"""

from enum import Enum

from msgspec import Struct


class RunVersion(Struct, frozen=True, gc=False):
    """What decides: whether the run ended, its end time (microseconds), the request it came with, its content."""

    ended: bool
    end: int | None
    fetch_seq: int
    hash: bytes
    stats: bytes | None


class Verdict(Enum):
    """What to do with an arriving version."""

    KEEP = "keep"
    """Nothing in it is newer."""
    RENEW_STATS = "renew_stats"
    """The run is the same, its feedback figures are newer."""
    REPLACE = "replace"


def judge(staged: RunVersion, arriving: RunVersion) -> Verdict:
    """Compare an arriving version with the one staged."""
    later = arriving.fetch_seq > staged.fetch_seq
    if arriving.hash == staged.hash:
        return Verdict.RENEW_STATS if later and arriving.stats != staged.stats else Verdict.KEEP
    staged_rank = (staged.ended, staged.end is not None)
    arriving_rank = (arriving.ended, arriving.end is not None)
    if arriving_rank != staged_rank:
        return Verdict.REPLACE if arriving_rank > staged_rank else Verdict.KEEP
    return Verdict.REPLACE if later else Verdict.KEEP
