"""Traces of one call that only work on the dialogue: told by what they quote, and by later prompts that leave them out.

Apps name a chat, tag it or choose a route in traces of their own, on the same thread, and a job that a pool runs once
its root has ended is recorded so. Such a call is asked without the history, of another agent, about what was said; the
agent's next prompt goes on from the answer before it.
"""

import re

from trajworker.assembly.calls import Call
from trajworker.assembly.context import KEPT
from trajworker.assembly.folds import Fold
from trajworker.assembly.groups import system_of
from trajworker.assembly.guards import OPENING
from trajworker.assembly.naming import is_id
from trajworker.assembly.roots import texts_given
from trajworker.assembly.standing import Standing, set_beside
from trajworker.assembly.trace import Trace
from trajworker.assembly.words import is_phrase, is_rewording
from trajworker.dialects import Draft
from trajworker.model.message import Message, Role
from trajworker.trajectory.codec import message_of

_CLOSING = re.compile(r"[^\w<]*(?:</?\w+>[^\w<]*)*")
"""What may stand behind a quoted dialogue and says nothing: quotes, brackets, tags."""


def left_out(standing: Standing, trace: Trace) -> int:
    """How many of the last folds, each of a call that stood apart, a trace's prompts leave out."""
    apart = standing.context.apart
    if not apart:
        return int(len(standing.folds) == 1 and _only_prepared(standing, trace))
    for call in trace.calls:
        keys = set(call.digests())
        held = next((back for back in range(apart) if standing.answer(back) in keys), apart)
        if held and standing.answer(held) in keys and _are_about(standing, held, call):
            return held
    return 0


def _are_about(standing: Standing, count: int, call: Call) -> bool:
    """Whether the last calls were each asked about the words before them or behind them; else somebody spoke."""
    before = standing.folds[-count - 1].after
    said = [standing.message(place) for place in (before.turn_user, before.answer) if place is not None]
    words = [(one.content or "").strip() for one in said if one is not None]
    words += [(draft.content or "").strip() for draft in call.read() if draft.role is Role.USER][-1:]
    users = [fold.after.turn_user for fold in standing.folds[-count:]]
    asked = [standing.message(user) if user is not None else None for user in users]
    texts = [one.rendered or one.content or "" for one in asked if one is not None]
    return all(any(word and word in text for word in words) for text in texts)


def _only_prepared(standing: Standing, trace: Trace) -> bool:
    """Whether the first trace was given the first words to do something else with them: a title, a check.

    Another function then asks another agent to answer the same words.
    """
    first = standing.folds[0]
    before, user = first.after, first.after.turn_user
    if trace.root is None or before.bare or trace.root_name == before.root or user is None or not trace.calls:
        return False
    prompt, question = trace.calls[0].read(), standing.message(user)
    said = [draft.content for draft in prompt if draft.role is not Role.SYSTEM]
    if len(first.steps) != 1 or question is None or said != [question.content]:
        return False
    prompts = [draft.content or "" for draft in prompt if draft.role is Role.SYSTEM]
    told = [message.content or "" for one in first.messages if (message := message_of(one)).role is Role.SYSTEM]
    return bool(prompts) and not any(one == other or is_rewording(one, other) for one in prompts for other in told)


def placed(standing: Standing, trace: Trace, fold: Fold) -> Fold:
    """The next fold: beside the dialogue if it asks about the last answer, else marked where it stands apart."""
    before, asked = standing.context, _asks_alone(trace)
    beside = fold.entries[-1].beside
    if asked is not None and before.answer is not None and not beside:
        otherwise = _asked_otherwise(standing, trace.calls[0])
        if _is_about_last(standing, trace, asked, otherwise=otherwise):
            fold, beside = set_beside(fold, before), True
        elif otherwise and before.apart < KEPT:
            fold.after.apart = before.apart + 1
    if beside and before.apart:
        fold.after.apart = before.apart + 1
    return fold


def _is_about_last(standing: Standing, trace: Trace, asked: Draft, *, otherwise: bool) -> bool:
    """Whether a trace asks, without history, about the last question and its answer, which it quotes."""
    before = standing.context
    if before.turn_user is None or before.answer is None:
        return False
    question, answer = standing.message(before.turn_user), standing.message(before.answer)
    if question is None or answer is None or not question.content or not answer.content:
        return False
    return _quotes_last(trace, question, answer) and (otherwise or _ends_with_quote(asked, question, answer))


def _asked_otherwise(standing: Standing, call: Call) -> bool:
    """Whether a call has none of the system prompts that the agent was asked with before."""
    view = standing.folds[len(standing.folds) - 1 - standing.context.apart].after.view
    systems, prompts = standing.known.systems, system_of(call)
    if not prompts:
        return bool(view) and view[0][0] >= 0 and standing.key(view[0][0]) in systems
    places = [systems[key] for key in prompts if key in systems]
    return not any(low <= place < high for place in places for low, high in view)


def _asks_alone(trace: Trace) -> Draft | None:
    """What a trace's one call was asked, where that was read whole and is one message of a user's; else None."""
    if len(trace.calls) != 1 or trace.tools or not trace.calls[0].key or trace.calls[0].drafts is None:
        return None  # what goes on from the last prompt byte for byte was not read whole
    drafts = [draft for draft in trace.calls[0].drafts if draft.role is not Role.SYSTEM]
    return drafts[0] if len(drafts) == 1 and drafts[0].role is Role.USER else None


def _quotes_last(trace: Trace, question: Message, answer: Message) -> bool:
    """Whether what a trace's call was asked holds the last question and its answer behind it, and its root no more."""
    asked = trace.calls[0].read()[-1].content or ""
    said = (question.content or "").strip(), (answer.content or "").strip()
    place = asked.find(said[0])
    if place < 0 or asked.find(said[1], place + len(said[0])) < 0:
        return False
    run = trace.root_run
    given = texts_given(run) if run is not None and trace.root is not None else []
    return all(text in asked or is_id(text) for text in given)


def _ends_with_quote(asked: Draft, question: Message, answer: Message) -> bool:
    """Whether nothing is said behind the last answer, in a message that begins otherwise than the question did."""
    text, before = asked.content or "", question.rendered or question.content or ""
    told = (answer.content or "").strip()
    if not is_phrase(told) or text[:OPENING] == before[:OPENING]:
        return False
    return _CLOSING.fullmatch(text[text.rfind(told) + len(told) :]) is not None
