"""Whose answer a trace gave back where no field is named as the answer: in a graph's state, a page, a preview."""

from collections.abc import Set as AbstractSet

from trajworker.assembly.dialogues.evidence import telling
from trajworker.assembly.dialogues.groups import MANY, Group, spoken_to
from trajworker.assembly.reading.likeness import is_label
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.tool_runs import Ran
from trajworker.assembly.reading.words import MIN_QUOTE, is_phrase, longest_text


def last_filling(groups: list[Group], root: Root, ran: Ran) -> Group | None:
    """The last group whose answer fills a field, as far as each went on from the one before; None where none does."""
    works, finals = root.works(), root.finals()
    forms = _in_any_form(groups, works | finals if root.trailing else works, ran)
    whole = _given_back(groups, finals - root.remarks() if forms else finals)
    if not (forms or whole or root.trailing or works):
        forms = _in_any_form(groups, finals, ran)  # in a list of blocks or events
    filling = _without_labels([one for one in groups if one in forms or one in whole] if forms else whole, groups)
    if not filling:
        return None
    chain = [one for one in filling if one in forms or one.final in works]
    alone = set(root.fields().values())
    chosen = [one for one in filling if one in chain or one.final in alone]  # not one of many in a list
    return _end_of_chain(spoken_to(chosen or filling, root)[-1], chain)


def _in_any_form(groups: list[Group], texts: AbstractSet[str], ran: Ran) -> list[Group]:
    """The groups that said one of these texts, be it in another form; words alone are not looked for."""
    if len(groups) > MANY:
        return []
    return [one for text in texts if is_phrase(text) for one in telling(groups, [text], ran)]


def _given_back(groups: list[Group], finals: set[str]) -> list[Group]:
    """The groups whose last answer a trace gave back, else any answer, whole."""
    last = [one for one in groups if one.final is not None and one.final in finals]
    return last or [one for one in groups if any(call.text in finals for call in one.answered)]


def _without_labels(filling: list[Group], groups: list[Group]) -> list[Group]:
    """Those that fill a field with more than a label; labels alone where nobody said more, or they were made of it.

    A topic is noted of the user's words, and is no answer to them; a verdict is one on what another call said.
    """
    answers = [one for one in filling if not is_label(one.final)]
    if answers or len(groups) > MANY:
        return answers or filling
    others = [one.final for one in groups if one.final is not None and not is_label(one.final)]
    made = any(_holds(label, text) for label in filling for text in others)
    return filling if made or not others else []


def _end_of_chain(found: Group, groups: list[Group]) -> Group:
    """The last of groups that were each asked with the answer of the one before.

    Where several were asked with it beside each other, each works on it and none goes on from it.
    """
    later = [one for one in groups if one.place > found.place] if len(groups) <= MANY else []
    made = [one for one in later if _is_made_of(one, found)]
    if not made or not all(_is_made_of(made[-1], one) for one in made[:-1]):
        return found
    return _end_of_chain(made[-1], groups)


def _is_made_of(one: Group, other: Group) -> bool:
    """Whether a group was asked with another's answer and said about as much; a title or a verdict only works on it."""
    said, length = other.final or "", len(one.final or "") * 2
    texts = [text for text in (said, longest_text(said)) if len(text) <= length]
    return is_phrase(one.final or "") and any(_holds(one, text) for text in texts)


def _holds(one: Group, text: str) -> bool:
    """Whether a group was asked with a text."""
    return len(text) >= MIN_QUOTE and any(text in (draft.content or "") for draft in one.calls[0].read())
