"""Brings a conversation's folds up to date: only traces that changed, and those after them, are folded again."""

from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec import Struct

from trajworker.assembly import Fold, FoldSettings, decode_fold, encode_fold, fold_trace, whole_context
from trajworker.errors import RedactionFailed
from trajworker.model.run import Run
from trajworker.ports import Ledger, TraceVersion

REDACTION_FAILED = "redaction_failed"


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
    """Folds what the ledger holds."""

    def __init__(self, ledger: Ledger, settings: FoldSettings) -> None:
        """Fold as `settings` says (rewards and the like)."""
        self._ledger = ledger
        self._settings = settings

    async def draft(self, conversation: int) -> Draft:
        """The folds of a conversation, of which the unchanged ones are taken from staging.

        Raises:
            RedactionFailed: a run of it could not be masked, so the conversation must not be written.
        """
        traces = await self._ledger.traces(conversation)
        folds = _kept(traces)
        renewed = {}
        for trace in traces[len(folds) :]:
            fold = await self._fold(conversation, trace.trace_id, folds)
            folds.append(fold)
            renewed[trace.trace_id] = encode_fold(fold)
        return Draft(folds=folds, seen={trace.trace_id: trace.version for trace in traces}, renewed=renewed)

    async def _fold(self, conversation: int, trace_id: str, before: Sequence[Fold]) -> Fold:
        runs = [run async for run in self._ledger.runs(conversation, trace_id)]
        _refuse_unmasked(runs)
        feedback = await self._ledger.feedback(conversation, trace_id)
        context = before[-1].after if before else None
        recall = partial(whole_context, before) if before else None
        return fold_trace(runs, feedback, context, self._settings, recall)


def _kept(traces: Sequence[TraceVersion]) -> list[Fold]:
    """Folds of the longest beginning of which every trace is still what was folded."""
    folds: list[Fold] = []
    for trace in traces:
        if trace.fold is None or trace.folded_version != trace.version:
            break
        try:
            folds.append(decode_fold(trace.fold))
        except msgspec.MsgspecError:  # another release wrote it
            break
    return folds


def _refuse_unmasked(runs: list[Run]) -> None:
    for run in runs:
        if REDACTION_FAILED in run.flags:
            raise RedactionFailed(f"run {run.id} could not be masked, so its conversation is not written")
