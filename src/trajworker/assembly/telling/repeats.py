"""Which known messages a prompt repeats, where it does not begin with the one before it byte for byte."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from trajworker.assembly.kept.context import expand
from trajworker.assembly.telling.transcript import Transcript
from trajworker.dialects import Draft
from trajworker.model.message import SYSTEM, TOOL, USER

WINDOW = 512
"""Messages, newest first, among which a prompt's are looked for; among all of them only where that is not enough."""


def repeated_by(transcript: Transcript, keyed: Sequence[tuple[Draft, bytes]]) -> list[int | None]:
    """For each message of a prompt, with its digest, the one that it repeats, in order; the newest of equal ones."""
    wanted = _as_shown(transcript, keyed)
    head = next((place for place, (draft, _) in enumerate(keyed) if draft.role is not SYSTEM), len(keyed))
    systems = [transcript.systems.get(key) for key in wanted[:head]]
    found = [*systems, *_found(transcript, wanted[head:])]
    for place in range(len(keyed) - 1, -1, -1):
        if keyed[place][0].role is not TOOL:
            break
        if _is_new(transcript, keyed[place][0], found[place]):
            found[place] = None
    return found


def _is_new(transcript: Transcript, draft: Draft, reference: int | None) -> bool:
    """Whether a result names a call of the last answer, while what it seems to repeat was told before that answer."""
    told = draft.tool_response
    if reference is None or reference < 0 or transcript.answer is None or told is None:
        return False
    return told.id in transcript.answer_ids and reference < transcript.answer


def _as_shown(transcript: Transcript, keyed: Sequence[tuple[Draft, bytes]]) -> list[bytes]:
    """Digests of a prompt's messages; where one repeats a user's own words, of what the model was first shown."""
    wanted = [key for _, key in keyed]
    left: dict[bytes, list[int]] = {}
    for place in range(len(wanted) - 1, -1, -1):
        key = wanted[place]
        if keyed[place][0].role is USER:
            references = left[key] if key in left else left.setdefault(key, transcript.reworded(key))
            if references:
                wanted[place] = transcript.key(references.pop()) or key
    return wanted


def _found(transcript: Transcript, wanted: list[bytes]) -> list[int | None]:
    """What digests stand for: the last prompt gone on with, else the last messages, else any, the newest first."""
    going_on = _going_on(_thread(transcript), wanted)
    if going_on is not None:
        return going_on
    recent = _recent(transcript, len(wanted))
    if [key for _, key in recent] == wanted:
        return [reference for reference, _ in recent]
    first = max(0, transcript.total - WINDOW)
    found = _searched(transcript, wanted, first)
    missing = (key for key, reference in zip(wanted, found, strict=True) if reference is None)
    return _searched(transcript, wanted, 0) if first and any(map(transcript.past.may_hold, missing)) else found


def _going_on(thread: list[tuple[int, bytes]], wanted: list[bytes]) -> list[int | None] | None:
    """What a thread and digests have in common, where one of them begins with the other whole; else None."""
    shared = min(len(thread), len(wanted))
    if (wanted and not thread) or [key for _, key in thread[:shared]] != wanted[:shared]:
        return None
    return [*(reference for reference, _ in thread[:shared]), *[None] * (len(wanted) - shared)]


def _thread(transcript: Transcript) -> list[tuple[int, bytes]]:
    """What a prompt that goes on with the last one begins with: its view, its answer, and what came behind."""
    references = [ref for ref in expand(transcript.view) if ref < 0 or transcript.key(ref) not in transcript.systems]
    references += range(behind_view(transcript) if transcript.answer is None else transcript.answer, transcript.total)
    asides = {-1 - index: key for key, index in transcript.aside_keys.items()}
    thread = []
    for ref in references:
        known = asides.get(ref) if ref < 0 else transcript.key(ref)
        if known is None:
            return []
        thread.append((ref, known))
    return thread


def behind_view(transcript: Transcript) -> int:
    """What follows the last prompt where no call answered it: the app may have, in words of its own."""
    return transcript.view[-1][1] if transcript.view and transcript.view[-1][1] > 0 else transcript.total


def _recent(transcript: Transcript, count: int) -> list[tuple[int, bytes]]:
    """The last messages but for system prompts, of which there may be one beside each."""
    start = max(0, transcript.total - 2 * count)
    said = [pair for pair in enumerate(transcript.digests(start), start) if pair[1] not in transcript.systems]
    return said[-count:] if count else []


def _searched(transcript: Transcript, wanted: list[bytes], first: int) -> list[int | None]:
    """What digests stand for among the messages from `first` on, as much as possible in order; else an aside."""
    known = transcript.digests(first)[::-1]
    found: list[int | None] = [None] * len(wanted)
    for block in SequenceMatcher(None, known, wanted[::-1], autojunk=False).get_matching_blocks():
        for step in range(block.size):
            found[len(wanted) - 1 - (block.b + step)] = transcript.total - 1 - (block.a + step)
    for index, key in enumerate(wanted):
        if found[index] is None and key in transcript.aside_keys:
            found[index] = -1 - transcript.aside_keys[key]
    return found
