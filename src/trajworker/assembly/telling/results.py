"""Tool results on their way into a message list: from the prompts that tell them, else from the runs behind them."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import structs

from trajworker.assembly.kept.context import Pending, alone
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.tool_runs import ToolRun
from trajworker.assembly.reading.words import CONTEXT
from trajworker.assembly.telling.alignment import Alignment
from trajworker.assembly.telling.linking import (
    complete,
    from_run,
    is_run_of,
    match_result,
    match_run,
    match_value,
    part_from_others,
)
from trajworker.dialects import Draft, digest
from trajworker.model.message import TOOL


class Results(Alignment):
    """Adds the results of tool calls."""

    def _rename(self, rest: list[tuple[Draft, bytes]]) -> None:
        """Have results name calls by the ids that these were made under."""
        for draft, _ in rest:
            told = draft.tool_response
            if told is not None and told.id in self.renamed:
                draft.tool_response = structs.replace(told, id=self.renamed[told.id])

    def add_results(self, block: Sequence[tuple[Draft, bytes]]) -> list[int]:
        """Tool messages that stand side by side, in the order of the calls they answer."""
        linked: list[tuple[tuple[int, int, int], int, Draft, bytes]] = []
        references = [0] * (len(block) + 1)
        for place, (draft, key) in enumerate(block):
            call = match_result(draft, self.pending)
            told = self._told_in_turn(draft, key) if call is None else None
            if call is None and told is None and self.quotes.apart and self.quotes.is_anothers(draft, key):
                told = self.aside(draft, CONTEXT, key)
            if told is not None:
                references[place] = told
                continue
            order = (call.index, call.place, place) if call is not None else (self.total, 0, place)
            run = None
            if call is not None:
                run = match_run(call, self.runs, self.pending, self.limit) or match_value(draft, call, self.runs)
                self.pending.remove(call)
            if run is not None and self.untold:
                part_from_others(draft, run, [one for _, one in self.untold])
            linked.append((order, place, complete(draft, call, run), key))
        for call, run in self.untold:
            draft = complete(from_run(run), call, run)
            linked.append(((call.index, call.place, 0), len(block), draft, digest(draft)))
        self.untold = []
        linked.sort(key=lambda entry: entry[0])
        for _, place, draft, key in linked:
            references[place] = self.add(draft, key)
        return references[: len(block)]

    def _told_in_turn(self, draft: Draft, key: bytes) -> int | None:
        """The reference of a result that its run told in this turn already, and that this prompt has not repeated."""
        if draft.tool_response is None or draft.tool_response.id is None or self.turn_user is None:
            return None
        told = (place for place in range(self.turn_user, self.total) if self.key(place) == key)
        found = next((place for place in told if not self._is_repeated(place)), None)
        if found is not None:
            self.repeated.append(alone(found))
        return found

    def _is_repeated(self, place: int) -> bool:
        """Whether the prompt has told a message again already."""
        return any(start <= place < stop for start, stop in self.repeated)

    def add_missing_results(self, rest: list[tuple[Draft, bytes]], start: datetime, *, first: bool) -> None:
        """Before the next decision: results that its prompt leaves out are taken from their runs."""
        self.limit = start
        if self.renamed:
            self._rename(rest)
        told = [draft for draft, _ in rest if draft.role is TOOL]
        if self.pending:
            open_calls = list(self.pending)
            for draft in told:
                answered = match_result(draft, open_calls)
                if answered is not None:
                    open_calls.remove(answered)
            self._from_runs(open_calls, {one.index for one in self.pending if told and one not in open_calls})
        if not first:
            self._from_root(told)
        if not told and not first:
            self.orphans(start)

    def _from_root(self, told: list[Draft]) -> None:
        """Results that neither a prompt nor a run tells, only the messages that the root gave back."""
        if self.frame.root is None or not self.pending:
            return
        calls = [call for call in self.pending if call.id and call.index >= self.before.total]
        calls = [call for call in calls if not any(match_result(draft, [call]) for draft in told)]
        results = self.frame.root.results() if calls else {}
        for call in calls:
            if call.id is not None and call.id in results:
                self.pending.remove(call)
                draft = complete(results[call.id], call, None)
                self.add(draft, digest(draft))

    def _from_runs(self, calls: list[Pending], told: set[int]) -> None:
        """Results out of their runs; those of messages whose other calls the prompt tells of wait for their place."""
        for call in calls:
            run = match_run(call, self.runs, calls, self.limit)
            if run is not None:
                self.pending.remove(call)
                if call.index in told:
                    self.untold.append((call, run))
                    continue
                draft = complete(from_run(run), call, run)
                self.add(draft, digest(draft))

    def _is_awaited(self, run: ToolRun) -> bool:
        """Whether a call that has no result yet may be what a tool ran for."""
        return any(is_run_of(call, run) for call in self.pending)

    def leave_open(self, run: ToolRun) -> bool:
        """Keep the error of a run that failed with the call that it was for, which a prompt or another run answers."""
        place = next((place for place, call in enumerate(self.pending) if is_run_of(call, run)), None)
        if place is not None:
            self.pending[place] = structs.replace(self.pending[place], error=run.error or "error")
        return place is not None

    def orphans(self, before: datetime | None, asking: Call | None = None) -> None:
        """Tool runs that no call asked for, as far as anybody told, nor the one that is `asking` now."""
        for run in self.runs.begun(before):
            if not (run.failed or run.value is not None):
                continue
            if before is not None and (run.run.end_time or run.run.start_time) > before:
                continue
            if self._is_awaited(run) or (asking is not None and asking.asks_for(run)):
                continue
            run.linked = True
            draft = complete(from_run(run), None, run)
            self.add(draft, digest(draft))
