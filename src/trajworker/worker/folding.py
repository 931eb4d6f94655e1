"""Brings conversations' folds up to date: only traces that changed, and those after them, are folded again.

Folding is what costs CPU here. It is pure, so it is done in a worker thread, many conversations at a time: the loop
goes on beating, and a stop need not wait for it.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial

import anyio.to_thread
import msgspec
from msgspec import Struct

from trajworker.assembly import Conversation, Fold, FoldSettings, decode_fold, digest_of, encode_fold
from trajworker.assembly.lifecycle import keeps_folds
from trajworker.errors import MalformedRun, SourceError, TrajworkerError
from trajworker.model.run import Project
from trajworker.ports import Activity, ConversationStore, Material, Portion, TraceVersion, unchanged_prefix

RESTORE_RUNS = 1000
"""Payloads of a compacted conversation that are fetched again at once."""


Restore = Callable[[Project, Sequence[str]], Awaitable[None]]
"""Stages runs of a project again, payloads and all."""


class Folded(Struct, frozen=True, kw_only=True):
    """A conversation as it stands in staging.

    Args:
        folds: one per trace, in order of start; none where all its traces moved to other conversations.
        seen: version of each trace that was folded.
        renewed: folds that were made anew and are worth keeping, encoded, by trace id.
    """

    folds: list[Fold]
    seen: dict[str, int]
    renewed: dict[str, bytes]


class Unfolded(Struct, frozen=True):
    """A conversation that cannot be folded: why, and the version of each trace that was looked at."""

    error: TrajworkerError
    seen: dict[str, int]


Attempt = tuple[Activity, Folded | Unfolded]
"""A conversation and what it folds to, or that it cannot be."""


class _Tried(Struct, frozen=True):
    """A conversation, what of it was read, and what that folds to; None where more must be read."""

    activity: Activity
    material: Material
    result: Folded | Unfolded | None


class Folding:
    """Folds what staging holds."""

    def __init__(self, store: ConversationStore, settings: FoldSettings, restore: Restore) -> None:
        """Fold as `settings` says; `restore` brings back what compaction dropped."""
        self._store = store
        self._settings = settings
        self._restore = restore

    async def fold(self, activities: Sequence[Activity], now: datetime) -> AsyncGenerator[list[Attempt], None]:
        """Fold conversations, in groups that fit into memory together; one that fails does not stop the others."""
        whole: list[Activity] = []
        for activity in activities:
            unfolded = await self._bring_back(activity) if activity.compacted else None
            if unfolded is None:
                whole.append(activity)
            else:
                yield [(activity, unfolded)]
        while whole:
            materials = await self._store.materials([activity.conversation for activity in whole])
            tried = await anyio.to_thread.run_sync(self._try_all, whole, materials, now, abandon_on_cancel=True)
            yield [(one.activity, one.result) for one in tried if one.result is not None]
            left = [one for one in tried if one.result is None]
            whole = [one.activity for one in left]
            if len(left) == len(tried):  # the first of them alone is too much to hold
                first = left[0]
                del materials, tried, left, whole[0]
                yield [(first.activity, await self._fold_in_portions(first.activity, first.material))]

    def _try_all(self, activities: Sequence[Activity], materials: Sequence[Material], now: datetime) -> "list[_Tried]":
        pairs = zip(activities, materials, strict=True)
        return [_Tried(activity, material, self._fold_one(activity, material, now)) for activity, material in pairs]

    def _fold_one(self, activity: Activity, material: Material, now: datetime) -> Folded | Unfolded | None:
        """What a conversation folds to out of what was read already; None where more must be read."""
        keep = keeps_folds(activity, len(material.traces), now)
        conversation = self._begun(material.traces, keep=keep)
        begun = len(conversation.folds)
        if material.changed is None or len(material.changed.runs) < len(material.traces) - begun:
            return None
        error = _fold(conversation, material.changed)
        if error is not None:
            return Unfolded(error, _versions(material.traces))
        return _folded(material, conversation.folds, begun, keep=keep)

    async def _fold_in_portions(self, activity: Activity, material: Material) -> Folded | Unfolded:
        """What a conversation folds to whose runs are too much to hold at once."""
        conversation = await anyio.to_thread.run_sync(partial(self._begun, material.traces, keep=True))
        begun = len(conversation.folds)
        todo = [trace.trace_id for trace in material.traces[begun:]]
        async with aclosing(self._store.portions(activity.conversation, todo)) as portions:
            async for portion in portions:
                error = await anyio.to_thread.run_sync(_fold, conversation, portion, abandon_on_cancel=True)
                if error is not None:
                    return Unfolded(error, _versions(material.traces))
        return await anyio.to_thread.run_sync(partial(_folded, material, conversation.folds, begun, keep=True))

    def _begun(self, traces: Sequence[TraceVersion], *, keep: bool) -> Conversation:
        """The conversation as far as it need not be folded again: its traces unchanged, and so are the rules."""
        folds: list[Fold] = []
        for trace in traces[: unchanged_prefix(traces)]:
            try:
                fold = decode_fold(trace.fold or b"")
            except msgspec.MsgspecError:  # another release wrote it
                break
            if fold.rules != self._settings.mark:
                break
            folds.append(fold)
        return Conversation(self._settings, folds, keeps=keep)

    async def _bring_back(self, activity: Activity) -> Unfolded | None:
        """Fetch dropped payloads again; the reason where they cannot be had."""
        missing: list[str] = []
        while True:
            seen = _versions(await self._store.traces(activity.conversation))
            ids = await self._store.compacted_runs(activity.conversation, RESTORE_RUNS)
            if not ids:
                return None
            if ids == missing:
                gone = f"the source no longer has {len(ids)} runs of which staging dropped the payloads"
                return Unfolded(MalformedRun(gone), seen)
            try:
                await self._restore(Project(activity.project_id, project_name(activity)), ids)
            except SourceError as error:
                return Unfolded(error, seen)
            missing = ids


def _fold(conversation: Conversation, portion: Portion) -> TrajworkerError | None:
    """Fold the next traces; the reason where one cannot be: it must not hold up the other conversations."""
    begun = len(conversation.folds)
    try:
        conversation.fold_each(portion.runs, portion.feedback)
    except TrajworkerError as error:
        return error
    for fold in conversation.folds[begun:]:
        digest_of(fold)  # told here, not on the loop, which asks for it
    return None


def project_name(activity: Activity) -> str:
    """What people call its project, as all events do; its id where staging knows no name."""
    return activity.project or activity.project_id


def _folded(material: Material, folds: list[Fold], begun: int, *, keep: bool) -> Folded:
    """A conversation and its folds; those behind the first `begun` were made anew."""
    renewed = {fold.trace_id: encode_fold(fold) for fold in folds[begun:]} if keep else {}
    return Folded(folds=folds, seen=_versions(material.traces), renewed=renewed)


def _versions(traces: Sequence[TraceVersion]) -> dict[str, int]:
    return {trace.trace_id: trace.version for trace in traces}
