"""A conversation while it is folded: its traces one after another, each against those before it."""

from collections.abc import Sequence

import msgspec

from trajworker.assembly.alignment import HistoryNeeded
from trajworker.assembly.context import Context
from trajworker.assembly.fold import TraceFolding
from trajworker.assembly.parts import Fold
from trajworker.assembly.prefix import Prefix
from trajworker.assembly.rules import DEFAULT_SETTINGS, FoldSettings
from trajworker.assembly.trace import Trace
from trajworker.model.run import Feedback, Run


class Conversation:
    """The folds of a conversation so far."""

    def __init__(self, settings: FoldSettings = DEFAULT_SETTINGS, folds: Sequence[Fold] = ()) -> None:
        """Go on from folds that were made before by the same settings (`fold.rules` is their mark)."""
        self.folds = list(folds)
        self._settings = settings
        self._prompt: Prefix | None = None
        """The last prompt: a trace that goes on from it is told by its bytes, no hash of them is needed."""

    def fold(self, runs: Sequence[Run], feedback: Sequence[Feedback] = ()) -> Fold:
        """Fold the next trace: its runs in whatever order they come and however often.

        Raises:
            RedactionFailed: a run could not be masked, so nothing of its conversation may be told.
        """
        trace = Trace(runs, feedback, self._settings.rewards)
        before = self.folds[-1].after if self.folds else Context()
        try:
            fold, self._prompt = TraceFolding(trace, before).fold(self._prompt)
        except HistoryNeeded:
            fold, self._prompt = TraceFolding(trace, whole_context(self.folds)).fold()
        fold.rules = self._settings.mark
        self.folds.append(fold)
        return fold


def whole_context(folds: Sequence[Fold]) -> Context:
    """The last fold's context with the digests of every message, not only the last ones."""
    last = folds[-1].after
    return msgspec.structs.replace(last, offset=0, tail=b"".join(fold.keys for fold in folds))
