"""Builds the message list of one agent: adds what each call says for the first time, keeps the rest aside.

Every llm call repeats the history in its inputs. What it repeats is referred to; what follows the known part is new;
what stands inside it and is unknown (a summary, an edited copy, injected context) is kept aside (guides/output.md).
"""

from trajworker.assembly.dialogues.groups import system_of
from trajworker.assembly.kept.context import append, joined, refer
from trajworker.assembly.kept.prefix import NO_PROMPT
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.literals import words_of_blocks
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.words import (
    ALTERNATIVE,
    CONTEXT,
    EDITED,
    STOPPED,
    SUMMARY,
    Opening,
    is_recast,
    shown_to_model,
)
from trajworker.assembly.telling.alignment import Seen, match_any, match_prefix
from trajworker.assembly.telling.copies import made
from trajworker.assembly.telling.echoes import TurnSoFar, is_echo, retells
from trajworker.assembly.telling.fresh import Fresh, Keyed
from trajworker.assembly.telling.linking import complete, from_run, match_run, pending_of
from trajworker.assembly.telling.results import add_missing_results, add_results, orphans, orphans_inside
from trajworker.assembly.telling.transcript import Reading, StepDraft, Transcript
from trajworker.assembly.telling.turns import add_user, begin_turn_without_words, speaks_again
from trajworker.dialects import Draft, digest
from trajworker.dialects.calls import lacks_arguments
from trajworker.dialects.speech import RAW
from trajworker.model.message import ASSISTANT, NOT_TRAINABLE, SYSTEM, TOOL, TRAINABLE, USER


def take(transcript: Transcript, call: Call, opening: Opening | None) -> None:
    """Take in one llm call: its prompt, then its answer."""
    transcript.reading = Reading(start=call.run.start_time)
    seen, rest = match_prefix(transcript, call, opening) or match_any(transcript, call, opening)
    transcript.reading.repeated = list(seen.ranges)
    for one in seen.fresh:
        transcript.reading.repeated += one.behind
    if opening is not None and opening.begins and rest and _behind_results(rest, 0) == len(rest):
        begin_turn_without_words(transcript, opening)
    add_missing_results(transcript, rest, first=opening is not None)
    results, rest = _leading_results(transcript, rest)
    outside = [transcript.system(draft) for draft in call.prompt.system] if call.prompt.system else []
    if opening is not None and opening.root is not None and transcript.total == 0 and not outside:
        outside = _system_of(transcript, opening.root, rest)
    view = _placed(transcript, seen)
    for reference in results:
        refer(view, reference)
    begins = opening.begins if opening is not None else speaks_again(transcript, call, rest, view)
    for reference in _append(transcript, rest, opening, begins=begins):
        refer(view, reference)
    if begins and transcript.turn == transcript.before.entries:
        begin_turn_without_words(transcript, opening)
    if opening is not None:
        orphans(transcript, transcript.reading.start, asking=call)
    _remember(transcript, call, view)
    transcript.shown = shown_to_model(rest) or transcript.shown
    transcript.answer, transcript.untold_calls, transcript.renamed = None, [], {}
    if call.answer.draft is None or call.failed:
        return
    if not begins and transcript.turn == 0:
        transcript.turn = 1
    orphans_inside(transcript, call)
    _add_answer(transcript, call, call.answer.draft, outside)


def _add_answer(transcript: Transcript, call: Call, answer: Draft, outside: list[int]) -> None:
    """Add what the model said, and the step it is: `outside` are system prompts beside the view."""
    if transcript.frame.said_before is not None and transcript.frame.said_before[0] == call.key:
        for draft in transcript.frame.said_before[1]:
            if not _said_in_turn(transcript, key := digest(draft)) and key not in transcript.aside_keys:
                transcript.add(draft, key)
    index, calls = transcript.add(answer, call.key), answer.tool_calls or ()
    transcript.answered = True
    transcript.answer, transcript.answer_ids = index, sorted(call.ids)
    transcript.reasoned = [index] if answer.reasoning else []
    if answer.id:
        transcript.ids.add(answer.id)
    if calls:
        transcript.pending.extend(pending_of(index, calls))
    transcript.without_arguments = [one.id for one in calls if one.id and lacks_arguments(one)] if calls else []
    answer.trainable_status = TRAINABLE
    if answer.finish_reason in ("length", "content_filter") or RAW in answer.flags or STOPPED in answer.flags:
        answer.trainable_status = NOT_TRAINABLE
    for other in call.answer.others:
        transcript.aside(other, ALTERNATIVE)
    seen = joined(outside, transcript.view)
    append(seen, index, index + 1)
    summarised = bool(transcript.asides) and _is_summarised(transcript, seen)
    transcript.steps.append(StepDraft(view=seen, answer=index, call=call, summarised=summarised))


