"""When a conversation is finished, and whether it is expected to go on: pure rules over what staging knows of it.

There is no "thread finished" signal anywhere; closing is a policy of the reader (reliability.md 2.3): nothing is
running, and nothing new came for so long that what is read reaches past it.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from trajworker.ports import Activity
from trajworker.trajectory import Pane

LIKELY_TO_GO_ON = timedelta(days=1)
"""A conversation that has been silent for longer seldom goes on."""
FEW_TRACES = 20
"""So many are folded anew in less time than the rest of a new turn takes."""


class FinishRule(Struct, frozen=True, kw_only=True):
    """How long to wait.

    Args:
        idle: a conversation is finished when nothing new came for this long.
        pending_timeout: a run that has not ended after this long is waited for no more.
        abandon_roots: whether that holds for root runs too; if not, they are waited for however long it takes.
    """

    idle: timedelta
    pending_timeout: timedelta
    abandon_roots: bool


class Held(StrEnum):
    """Why a conversation waits."""

    PENDING = "pending"
    ACTIVE = "active"
    UNREAD = "unread"
    UNFETCHED = "unfetched"
    """It is finished, but payloads that staging dropped cannot be had from the source now."""


class Decision(Struct, frozen=True, kw_only=True):
    """Either a pane to deliver under, or the reason to wait. `complete` is False where a run had not ended."""

    pane: Pane | None = None
    complete: bool = True
    reason: str | None = None


def decide(activity: Activity, now: datetime, watermark: datetime | None, rule: FinishRule) -> Decision:
    """Whether a conversation is due.

    `now` is the server's time. `watermark` is the end of what has been read whole, None before anything was; it must
    reach past the idle gap, so that nothing which came in it can have been missed. Anything after the first revision is
    late.
    """
    running = activity.pending_roots > 0 or activity.pending_runs > 0
    young = activity.oldest_pending is None or now - activity.oldest_pending < rule.pending_timeout
    if running and (young or (activity.pending_roots > 0 and not rule.abandon_roots)):
        return Decision(reason=Held.PENDING)
    quiet = activity.last_activity + rule.idle
    if now < quiet:
        return Decision(reason=Held.ACTIVE)
    if watermark is None or watermark < quiet:
        return Decision(reason=Held.UNREAD)
    pane = Pane.LATE if activity.revision > 0 else Pane.ON_TIME
    return Decision(pane=pane, complete=not running)


def pane_at_once(*, complete: bool) -> Pane:
    """The pane of a conversation that is told as it stands, because somebody asked for it: nobody waits for its end."""
    return Pane.ON_TIME if complete else Pane.FORCED


def keeps_folds(activity: Activity, traces: int, now: datetime) -> bool:
    """Whether the folds of a conversation of so many traces are worth their place in staging, for its next turn.

    Without them that is folded with all turns before it, once: what a backfill reads is old, and most of it is over.
    """
    return traces > FEW_TRACES or now - activity.last_activity < LIKELY_TO_GO_ON
