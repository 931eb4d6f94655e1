"""A conversation while it is folded: its traces one after another, each against those before it."""

from collections.abc import Sequence

from trajworker.assembly.context import Context, Known, Past
from trajworker.assembly.fold import TraceFolding
from trajworker.assembly.folds import Fold
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
        self._known = Known()
        for fold in folds:
            self._known.learn(fold.news)
        self._prompt: Prefix | None = None

    def fold(self, runs: Sequence[Run], feedback: Sequence[Feedback] = ()) -> Fold:
        """Fold the next trace: its runs in whatever order they come and however often.

        Raises:
            MalformedRun: there are none.
            RedactionFailed: a run could not be masked, so nothing of its conversation may be told.
        """
        trace = Trace(runs, feedback, self._settings.rewards)
        context = self.folds[-1].after if self.folds else Context()
        fold, self._prompt = TraceFolding(trace, Past(context, self._known, self._prompt)).fold()
        fold.rules = self._settings.mark
        self.folds.append(fold)
        self._known.learn(fold.news)
        return fold
