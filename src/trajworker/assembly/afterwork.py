"""Traces that only work on what was said: a title for the chat, what to remember of it. Nobody speaks in them."""

import re
from collections.abc import Sequence

from trajworker.assembly.calls import Call
from trajworker.assembly.context import Past
from trajworker.assembly.memory import Memory
from trajworker.assembly.roots import texts_given
from trajworker.assembly.trace import Trace
from trajworker.assembly.words import Quotes
from trajworker.dialects import Draft, digest
from trajworker.dialects.vocabulary import role_of
from trajworker.model.message import Role
from trajworker.model.run import RunStatus

_ID = re.compile(r"[\w.:/-]*\d[\w.:/-]*", re.ASCII)
"""What may stand beside the question and its answer and is nobody's word: ids, models, figures."""


def is_afterwork(trace: Trace, calls: Sequence[Call], past: Past) -> bool:
    """Whether a trace was given the last question, its answer and nothing else, and no call repeats the dialogue."""
    if not calls or trace.tools or not _is_given_more_than_words(trace):
        return False
    if past.context.turn_user is None or past.context.answer is None or past.context.interrupted:
        return False
    memory = Memory(past, [], Quotes())
    given = {text for text in texts_given(trace.root_run) if role_of(text) is None} if trace.root_run else set()
    keys = {text: [_key(role, text) for role in (Role.USER, Role.ASSISTANT)] for text in given}
    told = {key for pair in keys.values() for key in pair}
    if not {memory.key(past.context.turn_user), memory.key(past.context.answer)} <= told:
        return False
    known = memory.told
    new = [text for text, pair in keys.items() if known.isdisjoint(pair)]
    if not all(map(_ID.fullmatch, new)):
        return False
    drafts = (pair for call in calls for pair in zip(call.read(), call.digests(), strict=True))
    return not any(key in known or any(text in (draft.content or "") for text in new) for draft, key in drafts)


def _is_given_more_than_words(trace: Trace) -> bool:
    """Whether a root that succeeded was given several texts or a list, and no user's message at the end of that."""
    root, run = trace.root, trace.root_run
    if root is None or run is None or run.status is not RunStatus.SUCCESS or root.words or root.resumes:
        return False
    return len(root.texts) > 1 or b"[" in bytes(run.inputs)


def _key(role: Role, text: str) -> bytes:
    return digest(Draft(role=role, content=text))
