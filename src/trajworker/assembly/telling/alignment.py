"""Aligns a prompt with what is known: what it repeats is found, what is new is left over."""

from collections.abc import Iterator
from itertools import takewhile

from msgspec import Struct

from trajworker.assembly.kept.context import expand, refer
from trajworker.assembly.kept.folds import Amendment
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.words import ALTERNATIVE, EDITED, Opening, turn_user
from trajworker.assembly.telling.copies import same_answer
from trajworker.assembly.telling.fresh import Keyed
from trajworker.assembly.telling.late import without_own
from trajworker.assembly.telling.repeats import behind_view, repeated_by
from trajworker.assembly.telling.transcript import Transcript
from trajworker.dialects import Draft, digest, read_array
from trajworker.model.message import ASSISTANT, SYSTEM, USER, TrainableStatus


class FreshSystem(Struct, eq=False, gc=False):
    """A system prompt that no prompt before held, and what is repeated behind it, as ranges of references."""

    draft: Draft
    key: bytes
    behind: list[tuple[int, int]] = []


class Seen(Struct, eq=False, gc=False):
    """What a prompt repeats, as ranges of references, up to the first system prompt that it says for the first time.

    Whoever adds the fresh ones knows what came before them.
    """

    ranges: list[tuple[int, int]] = []
    fresh: list[FreshSystem] = []

    def refer(self, reference: int) -> None:
        """Add a message that is repeated behind all others."""
        refer(self.fresh[-1].behind if self.fresh else self.ranges, reference)


def match_prefix(transcript: Transcript, call: Call, opening: Opening | None) -> tuple[Seen, list[Keyed]] | None:
    """The view of a prompt that begins, byte for byte, with the one before it; None where it does not."""
    rest = behind_prefix(transcript, call)
    if rest is None or (call.prompt.previous is not None and _leaves_history(transcript, call)):
        return None
    rest = without_own(transcript, call, opening, rest)
    begins = opening is not None and opening.begins
    if begins and USER not in [draft.role for draft in rest]:
        return None
    if opening is not None and not rest and replays(transcript, call):
        return None
    view = list(transcript.view)
    if rest and rest[0].role is ASSISTANT and transcript.answer is not None:
        place = _said_meanwhile(transcript, rest, view) if len(rest) > 1 and rest[1].role is ASSISTANT else 0
        refer(view, same_answer(transcript, rest[place]))
        rest = rest[place + 1 :]
    keyed = [(draft, digest(draft)) for draft in rest]
    place = 0
    following = transcript.answer + 1 if transcript.answer is not None else behind_view(transcript)
    if following < transcript.total:
        limit = turn_user(rest, opening) if begins else len(keyed)
        for repeated in _repeated_behind(transcript, following, keyed[:limit]):
            refer(view, repeated)
            place += 1
    return Seen(ranges=view), keyed[place:]


def _repeated_behind(transcript: Transcript, following: int, keyed: list[Keyed]) -> Iterator[int]:
    """The messages from a reference on that a prompt repeats one after another, until it says something else."""
    for one in keyed:
        behind = range(following, transcript.total)
        repeated = next((reference for reference in behind if _repeats(transcript, reference, *one)), None)
        if repeated is None:
            return
        yield repeated
        following = repeated + 1


def _said_meanwhile(transcript: Transcript, rest: list[Draft], view: list[tuple[int, int]]) -> int:
    """Keep aside what an app itself said while the last answer was made; the place of the copy of that."""
    own = takewhile(lambda one: one.role is ASSISTANT, rest)
    keyed = [(draft, digest(draft)) for draft in own]
    place = next((place for place, (_, key) in enumerate(keyed) if key == transcript.key(transcript.answer or 0)), 0)
    for draft, key in keyed[:place]:
        refer(view, transcript.aside(draft, EDITED, key))
    return place


def repeats_unanswered(transcript: Transcript, call: Call) -> bool:
    """Whether a prompt is the last one again, which got no answer: a call that was tried once more."""
    if transcript.answer is not None or not transcript.view:
        return False
    told = [key for draft, key in zip(call.read(), call.digests(), strict=True) if draft.role is not SYSTEM]
    shown = [transcript.key(place) for place in expand(transcript.view)]
    return told == [key for key in shown if key not in transcript.systems]


