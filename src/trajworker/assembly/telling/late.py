"""Cuts from a prompt what was added to its array after the call: JS clients serialise late what an app goes on with."""

from collections.abc import Sequence

from msgspec import Struct

from trajworker.assembly.kept.context import expand
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.words import Opening, is_named, quotes, said_by_root
from trajworker.assembly.telling.transcript import Transcript
from trajworker.dialects import Draft, digest
from trajworker.dialects.draft import words_digest
from trajworker.model.message import ASSISTANT, TOOL, USER


class Shown(Struct, gc=False):
    """A prompt, as much of it as was read.

    Args:
        call: whose prompt it is.
        opening: how it is to be read, if it is the first of its trace.
        drafts: its messages, or those behind its known beginning.
        known: that beginning, as ranges of references.
    """

    call: Call
    opening: Opening | None
    drafts: list[Draft]
    known: list[tuple[int, int]] = []

    def asked_before(self, place: int) -> int | None:
        """Where the user spoke last before a place."""
        return next((at for at in range(place - 1, -1, -1) if self.drafts[at].role is USER), None)

    def says_behind(self, place: int, opening: Opening) -> bool:
        """Whether the user says behind a place what the root was given.

        Who says the same twice may have been answered before in the same words, in a trace that was never recorded.
        """
        return any(_shows(one, opening) for one in self.drafts[place + 1 :] if one.role is USER)


def without_own(
    transcript: Transcript, call: Call, opening: Opening | None, rest: list[Draft] | None = None
) -> list[Draft]:
    """A prompt, or the `rest` of it behind its known beginning, up to its own answer."""
    drafts = call.read() if rest is None else rest
    looked, place = transcript.looked
    if looked is not drafts:
        places, place = _places(call, drafts), None
        if places:
            known = transcript.view if rest is not None else []
            place = _own_place(transcript, Shown(call=call, opening=opening, drafts=drafts, known=known), places)
        transcript.looked = drafts, place
    if place is None:
        return drafts
    transcript.reading.was_cut = True
    return drafts[:place]


def _own_place(transcript: Transcript, shown: Shown, places: Sequence[int]) -> int | None:
    """Which of the places that say what a call answered is its own answer's, which later turns may follow."""
    call, end = shown.call, len(shown.drafts) - 1
    if call.ids:
        if _is_answer(transcript, call.ids):
            return None
        return next((place for place in places if _tells_more(transcript, shown, place)), None)
    own = (place for place in places if _tells_more(transcript, shown, place))
    if shown.drafts[end].role is not ASSISTANT:
        return next((place for place in own if _is_own(transcript, shown, place)), None)
    return next((place for place in own if not _is_older(shown, place)), end if places[-1] == end else None)


def _is_own(transcript: Transcript, shown: Shown, place: int) -> bool:
    """Whether a message that says what the call answered is that answer, and no older one in the same words.

    It bears the answer's id, or stands behind what the call was asked: the user's message that the trace is about.
    """
    call, answer = shown.call, shown.call.answer.draft
    if call.key in transcript.quotes.apart:
        return False
    if answer is not None and answer.id is not None and shown.drafts[place].id == answer.id:
        return True
    asked = shown.asked_before(place)
    if shown.opening is not None and shown.says_behind(place, shown.opening):
        return False
    if asked is None:
        return _asked_again(transcript, shown)
    draft = shown.drafts[asked]
    if shown.opening is not None:
        return _shows(draft, shown.opening)
    return transcript.turn_user is not None and digest(draft) == transcript.key(transcript.turn_user)


def _asked_again(transcript: Transcript, shown: Shown) -> bool:
    """Whether a call is about the user's last message in the known beginning of its prompt."""
    asked = transcript.turn_user
    if asked is None or not any(start <= asked < stop for start, stop in shown.known):
        return False
    if shown.opening is None:
        return True
    return transcript.key(asked) in {words_digest(USER, text) for text in said_by_root(shown.opening)}


def _tells_more(transcript: Transcript, shown: Shown, place: int) -> bool:
    """Whether a prompt tells a message once more than it was said so far."""
    key = digest(shown.drafts[place])
    if key in transcript.aside_keys:
        return False
    said = sum(transcript.key(reference) == key for reference in range(transcript.total))
    if said and shown.known:
        said -= sum(transcript.key(reference) == key for reference in expand(shown.known) if reference >= 0)
    return sum(digest(draft) == key for draft in shown.drafts[:place]) >= said


def _is_answer(transcript: Transcript, ids: frozenset[str]) -> bool:
    """Whether these call ids were given before: weak providers count from one in each turn."""
    return bool(ids & set(transcript.answer_ids)) or any(
        ids & {call.id for call in draft.tool_calls or ()} for draft in transcript.drafts
    )


def _places(call: Call, drafts: list[Draft]) -> list[int]:
    """Where a prompt says what the call answered: its calls by their ids, else its words.

    Behind words the user speaks next, or the results of calls without ids come, unless the prompt ends with an answer.
    """
    answer, ids = call.answer.draft, call.ids
    if answer is None or not drafts:
        return []
    if ids:
        return [
            place for place, draft in enumerate(drafts)
            if draft.tool_calls and not ids.isdisjoint([one.id for one in draft.tool_calls])
        ]  # fmt: skip
    text = answer.text
    alike = [place for place, one in enumerate(drafts) if one.role is ASSISTANT and one.text == text]
    own = [place for place in alike if digest(drafts[place]) == call.key] if alike else alike
    if not own or drafts[-1].role is ASSISTANT:
        return own
    if not text and not answer.tool_calls:
        return []
    behind = TOOL if answer.tool_calls else USER
    return [place for place in own if drafts[place + 1].role is behind]


def _is_older(shown: Shown, place: int) -> bool:
    """Whether the user said behind a message what the root was given in plain words, and something else before it."""
    root = shown.opening.root if shown.opening is not None else None
    texts = {text.strip() for text in root.texts.values()} if root is not None else set()
    asked = shown.asked_before(place)
    if not texts or asked is None or shown.drafts[asked].text in texts:
        return False
    behind = (one for one in shown.drafts[place + 1 :] if one.role is USER)
    return any(one.text in texts for one in behind)


def _shows(draft: Draft, opening: Opening) -> bool:
    """Whether a user's message is what the root was given, be it in a template."""
    return is_named(draft, opening) or any(quotes(draft.content or "", one) for one in said_by_root(opening))