def _placed(transcript: Transcript, seen: Seen) -> list[tuple[int, int]]:
    """What a prompt repeats as references, its fresh system prompts added."""
    view = seen.ranges
    for one in seen.fresh:
        refer(view, transcript.system(one.draft, one.key))
        for start, stop in one.behind:
            append(view, start, stop)
    return view


def _system_of(transcript: Transcript, root: Root, rest: list[Keyed]) -> list[int]:
    """The system prompt that only the root was given (Claude Agent SDK), not an internal call."""
    if not root.system or any(draft.role is SYSTEM for draft, _ in rest):
        return []
    others = {key for call in transcript.frame.internal for key in system_of(call)}
    return [transcript.system(draft) for draft in root.system if digest(draft) not in others]


def _is_summarised(transcript: Transcript, view: list[tuple[int, int]]) -> bool:
    """Whether a step was shown a summary that this trace kept aside."""
    own = [-1 - start - transcript.before.asides for start, _ in view if start < 0]
    return any(0 <= place < len(transcript.asides) and SUMMARY in transcript.asides[place].flags for place in own)


def _remember(transcript: Transcript, call: Call, view: list[tuple[int, int]]) -> None:
    """Keep the prompt, so that the next one that begins with it need not be decoded."""
    transcript.view = view
    array = call.prompt.array
    if array is None or not view or transcript.reading.was_cut:
        transcript.prefix = NO_PROMPT
    else:
        transcript.prefix = transcript.prefix.followed_by(array)


def _leading_results(transcript: Transcript, rest: list[Keyed]) -> tuple[list[int], list[Keyed]]:
    """Add the results that answer the last calls: they came before all that a prompt says anew, above them too."""
    transcript.reading.begins_with_results = bool(rest) and rest[0][0].role is TOOL
    if not transcript.reading.begins_with_results:
        return [], rest
    stop = _behind_results(rest, 0)
    return add_results(transcript, rest[:stop]), rest[stop:]


def _behind_results(rest: list[Keyed], place: int) -> int:
    """Where the results end that stand side by side from a place on."""
    while place < len(rest) and rest[place][0].role is TOOL:
        place += 1
    return place


def _append(transcript: Transcript, rest: list[Keyed], opening: Opening | None, *, begins: bool) -> list[int]:
    """Add what a prompt says for the first time; the references under which the prompt now stands."""
    if not rest:
        return []
    fresh = Fresh.of(rest, opening, begins=begins)
    references: list[int] = []
    place, start = 0, len(transcript.drafts)
    while place < len(rest):
        if rest[place][0].role is not TOOL:
            references.append(_told(transcript, fresh, place, start))
            place += 1
            continue
        stop = _behind_results(rest, place)
        references += add_results(transcript, rest[place:stop])
        place = stop
    return references


def _told(transcript: Transcript, fresh: Fresh, place: int, start: int) -> int:
    """The reference of one message that is no result; the prompt's new ones begin at `start`."""
    draft, key = fresh.rest[place]
    if place == fresh.user:
        return add_user(transcript, draft, key, fresh.opening, start)
    if draft.role is SYSTEM:
        return transcript.system(draft, key)
    flag = fresh.beside(place, transcript.quotes)
    if flag is None and fresh.opening is None and not draft.tool_calls and _is_echo(transcript, draft):
        flag = CONTEXT
    if flag is not None:
        return transcript.aside(draft, flag, key)
    if transcript.answer is not None and _repeats_calls(transcript, draft):
        return transcript.answer
    index = transcript.add(draft, key)
    if draft.role is ASSISTANT and draft.tool_calls:
        transcript.pending.extend(pending_of(index, draft.tool_calls))
    if draft.role is USER and transcript.turn_user is None:
        transcript.turn_user = index  # the agent spoke first
    return index