def replays(transcript: Transcript, call: Call) -> bool:
    """Whether a prompt stops short of an answer that waited for nothing: an older state was gone back to."""
    if transcript.answer is None or transcript.answer_ids or transcript.before.interrupted:
        return False
    return transcript.key(transcript.answer) not in call.digests()


def _leaves_history(transcript: Transcript, call: Call) -> bool:
    """Whether a prompt names the last answer instead of telling what led to it: a word in it is said anew."""
    last = transcript.steps[-1].call if transcript.steps else None
    return last is not None and last.key not in call.digests() and call.names_answer(last)


def is_last_answer(transcript: Transcript, draft: Draft) -> bool:
    """Whether a message says what the model said last."""
    return transcript.answer is not None and transcript.key(transcript.answer) == digest(draft)


def behind_prefix(transcript: Transcript, call: Call) -> list[Draft] | None:
    """What a prompt says behind the one before it; None where it does not begin with it. Decoded once."""
    prefix, array = transcript.prefix, call.prompt.array
    if call.rest is not None and call.rest[0] == prefix.length:
        return call.rest[1]
    behind = prefix.behind(array) if array is not None else None
    if behind is None:
        return None
    rest = read_array(behind)
    call.rest = (prefix.length, rest)
    return rest


def _repeats(transcript: Transcript, reference: int, draft: Draft, key: bytes) -> bool:
    if transcript.key(reference) == key:
        return True
    known, told = transcript.own(reference), draft.tool_response
    if told is None or told.id is None:
        return False
    if known is None:
        return _was_answered(transcript, reference, told.id)
    return known.tool_response is not None and known.tool_response.id == told.id


def _was_answered(transcript: Transcript, reference: int, call_id: str) -> bool:
    """Whether a message of an earlier trace is the result of a call of the last answer."""
    if (
        transcript.answer is None
        or call_id not in transcript.answer_ids
        or any(call.id == call_id for call in transcript.pending)
    ):
        return False
    return transcript.answer < reference <= transcript.answer + len(transcript.answer_ids)


def match_any(transcript: Transcript, call: Call, opening: Opening | None) -> tuple[Seen, list[Keyed]]:
    """What any other prompt repeats, in order, what stands between kept aside; and what it says behind that.

    System prompts said for the first time are left to the caller, who knows what came before them.
    """
    drafts = without_own(transcript, call, opening)
    keyed = list(zip(drafts, call.digests(), strict=False))
    if transcript.total == 0:
        return Seen(), keyed
    begins = opening is not None and opening.begins
    limit = turn_user(drafts, opening) if begins else len(drafts)
    references = repeated_by(transcript, keyed[:limit])
    if call.prompt.previous is not None and _leaves_history(transcript, call):
        references = [
            None if draft.role is USER else found for (draft, _), found in zip(keyed[:limit], references, strict=True)
        ]
    last = max((place for place, found in enumerate(references) if found is not None), default=-1)
    repeated = _with_answer(transcript, references[: last + 1], keyed, limit)
    rest = keyed[len(repeated) :]
    if (begins and limit < len(keyed)) or (opening is not None and not rest and replays(transcript, call)):
        _supersede(transcript, repeated, keyed, limit)
    seen = Seen()
    for (draft, key), found in zip(keyed, repeated, strict=False):
        if found is None and draft.role is SYSTEM:
            seen.fresh.append(FreshSystem(draft=draft, key=key))
        elif found is None:
            seen.refer(transcript.aside(draft, EDITED, key))
        elif found == transcript.answer and draft.role is ASSISTANT:
            seen.refer(same_answer(transcript, draft))
        else:
            seen.refer(found)
    return seen, rest


