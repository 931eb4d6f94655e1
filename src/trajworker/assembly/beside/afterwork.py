"""Traces that only work on what was said: a title for the chat, what to remember of it. Nobody speaks in them."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from trajworker.assembly.dialogues.groups import system_of
from trajworker.assembly.kept.context import Past
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.naming import is_id
from trajworker.assembly.reading.quotes import NOTHING_MADE
from trajworker.assembly.reading.roots import texts_given
from trajworker.assembly.reading.trace import Trace
from trajworker.assembly.reading.words import is_phrase
from trajworker.assembly.telling.transcript import Transcript
from trajworker.dialects import words_digest
from trajworker.model.message import ASSISTANT, SYSTEM, USER
from trajworker.model.run import SUCCESS


def is_afterwork(trace: Trace, calls: Sequence[Call], past: Past) -> bool:
    """Whether a trace was given what was said last and nothing new: the last question and its answer, or that alone."""
    before = past.context
    if not calls or trace.tools or before.turn_user is None or before.answer is None or before.interrupted:
        return False
    given, answer = _given_to_silent(trace, before.root), past.key(before.answer)
    return any(words_digest(ASSISTANT, text) == answer for text in given) and _adds_nothing(trace, calls, past, given)


def _adds_nothing(trace: Trace, calls: Sequence[Call], past: Past, given: list[str]) -> bool:
    """Whether nobody speaks in a trace whose root was given the last answer among these texts.

    Whoever works on the dialogue itself (suggests what to ask next) says so behind it, in a message of its own, and
    its root is called otherwise than the one in which somebody spoke.
    """
    transcript = Transcript(past, [], NOTHING_MADE)
    known = transcript.told | transcript.systems.keys()
    said = {text: keys for text in given if not known.isdisjoint(keys := _keys(text))}
    if _brings_more([text for text in given if text not in said], calls):
        return False
    repeats = any(key in known for call in calls for key in call.digests())
    question, answer = (past.key(place) for place in (past.context.turn_user, past.context.answer) if place is not None)
    if not repeats and any(question in keys for keys in said.values()):
        return True
    *_, last = said
    if answer not in said[last] or trace.root_name == past.context.root:
        return False
    agents = [call for call in calls if not _is_of_another(call, transcript.systems.keys())]
    goes_on = repeats and not all(_asks_anew(call, known, last) for call in agents)
    is_chance = bool(agents) and len(said) == 1 and not is_phrase(last)  # somebody may say the same word to the agent
    return not goes_on and not is_chance


def _brings_more(new: list[str], calls: Sequence[Call]) -> bool:
    """Whether of texts that nobody said before one is more than an id, or was told to a model."""
    told = [draft.content or "" for call in calls for draft in call.read()]
    return not all(map(is_id, new)) or any(text in content for content in told for text in new)


def _is_of_another(call: Call, agents: AbstractSet[bytes]) -> bool:
    """Whether a call was given system prompts, and none of the agent's."""
    prompts = system_of(call)
    return bool(prompts) and agents.isdisjoint(prompts)


def _given_to_silent(trace: Trace, spoke: str) -> list[str]:
    """The texts that a root that succeeded was given, in order; none where a user surely speaks.

    `spoke` names the root in which somebody did last.
    """
    root, run = trace.root, trace.root_run
    if root is None or run is None or run.status is not SUCCESS or root.words or root.resumes:
        return []
    if run.name == spoke and len(root.texts) < 2 and b"[" not in bytes(run.inputs):  # noqa: PLR2004 - what a user says
        return []
    return texts_given(run)


def _asks_anew(call: Call, known: AbstractSet[bytes], said: str) -> bool:
    """Whether a prompt has a message behind all others that nobody said before."""
    last = call.read()[-1] if call.read() else None
    if last is None or last.role is not USER or last.text == said:
        return False  # who says what the agent said speaks to it
    return call.digests()[-1] not in known


def _keys(text: str) -> set[bytes]:
    """By what a text is known, whoever said it."""
    return {words_digest(role, text) for role in (USER, ASSISTANT, SYSTEM)}