def _repeats_calls(transcript: Transcript, draft: Draft) -> bool:
    """Whether a prompt tells calls of the last answer one by one, under ids of the app's own."""
    told = made(draft)
    if draft.role is not ASSISTANT or draft.content or not told:
        return False
    if not all(one in transcript.untold_calls for one in told):
        return False
    transcript.untold_calls = [one for one in transcript.untold_calls if one not in told]
    return True


def _is_echo(transcript: Transcript, draft: Draft) -> bool:
    """Whether a message inside the turn only tells again what was said in it."""
    users = draft.role is USER
    if not users and (draft.role is not ASSISTANT or not transcript.answer_ids):
        return False
    answer = transcript.answer - transcript.before.total if transcript.answer is not None else -1
    tools = [(place, one) for place, one in enumerate(transcript.drafts) if users and one.role is TOOL]
    so_far = TurnSoFar(
        asked=transcript.own(transcript.turn_user) if transcript.turn_user is not None else None,
        shown=transcript.shown,
        answer=transcript.own(transcript.answer) if transcript.answer is not None else None,
        results=[one.text for _, one in tools],
        awaited=[one.text for place, one in tools if place > answer],
        told=transcript.reading.begins_with_results,
    )
    return is_echo(draft, so_far) if users else retells(draft, so_far)


def finish(transcript: Transcript, trailing: list[Draft], *, waits: bool = False) -> None:
    """Tell what only tool runs and the root's outputs tell; where it `waits` for a human, no empty results."""
    transcript.reading = Reading()
    if transcript.pending:
        _answer_last(transcript, trailing, waits=waits)
    orphans(transcript, None)
    if trailing:
        _tell_kept(transcript, trailing)


def _tell_kept(transcript: Transcript, trailing: list[Draft]) -> None:
    """Tell what a root gave back as an answer and no call said."""
    keys = [digest(draft) for draft in trailing]
    for draft, key in zip(trailing, keys, strict=True):
        if draft.role is not ASSISTANT or draft.says_nothing or _is_told(transcript, draft, key):
            continue
        if _is_recast(transcript, draft, keys):
            continue
        if any(call.id in transcript.answer_ids for call in draft.tool_calls or ()):
            transcript.aside(draft, EDITED, key)  # a human put other arguments into the call that waits
            continue
        transcript.add(draft, key)
        transcript.answered = True


def _answer_last(transcript: Transcript, trailing: list[Draft], *, waits: bool) -> None:
    """Give the calls that no prompt answered what their runs tell, or the root."""
    by_id = {draft.tool_response.id: draft for draft in trailing if draft.tool_response and draft.tool_response.id}
    for call in list(transcript.pending):
        run = match_run(call, transcript.runs, transcript.pending, None)
        draft = by_id.pop(call.id, None) if call.id else None
        if (run is None and draft is None) or (waits and run is not None and run.is_empty):
            continue
        transcript.pending.remove(call)
        said = complete(draft or from_run(run), call, run)  # type: ignore[arg-type]  # one of them is there
        transcript.add(said, digest(said))


def _is_told(transcript: Transcript, draft: Draft, key: bytes) -> bool:
    """Whether an assistant message that the trace gave back was told in this turn."""
    if draft.id in transcript.ids or _said_in_turn(transcript, key):
        return True
    said = transcript.own(transcript.answer) if transcript.answer is not None and not draft.tool_calls else None
    return said is not None and not said.text and words_of_blocks(draft.content) == ""


def _is_recast(transcript: Transcript, draft: Draft, kept: list[bytes]) -> bool:
    """Whether a message tells the last answer in an app's words, which `kept` it in no others: it was said once."""
    said = transcript.own(transcript.answer) if transcript.answer is not None else None
    if said is None or said.tool_calls or draft.tool_calls or digest(said) in kept:
        return False
    return is_recast(draft.text, said.text, apart=draft.id is not None)


def _said_in_turn(transcript: Transcript, key: bytes) -> bool:
    """Whether a message was told in this turn, be it by a trace that the turn was interrupted in."""
    return key in transcript.keys or any(
        transcript.key(place) == key for place in range(transcript.turn_user or 0, transcript.before.total)
    )
