"""The copy of the last answer that a history holds: known as that answer, and asked for what it tells more."""

from typing import Any

from msgspec import structs

from trajworker.assembly.kept.folds import Amendment
from trajworker.assembly.reading.tool_runs import comparable
from trajworker.assembly.reading.words import EDITED
from trajworker.assembly.telling.transcript import Transcript
from trajworker.dialects import Draft, digest
from trajworker.dialects.calls import with_arguments


def made(draft: Draft) -> list[tuple[str, dict[str, Any] | None]]:
    """The calls of a message, without their ids."""
    return [(call.name, call.arguments) for call in draft.tool_calls or ()]


def same_answer(transcript: Transcript, draft: Draft) -> int:
    """The reference for the history's copy of the last answer; what the copy has more is taken over."""
    answer = transcript.answer
    assert answer is not None  # noqa: S101 - callers have checked
    if transcript.without_arguments:
        _complete_arguments(transcript, answer, draft)
    said = transcript.own(answer) if len(draft.tool_calls or ()) < len(transcript.answer_ids) else None
    if said is not None:
        copied = made(draft)
        transcript.untold_calls = [one for one in made(said) if one not in copied]
    if not _repeats_ids(transcript, draft) and transcript.key(answer) != digest(draft):
        return transcript.aside(draft, EDITED)
    _complete_answer(transcript, answer, draft)
    if draft.reasoning and answer not in transcript.reasoned:
        own = transcript.own(answer)
        if own is not None:
            own.reasoning = draft.reasoning
            own.blocks = own.blocks or draft.blocks
        else:
            transcript.amendments.append(Amendment(start=answer, stop=answer + 1, reasoning=draft.reasoning))
        transcript.reasoned = [answer]
    return answer


def _repeats_ids(transcript: Transcript, copy: Draft) -> bool:
    """Whether a message calls by an id of the last answer's: it is that, whatever it says."""
    calls = copy.tool_calls
    return calls is not None and not {call.id for call in calls}.isdisjoint(transcript.answer_ids)


def _complete_arguments(transcript: Transcript, answer: int, copy: Draft) -> None:
    """Give calls of the last answer that were recorded without arguments those that the history's copy of it tells."""
    lacking = transcript.without_arguments
    told = {call.id: call.arguments for call in copy.tool_calls or () if call.id in lacking and call.arguments}
    if not told:
        return
    said = transcript.own(answer)
    if said is not None:
        said.tool_calls = with_arguments(said.tool_calls or (), told)
        transcript.keys[answer - transcript.before.total] = digest(said)
    else:
        transcript.amendments.append(Amendment(start=answer, stop=answer + 1, arguments=told))
    for place, call in enumerate(transcript.pending):
        if call.index == answer and call.id in told:
            transcript.pending[place] = structs.replace(call, arguments=comparable(told[call.id]))
    transcript.without_arguments = []


def _complete_answer(transcript: Transcript, answer: int, copy: Draft) -> None:
    """Give the last answer what only the history's copy of it tells: its words, or the ids of its calls."""
    said, calls, known = transcript.own(answer), copy.tool_calls or (), transcript.answer_ids
    if said is not None and copy.content and not said.content and made(said) == made(copy):
        said.content = copy.content
        transcript.keys[answer - transcript.before.total] = digest(copy)
    if not calls or (len(calls) == len(known) and calls[0].id in known) or transcript.key(answer) != digest(copy):
        return
    ids = [call.id for call in calls if call.id]
    if len(ids) < max(len(calls), len(known)):
        return
    if len(ids) == len(known):
        transcript.renamed = {ids[call.place]: call.id for call in transcript.pending if call.index == answer}
        return
    if said is not None:
        said.tool_calls = copy.tool_calls
    else:
        transcript.amendments.append(Amendment(start=answer, stop=answer + 1, ids=ids))
    transcript.answer_ids = sorted(ids)
    transcript.pending = [
        structs.replace(call, id=ids[call.place]) if call.index == answer else call for call in transcript.pending
    ]
