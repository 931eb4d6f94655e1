"""Traces of one call that only work on the dialogue: told by what they quote, and by later prompts that leave them out.

Apps name a chat, tag it or choose a route in traces of their own, on the same thread, and a job that a pool runs once
its root has ended is recorded so. Such a call is asked without the history, of another agent, about what was said; the
agent's next prompt goes on from the answer before it.
"""

import re
from collections.abc import Sequence

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
from trajworker.dialects import Draft, digest
from trajworker.model.message import Message, Role
from trajworker.trajectory.codec import message_of

_CLOSING = re.compile(r"[^\w<]*(?:</?\w+>[^\w<]*)*")
"""What may stand behind a quoted dialogue and says nothing: quotes, brackets, tags."""


def left_out(standing: Standing, trace: Trace) -> int:
    """How many of the last folds, each of a call that stood apart, a trace's prompts leave out."""
    apart = standing.context.apart
    if not apart:
        return int(len(standing.folds) == 1 and _only_prepared(standing, trace))
    told = {key for call in trace.calls for key in call.digests()}
    held = next((back for back in range(apart) if standing.answer(back) in told), apart)
    if not held or standing.answer(held) not in told:
        return 0
    asked = [pair for call in trace.calls for pair in zip(call.read(), call.digests(), strict=True)]
    users = [pair for pair in asked if pair[0].role is Role.USER]
    return held if users and _are_about(standing, held, *users[-1]) else 0


def _are_about(standing: Standing, count: int, following: Draft, key: bytes) -> bool:
    """Whether the last calls were each asked about the words before them or those that follow; else somebody spoke."""
    before, last = standing.folds[-count - 1].after, standing.folds[-count:]
    said = [standing.message(place) for place in (before.turn_user, before.answer) if place is not None]
    exchange = [(one.content or "").strip() for one in said if one is not None]
    users = [fold.after.turn_user for fold in last]
    asked = [standing.message(user) if user is not None else None for user in users]
    texts = [one.rendered or one.content or "" for one in asked if one is not None]
    if any(given != key for fold in last for given in fold.after.given):
        return False
    words = [*exchange, (following.content or "").strip()]
    return all(_holds_both(text, exchange) or any(_quotes(text, word) for word in words) for text in texts)


def _quotes(text: str, word: str) -> bool:
    """Whether a text is somebody's word, or has one in it that is more than a word."""
    return bool(word) and (text.strip() == word or (is_phrase(word) and word in text))


def _holds_both(text: str, exchange: list[str]) -> bool:
    """Whether a text holds a question and behind it its answer, however short, each as words of their own."""
    if len(exchange) < 2 or not all(exchange):  # noqa: PLR2004 - a question and its answer
        return False
    return (
        re.search(rf"(?<!\w){re.escape(exchange[0])}(?!\w)(?s:.)*(?<!\w){re.escape(exchange[1])}(?!\w)", text)
        is not None
    )


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
    if question is None or said != [question.content] or not _is_plain(first):
        return False
    prompts = [draft.content or "" for draft in prompt if draft.role is Role.SYSTEM]
    told = [message.content or "" for one in first.messages if (message := message_of(one)).role is Role.SYSTEM]
    return bool(prompts) and not _are_reworded(prompts, told)


def _is_plain(fold: Fold) -> bool:
    """Whether a trace is a question and its answer and nothing else."""
    roles = [message_of(one).role for one in fold.messages]
    spoken = [role for role in roles if role is not Role.SYSTEM]
    return spoken == [Role.USER, Role.ASSISTANT] and len(fold.steps) == 1 and not (fold.nested or fold.retrieved)


def _are_reworded(prompts: Sequence[str], others: Sequence[str]) -> bool:
    """Whether a system prompt is another one in other words: it tells the time, or what was found."""
    return any(one == other or is_rewording(one, other) for one in prompts for other in others)


def placed(standing: Standing, trace: Trace, fold: Fold) -> Fold:
    """The next fold: beside the dialogue if it asks about the last answer, else marked where it stands apart."""
    before, asked = standing.context, _asks_alone(trace)
    beside = fold.entries[-1].beside
    if asked is not None and before.answer is not None and not beside:
        otherwise = _asked_otherwise(standing, trace.calls[0])
        if _is_about_last(standing, trace, asked, otherwise=otherwise):
            fold, beside = set_beside(fold, before), True
        elif otherwise and before.apart < KEPT:
            fold.after.apart, fold.after.given = before.apart + 1, _given_besides(standing, trace)
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
    if not _quotes_last(trace, question, answer) or not _ends_with(asked, answer):
        return False
    begins = question.rendered or question.content
    return otherwise or (is_phrase(answer.content.strip()) and (asked.content or "")[:OPENING] != begins[:OPENING])


def _given_besides(standing: Standing, trace: Trace) -> list[bytes]:
    """Digests of what a root was given as a user's words, beside ids and what holds the last question or answer."""
    before, run = standing.context, trace.root_run
    given = texts_given(run) if run is not None and trace.root is not None else []
    said = [standing.message(place) for place in (before.turn_user, before.answer) if place is not None]
    words = [one.content.strip() for one in said if one is not None and one.content]
    besides = [text for text in given if not is_id(text) and not any(_quotes(text, word) for word in words)]
    return [digest(Draft(role=Role.USER, content=text)) for text in besides]


def _asked_otherwise(standing: Standing, call: Call) -> bool:
    """Whether a call has none of the system prompts that the agent was asked with before, nor one in other words."""
    view = standing.folds[len(standing.folds) - 1 - standing.context.apart].after.view
    systems, prompts = standing.known.systems, system_of(call)
    if not prompts:
        return bool(view) and view[0][0] >= 0 and standing.key(view[0][0]) in systems
    places = [systems[key] for key in prompts if key in systems]
    if any(low <= place < high for place in places for low, high in view):
        return False
    first = standing.message(view[0][0]) if view and view[0][0] >= 0 else None
    if first is None or first.role is not Role.SYSTEM:
        return True
    texts = [draft.content or "" for draft in call.read() if draft.role is Role.SYSTEM]
    return not _are_reworded(texts, [first.content or ""])


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


def _ends_with(asked: Draft, answer: Message) -> bool:
    """Whether nothing is said behind the last answer."""
    text, told = asked.content or "", (answer.content or "").strip()
    return _CLOSING.fullmatch(text[text.rfind(told) + len(told) :]) is not None
