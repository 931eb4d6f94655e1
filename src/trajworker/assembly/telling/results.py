"""Tool results on their way into a message list: from the prompts that tell them, else from the runs behind them."""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter

from msgspec import structs

from trajworker.assembly.kept.context import Pending, alone
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.roots import SHALLOW, texts_in
from trajworker.assembly.reading.tool_runs import ToolRun
from trajworker.assembly.reading.words import CONTEXT
from trajworker.assembly.telling.linking import (
    complete,
    from_run,
    is_run_of,
    match_result,
    match_run,
    match_value,
    part_from_others,
)
from trajworker.assembly.telling.transcript import Transcript
from trajworker.dialects import Draft, digest
from trajworker.model.message import TOOL


def _rename(transcript: Transcript, rest: list[tuple[Draft, bytes]]) -> None:
    """Have results name calls by the ids that these were made under."""
    for draft, _ in rest:
        told = draft.tool_response
        if told is not None and told.id in transcript.renamed:
            draft.tool_response = structs.replace(told, id=transcript.renamed[told.id])


def add_results(transcript: Transcript, block: Sequence[tuple[Draft, bytes]]) -> list[int]:
    """Tool messages that stand side by side, in the order of the calls they answer."""
    linked: list[tuple[tuple[int, int, int], int, Draft, bytes]] = []
    references = [0] * (len(block) + 1)
    for place, (draft, key) in enumerate(block):
        call = match_result(draft, transcript.pending)
        if call is None:
            told = _told_already(transcript, draft, key)
            if told is None:
                linked.append(((transcript.total, 0, place), place, complete(draft, None, None), key))
            else:
                references[place] = told
            continue
        run = _run_of(transcript, call, transcript.pending)
        if run is None:
            before = transcript.reading.start if _is_only_told(transcript, call) else None
            run = match_value(draft, call, transcript.runs, before)
        transcript.pending.remove(call)
        if run is not None and transcript.reading.untold:
            part_from_others(draft, run, [one for _, one in transcript.reading.untold])
        linked.append(((call.index, call.place, place), place, complete(draft, call, run), key))
    for call, run in transcript.reading.untold:
        draft = complete(from_run(run), call, run)
        linked.append(((call.index, call.place, 0), len(block), draft, digest(draft)))
    transcript.reading.untold = []
    linked.sort(key=itemgetter(0))
    for _, place, draft, key in linked:
        references[place] = transcript.add(draft, key)
    return references[: len(block)]


def _run_of(transcript: Transcript, call: Pending, open_calls: list[Pending]) -> ToolRun | None:
    """The run of a call, as far as it has one in this trace."""
    skewed = not _is_only_told(transcript, call)
    return match_run(call, transcript.runs, open_calls, transcript.reading.start, skewed=skewed)


def _is_only_told(transcript: Transcript, call: Pending) -> bool:
    """Whether a call stands only in a prompt: it was made before that, and what ran later is of another."""
    made = transcript.own(call.index)
    return made is not None and made.run_id is None


def _told_already(transcript: Transcript, draft: Draft, key: bytes) -> int | None:
    """The reference of a result that answers no open call, where it was told before, or is another agent's."""
    told = _told_in_turn(transcript, draft, key)
    if told is None and transcript.quotes.apart and transcript.quotes.is_anothers(draft, key):
        told = transcript.aside(draft, CONTEXT, key)
    return told


def _told_in_turn(transcript: Transcript, draft: Draft, key: bytes) -> int | None:
    """The reference of a result that its run told in this turn already, and that this prompt has not repeated."""
    if draft.tool_response is None or draft.tool_response.id is None or transcript.turn_user is None:
        return None
    told = (place for place in range(transcript.turn_user, transcript.total) if transcript.key(place) == key)
    found = next((place for place in told if not _is_repeated(transcript, place)), None)
    if found is not None:
        transcript.reading.repeated.append(alone(found))
    return found


def _is_repeated(transcript: Transcript, place: int) -> bool:
    """Whether the prompt has told a message again already."""
    return any(start <= place < stop for start, stop in transcript.reading.repeated)


