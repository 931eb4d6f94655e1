"""From changed conversations to published lines: decide, fold, append, commit, in batches.

An emission exists once the sink has committed it; whatever is interrupted before that is assembled again.
"""

from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from trajworker.assembly import content_hash, encode_line
from trajworker.assembly.lifecycle import Decision, FinishRule, Held, decide
from trajworker.errors import SinkFull, SourceError, StagingFull
from trajworker.events import ConversationFailed, ConversationHeld, LateDropped, Observer
from trajworker.model.times import MICROSECOND
from trajworker.ports import Activity, ConversationStore, Coverage, Late, Line, Sink, Stream
from trajworker.trajectory import Pane
from trajworker.worker.folding import Attempt, Folding, Unfolded, project_name
from trajworker.worker.revisions import Revision, emission_of, emitted_event, header_of, numbered, with_lines
from trajworker.worker.stop import Stop

BATCH = 200
"""Conversations that are committed together (each commit costs two syncs), and between which a stop is heard."""
REVISED_WEIGHT = 10
"""A conversation emitted before counts for so many: its old folds are in memory with the new ones."""
FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)


class Delivery(Struct, frozen=True, kw_only=True):
    """When a conversation is finished, and what becomes of what comes too late."""

    finish: FinishRule
    late: Late
    horizon: timedelta


class DeliveryStore(ConversationStore, Protocol):
    """What the outlet needs of staging."""

    async def coverage(self, project_id: str) -> Coverage:
        """What of a project was read whole, and its watermark."""
        ...

    async def clamp_activity(self, now: datetime) -> None:
        """Let no conversation count as active later than now, whatever clock its producer has."""
        ...

    async def compact(self, before: datetime) -> int:
        """Drop payloads of conversations delivered and quiet since then; 0 when nothing is left to do."""
        ...