def _with_answer(
    transcript: Transcript, repeated: list[int | None], keyed: list[Keyed], limit: int
) -> list[int | None]:
    """What a prompt repeats, with the last answer where a message behind it is that, even if the app rewrote it."""
    answer, behind = transcript.answer, keyed[len(repeated) : limit]
    if answer is None or answer in repeated or not behind:
        return repeated
    if _is_loop(transcript, behind):
        ends = limit < len(keyed) and _ends_with_answer(transcript, repeated, behind, answer)
        return [*repeated, *[None] * (len(behind) - 1), answer] if ends else repeated
    if not _begins_with_answer(transcript, repeated, behind[0][0], answer):
        return repeated
    following = range(answer + 1, transcript.total)
    told = takewhile(lambda one: _repeats(transcript, one[0], *one[1]), zip(following, behind[1:], strict=False))
    return [*repeated, answer, *(reference for reference, _ in told)]


def _begins_with_answer(transcript: Transcript, repeated: list[int | None], draft: Draft, answer: int) -> bool:
    """Whether the message right behind what is repeated is the last answer: it makes its calls, or has its place."""
    if draft.role is not ASSISTANT:
        return False
    if any(call.id in transcript.answer_ids for call in draft.tool_calls or ()):
        return True
    before = (transcript.view[-1][1] - 1, transcript.turn_user, answer - 1) if transcript.view else ()
    return bool(repeated) and repeated[-1] in before


def _is_loop(transcript: Transcript, behind: list[Keyed]) -> bool:
    """Whether a prompt tells of tools behind what it repeats, and an answer behind them, as the last one calls none."""
    if transcript.answer_ids or behind[-1][0].role is not ASSISTANT or behind[-1][0].tool_calls:
        return False
    return any(_names_call(draft) for draft, _ in behind)


def _names_call(draft: Draft) -> bool:
    """Whether a message makes or answers a call that has an id."""
    told = draft.tool_response
    return (told is not None and told.id is not None) or any(call.id for call in draft.tool_calls or ())


def _ends_with_answer(transcript: Transcript, repeated: list[int | None], behind: list[Keyed], answer: int) -> bool:
    """Whether the last message before the user speaks again is the last answer, where its turn told of tools too."""
    asked, latest = transcript.turn_user, repeated[-1] if repeated else None
    if asked is None or latest is None or not asked <= latest < answer - 1:
        return False
    return all(draft.role is not USER for draft, _ in behind)


def _supersede(transcript: Transcript, references: list[int | None], keyed: list[Keyed], user: int) -> None:
    """Mark answers that a regenerated or edited turn replaces."""
    known = [
        ref for ref in references if ref is not None and ref >= 0 and transcript.key(ref) not in transcript.systems
    ]
    asked = transcript.turn_user
    if asked is None or None in references:
        return
    first = next((ref for ref in range(transcript.total) if transcript.key(ref) not in transcript.systems), None)
    repeated = user < len(keyed) and transcript.key(asked) == keyed[user][1] and all(ref < asked for ref in known)
    # prompts that carry no history tell nothing of what they go back to
    if repeated and (known or (_nothing_else_was_asked(transcript) and not _asks_another(transcript, keyed))):
        start = asked + 1
    elif known and known == list(range(known[0], known[0] + len(known))) and known[0] == first:
        start = known[-1] + 1
    else:
        return
    if start < transcript.total:
        superseded = TrainableStatus.SUPERSEDED
        transcript.amendments.append(Amendment(start=start, stop=transcript.total, status=superseded, flag=ALTERNATIVE))


def _nothing_else_was_asked(transcript: Transcript) -> bool:
    """Whether every turn so far began with the same words, before which nothing was said."""
    said = [key for key in transcript.digests(0) if key not in transcript.systems]
    asked = transcript.key(transcript.turn_user or 0)
    return said[:1] == [asked] and said.count(said[0]) == transcript.turn


def _asks_another(transcript: Transcript, keyed: list[Keyed]) -> bool:
    """Whether a prompt has none of the agent's system prompts but one of its own (a title, say)."""
    systems = [key for draft, key in keyed if draft.role is SYSTEM]
    return bool(systems) and bool(transcript.systems) and transcript.systems.keys().isdisjoint(systems)
