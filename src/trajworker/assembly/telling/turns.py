"""Where a turn begins in a message list: the user's message in his own words, a word behind an answer, or no word."""

from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.words import (
    Opening,
    is_given,
    is_phrase,
    own_words,
    root_drafts,
    trailing_block,
    turn_user,
    words_inside,
)
from trajworker.assembly.telling.fresh import Keyed
from trajworker.assembly.telling.transcript import Transcript
from trajworker.dialects import Draft, digest
from trajworker.dialects.speech import RAW
from trajworker.model.message import ASSISTANT, SYSTEM, USER


def speaks_again(transcript: Transcript, call: Call, rest: list[Keyed], view: list[tuple[int, int]]) -> bool:
    """Whether the user speaks behind an answer that was the turn's last: a session, all of it in this trace."""
    if not rest or transcript.frame.session is None:
        return False
    answer = transcript.own(transcript.answer) if transcript.answer is not None else None
    asked = transcript.own(transcript.turn_user) if transcript.turn_user is not None else None
    if answer is None or asked is None:
        return False
    named = call.prompt.previous is not None or transcript.frame.session.reopens(call)
    goes_on = named or _ends_with_answer(transcript, view, answer)
    if not goes_on or answer.tool_calls or answer.finish_reason not in (None, "stop"):
        return False
    place = turn_user([draft for draft, _ in rest], None)
    draft = rest[place][0] if trailing_block(rest) == 0 and place < len(rest) else None
    if draft is None or transcript.quotes.quoted(draft) or transcript.quotes.judged(draft):
        return False
    if not transcript.frame.session.speaks(draft.content, asked.content):
        return False
    transcript.frame.session.breaks.append((transcript.steps[-1].call.run.end_time, call.run.start_time))
    transcript.answered = False
    return True


def add_user(transcript: Transcript, draft: Draft, key: bytes, opening: Opening | None, start: int) -> int:
    """The message that begins a turn, in the user's own words where a template stood between.

    The same prompt's messages begin at `start`: what users said in it right before belongs to the turn, or to those
    before of which nothing else is told.
    """
    transcript.turn += 1
    if RAW in draft.flags:
        draft.content = draft.content or words_inside(draft, opening)
    words = own_words(draft, opening, made=transcript.quotes.made(draft) or _is_handed_on(transcript, draft, opening))
    if words is not None:
        draft.rendered, draft.content, draft.blocks = draft.content or None, words, None
    for place in range(len(transcript.drafts) - 1, -1, -1):
        before = transcript.drafts[place]
        beside = before.role is USER and place >= start
        if not (beside or is_given(before, opening) or (before.role is SYSTEM and before.turn != 0)):
            break
        before.turn = transcript.turn
    if transcript.before.wordless and transcript.turn == transcript.before.entries + 1:
        _asked_in_vain(transcript, start)
    index = transcript.add(draft, key)
    if words is not None:
        transcript.spoken.setdefault(digest(draft), []).append(index)
    transcript.turn_user = index
    return index


def _is_handed_on(transcript: Transcript, draft: Draft, opening: Opening | None) -> bool:
    """Whether a message is, word for word, what a call beside the dialogue made of the root's words: a chain."""
    internal, root = transcript.frame.internal, opening.root if opening is not None else None
    if not internal or root is None or not root.words:
        return False
    text, words = draft.text, root.words
    if not is_phrase(text):
        return False
    prompts = [call.read() for call in internal if call.text == text]
    asked = [prompt[-1] for prompt in prompts if prompt]
    return any(one.role is USER and one.content == words[-1].content for one in asked)


def _asked_in_vain(transcript: Transcript, start: int) -> None:
    """Have questions of this turn be those of the wordless turns before it, in order: one for each of these."""
    if transcript.before.total and not transcript.reading.repeated:
        return  # a prompt without the history does not tell what was asked in it either
    mine = [place for place in range(start, len(transcript.drafts)) if transcript.drafts[place].turn == transcript.turn]
    asked = [place for place in mine if transcript.drafts[place].role is USER]
    for turn, last in zip(range(transcript.turn - transcript.before.wordless, transcript.turn), asked, strict=False):
        for place in mine:
            if transcript.drafts[place].turn == transcript.turn and place <= last:
                transcript.drafts[place].turn = turn


def begin_turn_without_words(transcript: Transcript, opening: Opening | None) -> None:
    """A turn whose user message no prompt tells: its words are the root's, if it has any."""
    transcript.turn += 1
    words = root_drafts(opening.root if opening is not None else None)
    for draft in words:
        key = digest(draft)
        if key not in transcript.keys:
            transcript.turn_user = transcript.add(draft, key)
            continue
        _begins_at(transcript, transcript.keys.index(key))  # the prompt goes on behind it: a sub-agent that was resumed
    if not words:
        asked = [place for place, draft in enumerate(transcript.drafts) if draft.role is USER]
        if asked:
            _begins_at(transcript, asked[-1])  # the calls before this one were never recorded


def _begins_at(transcript: Transcript, place: int) -> None:
    """Have the turn begin with a message of this trace that is told already."""
    transcript.turn_user = transcript.before.total + place
    for later in transcript.drafts[place:]:
        later.turn = transcript.turn


def open_without_calls(transcript: Transcript, asked: list[Draft], system: list[Draft]) -> None:
    """A turn of a trace that made no llm call: what was asked in it, and under which system prompts."""
    for draft in system:
        transcript.system(draft)
    transcript.turn += 1
    for draft in asked:
        transcript.turn_user = transcript.add(draft, digest(draft))


def _ends_with_answer(transcript: Transcript, view: list[tuple[int, int]], answer: Draft) -> bool:
    """Whether what a prompt repeats ends with the last answer, or with as much of it as the user let it say."""
    if not view or view[-1][0] >= 0:
        behind = range(view[-1][1], transcript.total) if view else ()
        return bool(view) and all(transcript.key(place) in transcript.systems for place in behind)
    place = -1 - view[-1][0] - transcript.before.asides
    cut = transcript.asides[place] if 0 <= place < len(transcript.asides) else None
    text = cut.text if cut is not None and cut.role is ASSISTANT else ""
    return bool(text) and (answer.content or "").startswith(text) and transcript.answer == transcript.total - 1