class Outlet:
    """Delivers what is finished; the only user of the sink."""

    def __init__(
        self, store: DeliveryStore, sink: Sink, folding: Folding, delivery: Delivery, observer: Observer
    ) -> None:
        """Deliver as `delivery` says."""
        self._store = store
        self._sink = sink
        self._folding = folding
        self._delivery = delivery
        self._finish = delivery.finish
        self._observer = observer
        self._watermarks: dict[str, datetime | None] = {}
        self.emitted = 0
        """Revisions committed."""
        self.held = 0
        """Conversations held back when the last delivery ended."""
        self.failed: SourceError | None = None
        """Why conversations could not be assembled in the last delivery: payloads had to be fetched again."""

    async def deliver(self, now: datetime, stop: Stop, lull: timedelta = timedelta(0)) -> None:
        """Emit every conversation that is finished by now, then publish what is old enough.

        `lull` is how long conversations must have been idle at least: while a range is still being read, its slices end
        in the midst of conversations that would count as finished a moment later.
        """
        self.failed = None
        self._finish = replace(self._delivery.finish, idle=max(self._delivery.finish.idle, lull))
        await self._store.clamp_activity(now)
        for project_id in self._watermarks:
            await self._learn(project_id)
        while (stranger := await self._deliver_known(now, stop)) is not None:
            await self._learn(stranger)
        await self._sink.publish_due()

    async def deliver_last(self, now: datetime, stop: Stop, *, flush: bool) -> None:
        """Emit what is finished, then name what is not, or with `flush` emit that too, marked incomplete."""
        await self.deliver(now, stop)
        batch = _Batch()
        async with aclosing(self._store.changed(FOR_EVER)) as changed:
            async for activity in changed:
                if stop.requested:
                    return
                if not flush:
                    self._hold(activity, self._decide(activity, now).reason or Held.UNFETCHED)
                    continue
                batch.add(activity, Decision(pane=Pane.FORCED, complete=False))
                if batch.is_full:
                    await self._emit(batch, now)
                    batch = _Batch()
        await self._emit(batch, now)

    async def compact(self, now: datetime, stop: Stop) -> None:
        """Drop payloads of what was delivered and has been quiet for longer than the horizon."""
        while not stop.requested and await self._store.compact(now - self._delivery.horizon):
            pass

    async def close(self) -> None:
        """Publish whatever is committed."""
        await self._sink.publish_all()

    async def _learn(self, project_id: str) -> None:
        self._watermarks[project_id] = (await self._store.coverage(project_id)).watermark

    def _decide(self, activity: Activity, now: datetime) -> Decision:
        return decide(activity, now, self._watermarks.get(activity.project_id), self._finish)

    async def _deliver_known(self, now: datetime, stop: Stop) -> str | None:
        """Emit what is finished; stops at the first project whose watermark is not known, and names it.

        A watermark must be older than the list it is held against: a run staged between the two is behind it, but not
        in the list.
        """
        batch = _Batch()
        async with aclosing(self._store.changed(now - self._finish.idle + MICROSECOND)) as changed:
            async for activity in changed:
                if activity.project_id not in self._watermarks:
                    return activity.project_id
                decision = self._decide(activity, now)
                if decision.pane is not None:
                    batch.add(activity, decision)
                if batch.is_full:
                    await self._emit(batch, now)
                    batch = _Batch()
                if stop.requested:
                    return None
        await self._emit(batch, now)
        return None

    async def _emit(self, batch: "_Batch", now: datetime) -> None:
        """Fold and commit a batch; where a disk is full, what is not committed yet is undone."""
        try:
            async with aclosing(self._folding.fold([activity for activity, _ in batch.due], now)) as groups:
                async for group in groups:
                    await self._emit_group(group, batch.decisions, now)
        except (SinkFull, StagingFull):
            await self._sink.discard()
            raise

    async def _emit_group(self, group: Sequence[Attempt], decisions: dict[int, Decision], now: datetime) -> None:
        """Append a line for each conversation whose content is not that of its last revision, and commit."""
        left: list[Revision] = []
        for activity, folded in group:
            if isinstance(folded, Unfolded):
                await self._quarantine(activity, folded)
                continue
            header = header_of(activity, decisions[activity.conversation])
            digest = content_hash(folded.folds, header)
            header = numbered(header, digest, activity)
            left.append(Revision(activity, folded, header, digest, self._stream(activity, now)))
        while left:
            lines = [(encode_line(one.folded.folds, one.header), one.target) for one in left if one.target]
            appended = with_lines(left, await self._sink.append(lines))
            await self._sink.commit([emission_of(one, line) for one, line in appended])
            self._observe(appended)
            left = left[len(appended) :]

    def _observe(self, committed: Sequence[tuple[Revision, Line | None]]) -> None:
        for one, line in committed:
            if line is not None:
                self.emitted += 1
                self._observer(emitted_event(one, line))
            elif one.is_new:
                self._observer(
                    LateDropped(project=project_name(one.activity), conversation_id=one.activity.conversation_id)
                )

    def _stream(self, activity: Activity, now: datetime) -> Stream | None:
        """Where the line goes; None where late data is dropped."""
        late = activity.revision > 0 and now - activity.last_activity > self._delivery.horizon
        if not late or self._delivery.late is Late.REVISE:
            return Stream.TRAJECTORIES
        return Stream.LATE if self._delivery.late is Late.SIDE else None

    def _hold(self, activity: Activity, reason: str) -> None:
        self.held += 1
        self._observer(
            ConversationHeld(project=project_name(activity), conversation_id=activity.conversation_id, reason=reason)
        )

    async def _quarantine(self, activity: Activity, unfolded: Unfolded) -> None:
        """One conversation that cannot be assembled never holds up the others; its runs stay in staging.

        Where it is the source that keeps it from being assembled, it is tried again with the next delivery.
        """
        error = unfolded.error
        if isinstance(error, SourceError):
            self.failed = error
            return
        await self._store.quarantine(activity.conversation, str(error), unfolded.seen)
        self._observer(
            ConversationFailed(
                project=project_name(activity),
                conversation_id=activity.conversation_id,
                kind=type(error).__name__,
                reason=str(error),
            )
        )


class _Batch:
    """Conversations that are due, and the decision about each."""

    def __init__(self) -> None:
        self.due: list[tuple[Activity, Decision]] = []
        self._weight = 0

    def add(self, activity: Activity, decision: Decision) -> None:
        """Take in a conversation that is due."""
        self.due.append((activity, decision))
        self._weight += REVISED_WEIGHT if activity.revision else 1

    @property
    def is_full(self) -> bool:
        """Whether it is time to emit."""
        return self._weight >= BATCH

    @property
    def decisions(self) -> dict[int, Decision]:
        """By key of the conversation."""
        return {activity.conversation: decision for activity, decision in self.due}