def add_missing_results(transcript: Transcript, rest: list[tuple[Draft, bytes]], *, first: bool) -> None:
    """Before the next decision: results that its prompt leaves out are taken from their runs."""
    if transcript.renamed:
        _rename(transcript, rest)
    if first and not transcript.pending:
        return
    told = [draft for draft, _ in rest if draft.role is TOOL]
    if transcript.pending:
        open_calls = list(transcript.pending)
        for draft in told:
            answered = match_result(draft, open_calls)
            if answered is not None:
                open_calls.remove(answered)
        if open_calls:
            told_of = {one.index for one in transcript.pending if told and one not in open_calls}
            _from_runs(transcript, open_calls, told_of)
    if not first:
        _from_root(transcript, told)
    if not told and not first:
        orphans(transcript, transcript.reading.start)


def _from_root(transcript: Transcript, told: list[Draft]) -> None:
    """Results that neither a prompt nor a run tells, only the messages that the root gave back."""
    if transcript.frame.root is None or not transcript.pending:
        return
    calls = [call for call in transcript.pending if call.id and call.index >= transcript.before.total]
    calls = [call for call in calls if not any(match_result(draft, [call]) for draft in told)]
    results = transcript.frame.root.results() if calls else {}
    for call in calls:
        if call.id is not None and call.id in results:
            transcript.pending.remove(call)
            draft = complete(results[call.id], call, None)
            transcript.add(draft, digest(draft))


def _from_runs(transcript: Transcript, calls: list[Pending], told: set[int]) -> None:
    """Results out of their runs; those of messages whose other calls the prompt tells of wait for their place."""
    for call in calls:
        run = _run_of(transcript, call, calls)
        if run is not None:
            transcript.pending.remove(call)
            if call.index in told:
                transcript.reading.untold.append((call, run))
                continue
            draft = complete(from_run(run), call, run)
            transcript.add(draft, digest(draft))


def _is_awaited(transcript: Transcript, run: ToolRun) -> bool:
    """Whether a call that has no result yet may be what a tool ran for."""
    return any(is_run_of(call, run) for call in transcript.pending)


def leave_open(transcript: Transcript, run: ToolRun) -> bool:
    """Keep the error of a run that failed with the call that it was for, which a prompt or another run answers."""
    place = next((place for place, call in enumerate(transcript.pending) if is_run_of(call, run)), None)
    if place is not None:
        transcript.pending[place] = structs.replace(transcript.pending[place], error=run.error or "error")
    return place is not None


def orphans(transcript: Transcript, before: datetime | None, asking: Call | None = None) -> None:
    """Tool runs that no call asked for, as far as anybody told, nor the one that is `asking` now."""
    for run in transcript.runs.begun(before):
        if before is not None and (run.run.end_time or run.run.start_time) > before:
            continue
        if _is_awaited(transcript, run) or (asking is not None and asking.asks_for(run)):
            continue
        _add_orphan(transcript, run)


def orphans_inside(transcript: Transcript, call: Call) -> None:
    """Tool runs inside a call, which tells of them only what the model said in the end (Gemini's automatic calls)."""
    for run in transcript.runs.begun(call.run.end_time) if transcript.runs and not call.ids else ():
        if call.run.id in run.path and not _is_awaited(transcript, run):
            _add_orphan(transcript, run)


def _add_orphan(transcript: Transcript, run: ToolRun) -> None:
    if run.failed or run.value is not None:
        run.linked = True
        if not _ran_for_several(transcript, run):
            draft = complete(from_run(run), None, run)
            transcript.add(draft, digest(draft))


def _ran_for_several(transcript: Transcript, run: ToolRun) -> bool:
    """Whether a run carried out several calls whose results were told one by one."""
    if isinstance(run.value, str):
        return False
    told = {draft.text for draft in transcript.drafts if draft.role is TOOL and draft.content}
    return len(told.intersection(texts_in(run.value, SHALLOW))) > 1
