"""Brings a conversation's folds up to date: only traces that changed, and those after them, are folded again."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

import msgspec
from msgspec import Struct

from trajworker.assembly import Fold, FoldSettings, decode_fold, encode_fold, fold_trace, whole_context
from trajworker.errors import RedactionFailed, TrajworkerError
from trajworker.model.run import Feedback, Run
from trajworker.ports import Activity, Ledger, Material, TraceVersion, kept

REDACTION_FAILED = "redaction_failed"
RESTORE_RUNS = 1000
"""Payloads of a compacted conversation that are fetched again at once."""


class DraftStore(Ledger, Protocol):
    """What drafting needs of staging."""

    async def reduced(self, conversation: int, limit: int) -> list[str]:
        """Runs of a conversation whose payloads were dropped after an earlier delivery."""
        ...


Restore = Callable[[str, Sequence[str]], Awaitable[None]]
"""Stages runs of a project again, payloads and all."""


class Draft(Struct, frozen=True, kw_only=True):
    """A conversation as it stands in staging.

    Args:
        folds: one per trace, in order of start.
        seen: version of each trace that was folded.
        renewed: folds that were made anew, encoded, by trace id.
    """

    folds: list[Fold]
    seen: dict[str, int]
    renewed: dict[str, bytes]

    @property
    def trace_ids(self) -> tuple[str, ...]:
        """Traces of the conversation in order of start."""
        return tuple(self.seen)


class Drafter:
    """Folds what staging holds."""

    def __init__(self, store: DraftStore, settings: FoldSettings, restore: Restore) -> None:
        """Fold as `settings` says; `restore` brings back what compaction dropped."""
        self._store = store
        self._settings = settings
        self._restore = restore

    async def drafts(self, activities: Sequence[Activity]) -> AsyncIterator[tuple[Activity, Draft | TrajworkerError]]:
        """The draft of each conversation, or why it cannot be drafted: one that fails does not stop the others.

        Of unchanged traces the folds are taken from staging.
        """
        for activity in activities:
            if activity.reduced:
                await self._bring_back(activity)
        materials = await self._store.materials([activity.conversation for activity in activities])
        for activity, material in zip(activities, materials, strict=True):
            try:
                drafted: Draft | TrajworkerError = await self._draft(activity.conversation, material)
            except TrajworkerError as error:
                drafted = error
            yield activity, drafted

    async def _draft(self, conversation: int, material: Material) -> Draft:
        folds = _kept(material.traces)
        renewed = {}
        for trace in material.traces[len(folds) :]:
            runs = (material.runs or {}).get(trace.trace_id)
            if runs is None:
                runs = [run async for run in self._store.runs(conversation, trace.trace_id)]
                feedback = await self._store.feedback(conversation, trace.trace_id)
            else:
                feedback = material.feedback.get(trace.trace_id, [])
            fold = self._fold(runs, feedback, folds)
            folds.append(fold)
            renewed[trace.trace_id] = encode_fold(fold)
        seen = {trace.trace_id: trace.version for trace in material.traces}
        return Draft(folds=folds, seen=seen, renewed=renewed)

    def _fold(self, runs: Sequence[Run], feedback: Sequence[Feedback], before: Sequence[Fold]) -> Fold:
        _refuse_unmasked(runs)
        context = before[-1].after if before else None
        recall = partial(whole_context, before) if before else None
        return fold_trace(runs, feedback, context, self._settings, recall)

    async def _bring_back(self, activity: Activity) -> None:
        """Fetch dropped payloads again, until none is missing or the source has no more of them."""
        missing: list[str] = []
        while (ids := await self._store.reduced(activity.conversation, RESTORE_RUNS)) and ids != missing:
            await self._restore(activity.project_id, ids)
            missing = ids


def _kept(traces: Sequence[TraceVersion]) -> list[Fold]:
    """Folds of the longest beginning of which every trace is still what was folded."""
    folds: list[Fold] = []
    for trace in traces[: kept(traces)]:
        try:
            folds.append(decode_fold(trace.fold or b""))
        except msgspec.MsgspecError:  # another release wrote it
            break
    return folds


def _refuse_unmasked(runs: Sequence[Run]) -> None:
    for run in runs:
        if REDACTION_FAILED in run.flags:
            raise RedactionFailed(f"run {run.id} could not be masked, so its conversation is not written")
