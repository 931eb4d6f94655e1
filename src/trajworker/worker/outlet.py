"""From changed conversations to published lines: decide, fold, append, commit, in batches.

An emission exists once the sink has committed it; whatever is interrupted before that is assembled again.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from trajworker.assembly import Header, content_hash, encode_line
from trajworker.assembly.lifecycle import Decision, FinishRule, decide
from trajworker.errors import TrajworkerError
from trajworker.events import ConversationEmitted, ConversationFailed, ConversationHeld, Observer
from trajworker.ports import Activity, Coverage, Emission, Ledger, Line, Sink, Stream
from trajworker.trajectory import Pane
from trajworker.worker.drafting import Draft, Drafter

BATCH_CONVERSATIONS = 200
BATCH_BYTES = 8 * 1024 * 1024
"""A batch is committed at whichever comes first; each commit costs two syncs."""
INSTANT = timedelta(microseconds=1)
FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)


Due = tuple[Activity, Decision]


class Late(StrEnum):
    """What becomes of data that comes past the horizon."""

    REVISE = "revise"
    SIDE = "side"
    DROP = "drop"


class Delivery(Struct, frozen=True, kw_only=True):
    """When a conversation is finished, and what becomes of what comes too late."""

    finish: FinishRule
    late: Late = Late.SIDE
    horizon: timedelta = timedelta(days=30)


class DeliveryStore(Ledger, Protocol):
    """What the outlet needs of staging."""

    async def coverage(self, project_id: str) -> Coverage:
        """What of a project was read whole, and its watermark."""
        ...


class Outlet:
    """Delivers what is finished; the only user of the sink."""

    def __init__(
        self,
        store: DeliveryStore,
        sink: Sink,
        drafter: Drafter,
        delivery: Delivery,
        observer: Observer,
    ) -> None:
        """Deliver as `delivery` says."""
        self._store = store
        self._sink = sink
        self._drafter = drafter
        self._delivery = delivery
        self._observer = observer
        self.delivered = 0
        """Revisions committed."""
        self.held = 0
        """Conversations held back when the last delivery ended."""

    async def deliver(self, now: datetime) -> None:
        """Emit every conversation that is finished by now, then publish what is old enough."""
        watermarks = _Watermarks(self._store)
        due: list[Due] = []
        async for activity in self._store.changed(now - self._delivery.finish.idle + INSTANT):
            watermark = await watermarks.of(activity.project_id)
            decision = decide(activity, now, watermark, self._delivery.finish)
            if decision.pane is not None:
                due.append((activity, decision))
            if len(due) == BATCH_CONVERSATIONS:
                await self._emit(due, now)
                due = []
        await self._emit(due, now)
        await self._sink.publish_due()

    async def deliver_last(self, now: datetime, *, flush: bool) -> None:
        """Emit what is finished, then name what is not, or with `flush` emit that too, marked incomplete."""
        await self.deliver(now)
        watermarks = _Watermarks(self._store)
        async for activity in self._store.changed(FOR_EVER):
            if flush:
                await self._emit([(activity, Decision(pane=Pane.FORCED, complete=False))], now)
                continue
            decision = decide(activity, now, await watermarks.of(activity.project_id), self._delivery.finish)
            self.held += 1
            self._observer(
                ConversationHeld(
                    project=activity.project_id,
                    conversation_id=activity.conversation_id,
                    reason=decision.reason or "not finished",
                )
            )

    async def close(self) -> None:
        """Publish whatever is committed."""
        await self._sink.publish_all()

    async def _emit(self, due: Sequence[Due], now: datetime) -> None:
        """Append a line for each conversation whose content is not what was said last, and commit."""
        decisions = {activity.conversation: decision for activity, decision in due}
        batch = _Batch()
        async for activity, draft in self._drafter.drafts([activity for activity, _ in due]):
            if isinstance(draft, TrajworkerError):
                await self._set_aside(activity, str(draft))
                continue
            header = _header(activity, decisions[activity.conversation])
            digest = content_hash(draft.folds, header)
            stream = self._stream(activity, now)
            line = None
            if digest != activity.content_hash and stream is not None:
                line = await self._sink.append(encode_line(draft.folds, header), stream)
            batch.add(_emission(activity, header, digest, line, draft), _told(activity, header, draft, line))
            if batch.size_bytes >= BATCH_BYTES:
                await self._commit(batch)
                batch = _Batch()
        await self._commit(batch)

    def _stream(self, activity: Activity, now: datetime) -> Stream | None:
        """Where the line goes; None where late data is dropped."""
        late = activity.revision > 0 and now - activity.last_activity > self._delivery.horizon
        if not late or self._delivery.late is Late.REVISE:
            return Stream.TRAJECTORIES
        return Stream.LATE if self._delivery.late is Late.SIDE else None

    async def _commit(self, batch: "_Batch") -> None:
        if not batch.emissions:
            return
        await self._sink.commit(batch.emissions)
        for event in batch.events:
            self._observer(event)
        self.delivered += len(batch.events)

    async def _set_aside(self, activity: Activity, reason: str) -> None:
        """One conversation that cannot be assembled never holds up the others; its runs stay in staging."""
        seen = {trace.trace_id: trace.version for trace in await self._store.traces(activity.conversation)}
        await self._store.quarantine(activity.conversation, reason, seen)
        self._observer(
            ConversationFailed(project=activity.project_id, conversation_id=activity.conversation_id, reason=reason)
        )


class _Batch:
    """Emissions that are committed together, and the events that may be told only then."""

    def __init__(self) -> None:
        self.emissions: list[Emission] = []
        self.events: list[ConversationEmitted] = []
        self.size_bytes = 0

    def add(self, emission: Emission, event: ConversationEmitted | None) -> None:
        self.emissions.append(emission)
        if event is not None:
            self.events.append(event)
            self.size_bytes += event.size_bytes


class _Watermarks:
    """How far each project was read, asked once per delivery."""

    def __init__(self, store: DeliveryStore) -> None:
        self._store = store
        self._known: dict[str, datetime | None] = {}

    async def of(self, project_id: str) -> datetime | None:
        if project_id not in self._known:
            self._known[project_id] = (await self._store.coverage(project_id)).watermark
        return self._known[project_id]


def _header(activity: Activity, decision: Decision) -> Header:
    return Header(
        conversation_id=activity.conversation_id,
        project_id=activity.project_id,
        revision=activity.revision + 1,
        pane=decision.pane or Pane.ON_TIME,
        complete=decision.complete,
    )


def _emission(activity: Activity, header: Header, digest: bytes, line: Line | None, draft: Draft) -> Emission:
    return Emission(
        conversation=activity.conversation,
        revision=header.revision if line else activity.revision,
        content_hash=digest,
        line=line,
        seen=draft.seen,
        folds=draft.renewed,
    )


def _told(activity: Activity, header: Header, draft: Draft, line: Line | None) -> ConversationEmitted | None:
    if line is None:
        return None
    return ConversationEmitted(
        project=activity.project_id,
        conversation_id=activity.conversation_id,
        revision=header.revision,
        pane=header.pane,
        complete=header.complete,
        messages=sum(len(fold.messages) for fold in draft.folds),
        size_bytes=line.length,
    )
