"""A conversation while it is folded: its traces one after another, each against those before it."""

from collections.abc import Mapping, Sequence

from trajworker.assembly.beside.side_calls import goes_on_before, left_out, placed
from trajworker.assembly.beside.standing import Standing
from trajworker.assembly.fold import TraceFolding
from trajworker.assembly.kept.folds import Fold
from trajworker.assembly.reading.trace import Trace
from trajworker.assembly.rules import DEFAULT_SETTINGS, FoldSettings
from trajworker.errors import MalformedRun, TrajworkerError, kind_and_place
from trajworker.model.run import Feedback, Run


class Conversation:
    """The folds of a conversation so far."""

    def __init__(
        self, settings: FoldSettings = DEFAULT_SETTINGS, folds: Sequence[Fold] = (), *, keeps: bool = True
    ) -> None:
        """Go on from folds that were made before by the same settings (`fold.rules` is their mark).

        Unless it `keeps` its folds, none of them is to be gone on from by another conversation.
        """
        self.folds = list(folds)
        self._settings = settings
        self._keeps = keeps
        self._standing = Standing(folds)

    def fold(self, runs: Sequence[Run], feedback: Sequence[Feedback] = ()) -> Fold:
        """Fold the next trace: its runs in whatever order they come and however often.

        Raises:
            MalformedRun: there are none.
            RedactionFailed: a run could not be masked, so nothing of its conversation may be told.
        """
        trace = Trace(runs, feedback, self._settings.rewards)
        standing = self._standing
        withdrawn = left_out(standing, trace)
        restores = not withdrawn and goes_on_before(standing, trace)
        if restores:
            withdrawn = len(standing.folds)
        standing.withdraw(withdrawn, restores=restores)
        told, prompt = TraceFolding(trace, standing.past()).fold()
        fold = placed(standing, trace, told)
        fold.withdraws, fold.restores = withdrawn, restores
        fold.rules = self._settings.mark
        self.folds.append(fold)
        standing.add(fold, prompt if fold is told else standing.prompt)
        if self._keeps:
            standing.seal()
        return fold

    def fold_each(self, runs: Mapping[str, Sequence[Run]], feedback: Mapping[str, Sequence[Feedback]]) -> None:
        """Fold the next traces, given by id, in order; where one cannot be, the conversation is not to go on.

        Raises:
            MalformedRun: one holds what no rule foresaw. It names the place, which tells a maintainer more than a
                message, and nothing of what was said.
            RedactionFailed: as `fold`.
        """
        for trace_id, members in runs.items():
            try:
                self.fold(members, feedback.get(trace_id, ()))
            except TrajworkerError:
                raise
            except Exception as error:  # noqa: BLE001 - a conversation that no rule foresaw must not cost the others
                raise MalformedRun(f"trace {trace_id} cannot be assembled ({kind_and_place(error)})") from None
