"""Traces of one call that only work on the dialogue: told by what they quote, and by later prompts that leave them out.

Apps name a chat, tag it or choose a route in traces of their own, on the same thread, and a job that a pool runs once
its root has ended is recorded so. Such a call is asked without the history, of another agent, about what was said; the
agent's next prompt goes on from the answer before it.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from trajworker.assembly.beside.standing import Standing, last_exchange, set_beside
from trajworker.assembly.dialogues.groups import system_of
from trajworker.assembly.dialogues.guards import OPENING
from trajworker.assembly.kept.context import KEPT
from trajworker.assembly.kept.folds import Fold
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.likeness import is_rewording
from trajworker.assembly.reading.naming import is_id
from trajworker.assembly.reading.roots import texts_given
from trajworker.assembly.reading.trace import Trace
from trajworker.assembly.reading.words import is_phrase, quotes
from trajworker.dialects import Draft, words_digest
from trajworker.model.message import ASSISTANT, SYSTEM, USER, Message
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
    asked = [pair for call in trace.calls for pair in zip(call.read(), call.digests(), strict=True)] if held else []
    users = [pair for pair in asked if pair[0].role is USER]
    if not users:
        return 0
    if standing.answer(held) not in told:
        return standing.repeats() if users[-1][1] != standing.question() else 0
    return held if _are_about(standing, held, *users[-1]) else 0


def goes_on_before(standing: Standing, trace: Trace) -> bool:
    """Whether a trace goes on from the answer of the first one, which was withdrawn as if it prepared the next.

    What stands since then only worked on that first turn: a title for it is asked for in the same words.
    """
    first = standing.prepared
    if first is None or not all(fold.after.apart or fold.entries[-1].beside for fold in standing.folds[1:]):
        return False
    told, given = [key for call in trace.calls for key in call.digests()], pairwise(_given(trace))
    pairs = [*pairwise(told), *((words_digest(USER, one), words_digest(ASSISTANT, two)) for one, two in given)]
    exchange = last_exchange(first)
    return exchange is not None and exchange in pairs and not standing.tells(set(told).difference(exchange))


def _are_about(standing: Standing, count: int, following: Draft, key: bytes) -> bool:
    """Whether the last calls were each asked about the words before them or those that follow; else somebody spoke."""
    last = standing.folds[-count:]
    if any(given != key for fold in last for given in fold.after.given):
        return False
    users = [fold.after.turn_user for fold in last]
    asked = [message for user in users if user is not None and (message := standing.message(user)) is not None]
    exchange = _words(standing.exchange(standing.folds[-count - 1].after))
    return all(_is_about(one, exchange, following) for one in asked)


def _is_about(asked: Message, exchange: list[str], following: Draft) -> bool:
    """Whether a call was asked about the last question, its answer, or the words that follow."""
    (said,), words = _words([asked]), [*exchange, following.text]
    if said and said in words:
        return True  # a template may stand around them, and a single word is not looked for in that
    text = asked.rendered or said
    return _holds_both(text, exchange) or any(quotes(text, word) for word in words)


def _words(said: Sequence[Message]) -> list[str]:
    return [(message.content or "").strip() for message in said]


def _holds_both(text: str, exchange: list[str]) -> bool:
    """Whether a text holds a question and behind it its answer, however short, each as words of their own."""
    if len(exchange) < 2 or not all(exchange):  # noqa: PLR2004 - a question and its answer
        return False
    question, answer = (re.compile(rf"(?<!\w){re.escape(word)}(?!\w)") for word in exchange)
    found = question.search(text)
    return found is not None and answer.search(text, found.end()) is not None


def _only_prepared(standing: Standing, trace: Trace) -> bool:
    """Whether the first trace was given the first words to do something else with them: a title, a check.

    Another function then asks another agent to answer the same words.
    """
    first = standing.folds[0]
    before, user = first.after, first.after.turn_user
    if trace.root is None or before.bare or trace.root_name == before.root or user is None or not trace.calls:
        return False
    prompt, question = trace.calls[0].read(), standing.message(user)
    said = [draft.content for draft in prompt if draft.role is not SYSTEM]
    if question is None or said != [question.content] or not _is_plain(first):
        return False
    prompts = [draft.content or "" for draft in prompt if draft.role is SYSTEM]
    told = [message.content or "" for one in first.messages if (message := message_of(one)).role is SYSTEM]
    return bool(prompts) and not _are_reworded(prompts, told)


def _is_plain(fold: Fold) -> bool:
    """Whether a trace is a question and its answer and nothing else."""
    roles = [message_of(one).role for one in fold.messages]
    spoken = [role for role in roles if role is not SYSTEM]
    return spoken == [USER, ASSISTANT] and len(fold.steps) == 1 and not (fold.nested or fold.retrieved)


def _are_reworded(prompts: Sequence[str], others: Sequence[str]) -> bool:
    """Whether a system prompt is another one in other words: it tells the time, or what was found."""
    return any(one == other or is_rewording(one, other) for one in prompts for other in others)


def placed(standing: Standing, trace: Trace, fold: Fold) -> Fold:
    """The next fold: beside the dialogue if it asks about the last answer, else marked where it stands apart."""
    before, asked = standing.context, _asks_alone(trace)
    beside = fold.entries[-1].beside
    if asked is not None and before.answer is not None and not beside:
        otherwise = _asked_otherwise(standing, trace.calls[0])
        exchange = standing.exchange(before)
        if _is_about_last(trace, asked, exchange, otherwise=otherwise):
            standing.seal()
            fold, beside = set_beside(fold, before), True
        elif otherwise and before.apart < KEPT:
            fold.after.apart, fold.after.given = before.apart + 1, _given_besides(trace, exchange)
    if beside and before.apart:
        fold.after.apart = before.apart + 1
    if fold.after.apart:
        standing.seal()  # a later trace may come back to what was said before
    return fold


def _is_about_last(trace: Trace, asked: Draft, exchange: Sequence[Message], *, otherwise: bool) -> bool:
    """Whether a trace asks, without history, about the last question and its answer, which it quotes."""
    if len(exchange) < 2 or not all(message.content for message in exchange):  # noqa: PLR2004 - question and answer
        return False
    question, answer = _words(exchange)
    text = asked.content or ""
    if not _quotes_last(trace, text, question, answer) or not _ends_with(text, answer):
        return False
    begins = exchange[0].rendered or exchange[0].content or ""
    if otherwise or system_of(trace.calls[0]):  # who has the agent's system prompt is the agent
        return otherwise
    return is_phrase(answer) and text[:OPENING] != begins[:OPENING]


def _given(trace: Trace) -> list[str]:
    """The texts that a root around the calls of a trace was given."""
    return texts_given(trace.root_run) if trace.root_run is not None and trace.root is not None else []


def _given_besides(trace: Trace, exchange: Sequence[Message]) -> list[bytes]:
    """Digests of what a root was given as a user's words, beside ids and what holds the last question or answer."""
    words = _words(exchange)
    besides = [text for text in _given(trace) if not is_id(text) and not any(quotes(text, word) for word in words)]
    return [words_digest(USER, text) for text in besides]


