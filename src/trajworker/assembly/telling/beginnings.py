"""Whether a trace begins a turn, or goes on with the one before."""

from trajworker.assembly.dialogues.finals import text_without_call
from trajworker.assembly.kept.context import Context
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.naming import SPOKEN, WORDS
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.trace import Trace
from trajworker.assembly.reading.words import Opening, is_named, is_prefilled, root_drafts
from trajworker.assembly.telling.alignment import behind_prefix, is_last_answer, repeats_unanswered
from trajworker.assembly.telling.late import without_own
from trajworker.assembly.telling.transcript import Transcript
from trajworker.dialects import Draft, digest
from trajworker.model.message import SYSTEM, TOOL, USER
from trajworker.model.run import SUCCESS


def begins_turn(call: Call, opening: Opening, transcript: Transcript) -> bool:
    """Whether the call is the first answer to something that a user said."""
    root = opening.root
    if root is not None and root.resumes:
        return _is_rewritten(call, root, transcript)
    if root is None and transcript.before.bare and repeats_unanswered(transcript, call):
        return False
    return _asks(call, opening, transcript)


def is_heard(trace: Trace, before: Context) -> bool:
    """Whether a trace without calls of the agent's own is about what somebody said: a rating is not."""
    root, run = trace.root, trace.root_run
    if root is None or run is None or root.words or root.trailing or trace.calls or not before.total:
        return True
    if not root.texts.keys().isdisjoint(WORDS) or run.status is not SUCCESS:
        return True
    if any(" " in draft.text for draft in root_drafts(root)):
        return True
    return text_without_call(run, root) is not None


def _asks(call: Call, opening: Opening, transcript: Transcript) -> bool:
    """Whether a prompt ends with what a user said, or with what an app put behind that."""
    told = without_own(transcript, call, opening, behind_prefix(transcript, call) or None)
    if is_prefilled(told) and not is_last_answer(transcript, told[-1]):
        return is_named(told[-2], opening) or not transcript.knows(digest(told[-2]))
    for draft in reversed(told):
        if draft.role is SYSTEM or (transcript.answer_ids and draft.says_nothing):
            continue
        return draft.role is USER or _asks_above(told, opening, transcript) or _lets_pass(told, opening, transcript)
    return all(draft.role is SYSTEM for draft in told)  # what is empty behind a call is its result, which was lost


def _asks_above(told: list[Draft], opening: Opening, transcript: Transcript) -> bool:
    """Whether an app put a call or words of its own behind the user's new message, which the root was given too.

    New is what nobody said before, or whatever stands behind the last answer.
    """
    named = [place for place, draft in enumerate(told) if draft.role is USER and is_named(draft, opening)]
    if not named:
        return False
    newest = reversed(range(len(told)))
    answered = next((place for place in newest if is_last_answer(transcript, told[place])), len(told))
    return named[-1] > answered or any(not transcript.knows(digest(told[place])) for place in named)


def _lets_pass(told: list[Draft], opening: Opening, transcript: Transcript) -> bool:
    """Whether only the root tells what the user said, after which a tool ran that the answer before had asked for."""
    root = opening.root
    if root is None or told[-1].role is not TOOL or transcript.before.interrupted:
        return False
    if root.words or root.texts.keys().isdisjoint(SPOKEN) or any(is_named(draft, opening) for draft in told):
        return False
    said = root_drafts(root)
    asked = transcript.turn_user
    if len(said) != 1 or asked is None:
        return False
    key = digest(said[0])
    return key != transcript.key(asked) and asked not in transcript.reworded(key)


def _is_rewritten(call: Call, root: Root, transcript: Transcript) -> bool:
    """Whether a graph goes on from a state in which the user's last message was put in other words."""
    if transcript.before.interrupted or root.by_human:
        return False
    drafts, keys = call.read(), call.digests()
    if not drafts or drafts[-1].role is not USER or transcript.knows(keys[-1]):
        return False
    return transcript.told.issuperset(keys[:-1])
