"""Whether an app answered in words that no recorded model said: its own, behind guards, or an untraced model's."""

from typing import Any

from msgspec import Raw

from trajworker.assembly.dialogues.evidence import tellers
from trajworker.assembly.dialogues.groups import system_of
from trajworker.assembly.kept.context import Context
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.likeness import bare, is_label, is_rewording
from trajworker.assembly.reading.payloads import decoded
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.tool_runs import NOTHING_RAN
from trajworker.assembly.reading.words import is_phrase, root_drafts
from trajworker.dialects import words_digest
from trajworker.model.message import SYSTEM, TOOL, USER

OPENING = 24
"""Characters at the beginning of a prompt without system prompt by which others made of its template are known."""


def is_unheard(calls: list[Call], root: Root | None) -> bool:
    """Whether an app answered in words that none of these calls said."""
    if root is None or not calls:
        return False
    if root.trailing and _graph_speaks(calls, root):
        return True
    for call in calls:
        if call.ids:  # who calls tools works on an answer
            return False
    return _only_verdicts(calls, root) or _only_followed(calls, root)


def _graph_speaks(calls: list[Call], root: Root) -> bool:
    """Whether a graph answered in other words than any call's, or its one call only set a field to a single word."""
    heard = [call for call in calls if not call.failed]
    answers = root.turn_answers()
    if not answers and len(heard) == 1:
        word = heard[0].text
        return word is not None and " " not in word and not heard[0].ids and word in root.state().values()
    ids = {call.answer.draft.id for call in calls if call.answer.draft is not None}
    told = [draft.content.strip() for draft in answers if draft.content and not draft.tool_calls]
    if not told or len(told) < len(answers) or any(draft.id in ids for draft in answers):
        return False
    said = [said_by(call) for call in heard]
    if not said or not all(said) or any(_tells(one, text) for one in told for texts in said for text in texts):
        return False
    if any(call.ids for call in heard) and root.results():
        return False
    return not any(draft.role is TOOL for call in heard for draft in call.read())


def _only_verdicts(calls: list[Call], root: Root) -> bool:
    """Whether calls said a word each, be it in a field, that the answer has nothing of: who answered was not traced.

    A figure may be what the answer was made of, in words.
    """
    words: list[str] = []
    for call in calls:
        text = call.text
        if text is None or text.isdecimal() or not (is_label(text) or text.startswith(("{", "["))):
            return False
        words += words_in(text)
    told = _told(root)
    if told is None or any(call.text == told for call in calls):
        return False
    return not any(is_phrase(word) or bare(word) in bare(told) for word in words)


def _only_followed(calls: list[Call], root: Root) -> bool:
    """Whether calls were asked about an answer that none of them said, in any form: who answered was not traced.

    What was said in turns before may be given to any call, so only the end of a prompt tells.
    """
    if len(calls) == 1 and root.shows(calls[0].text):
        return False
    told = _told(root)
    if told is None or any(call.text == told for call in calls):
        return False
    if not any(told in (draft.content or "") for call in calls for draft in call.read()[-1:]):
        return False
    if any(told in (draft.content or "") for draft in root_drafts(root)):
        return False
    worked = any(draft.role is TOOL for call in calls for draft in call.read())
    return not worked and not tellers(calls, [told, *root.named_answers()], NOTHING_RAN)


def _told(root: Root) -> str | None:
    """The sentence with which a trace answers its user; None where a graph keeps it under the id of who said it."""
    told = root.answer()
    if root.trailing:
        answers = root.turn_answers()
        told = answers[0].text if len(answers) == 1 and not answers[0].id else None
    return told if told is not None and is_phrase(told) and root_drafts(root) else None


def decided_otherwise(calls: list[Call], root: Root | None, before: Context) -> bool:
    """Whether an app answered in its own words after calls that stood beside its agent's in traces before (guards).

    Such a call is asked as that was, without history, and what it answered is not what the root gave, if it gave
    anything: behind a router the trace may have failed. Below a guardrail that stopped its agent it may have both.
    """
    if root is None or not calls or not before.manners:
        return False
    if all(call.in_silence and is_asked_alike(call, before) for call in calls):
        return True
    told = root.answer()
    if root.trailing:
        told = "\n".join(draft.content or "" for draft in root.turn_answers())
    elif not told and not root.gave_nothing():
        return False
    return all(_decides(call, told or "", before) for call in calls)


def _decides(call: Call, told: str, before: Context) -> bool:
    """Whether a call is asked as those that stood beside the agent's before were, and nobody was told its answer."""
    if call.failed or not is_asked_alike(call, before):
        return False
    if any(text in told or (told and told in text) for text in said_by(call)):
        return False
    return all(draft.role in (SYSTEM, USER) for draft in call.read())


def is_asked_alike(call: Call, before: Context) -> bool:
    """Whether a call is asked as those were that stood beside the agent's before."""
    asked = manner(call)
    return bool(asked) and all(key in before.manners for key in asked)


def said_by(call: Call) -> list[str]:
    """What a call answered: its words, and the texts in the calls that it made."""
    draft = call.answer.draft
    made = draft.tool_calls or () if draft is not None else ()
    values = [value for one in made for value in (one.arguments or {}).values()]
    return [text for text in (call.text, *values) if isinstance(text, str) and text]


def words_in(text: str) -> list[str]:
    """The texts and figures in what is written as JSON, whether something is so left out; else the text itself."""
    value = None if is_label(text) else decoded(Raw(text.encode()))
    if not isinstance(value, dict | list):
        return [text]
    words: list[str] = []
    rest: list[Any] = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, dict | list):
            rest += one.values() if isinstance(one, dict) else one
        elif one is not None and not isinstance(one, bool):
            words.append(str(one))
    return words


def _tells(told: str, text: str) -> bool:
    """Whether what was told is what a call said, whole, in part or in other words."""
    return text in told or told in text or is_rewording(text, told)


def manner(call: Call) -> list[bytes]:
    """How a call is asked: its system prompts, else how its prompt begins, as digests; none where that is too short."""
    prompts = system_of(call)
    text = next((draft.content or "" for draft in call.read() if draft.role is USER), "") if not prompts else ""
    return [words_digest(USER, text[:OPENING])] if len(text) >= OPENING else prompts