def _asked_otherwise(standing: Standing, call: Call) -> bool:
    """Whether a call has none of the system prompts that the agent was asked with before, nor one in other words."""
    view = standing.folds[len(standing.folds) - 1 - standing.context.apart].after.view
    systems, prompts, first = standing.known.systems, system_of(call), standing.head(view)
    if not prompts:
        return first is not None and first.role is SYSTEM
    places = [systems[key] for key in prompts if key in systems]
    if any(low <= place < high for place in places for low, high in view):
        return False
    if first is None or first.role is not SYSTEM:
        return True
    texts = [draft.content or "" for draft in call.read() if draft.role is SYSTEM]
    return not _are_reworded(texts, [first.content or ""])


def _asks_alone(trace: Trace) -> Draft | None:
    """What a trace's one call was asked, where that was read whole and is one message of a user's; else None."""
    if len(trace.calls) != 1 or trace.tools or not trace.calls[0].key or trace.calls[0].drafts is None:
        return None  # what goes on from the last prompt byte for byte was not read whole
    drafts = [draft for draft in trace.calls[0].drafts if draft.role is not SYSTEM]
    return drafts[0] if len(drafts) == 1 and drafts[0].role is USER else None


def _quotes_last(trace: Trace, asked: str, question: str, answer: str) -> bool:
    """Whether what a trace's call was asked holds the last question and its answer behind it, and its root no more."""
    place = asked.find(question)
    if place < 0 or asked.find(answer, place + len(question)) < 0:
        return False
    return all(text in asked or is_id(text) for text in _given(trace))


def _ends_with(asked: str, answer: str) -> bool:
    """Whether nothing is said behind the last answer."""
    return _CLOSING.fullmatch(asked[asked.rfind(answer) + len(answer) :]) is not None
