"""Whose words a prompt holds: the user's own, or a template's around them."""

import json
import re
from functools import partial

from msgspec import Struct

from trajworker.assembly.reading.likeness import is_rewording
from trajworker.assembly.reading.naming import ASKED, NAMED, WORDS
from trajworker.assembly.reading.payloads import object_in
from trajworker.assembly.reading.roots import SHALLOW, Root, texts_in
from trajworker.dialects import Draft
from trajworker.model.message import ASSISTANT, SYSTEM, USER

SUMMARY, EDITED, CONTEXT, ALTERNATIVE, STOPPED = "summary", "edited", "context", "alternative", "stopped"

MIN_QUOTE = 4
"""Characters from which a text that a prompt repeats counts as quoted on its own."""

MOSTLY = 0.8
"""Share of a text that stands for the whole of it."""


_WORD = re.compile(r"\w+")


def goes_on_in_text(text: str | None, before: str | None, answer: str | None) -> bool:
    """Whether a prompt's text begins like the one before and has its answer written into it."""
    if not text or not before or not answer or not answer.strip() or answer.strip() not in text:
        return False
    same = next(
        (place for place, pair in enumerate(zip(text, before, strict=False)) if pair[0] != pair[1]), len(before)
    )
    return same >= MOSTLY * len(before)


_dumps_unicode = partial(json.dumps, ensure_ascii=False)


class Opening(Struct, eq=False, gc=False):
    """How the first llm call of a trace is to be read: who spoke, in which words, and whether a turn begins."""

    root: Root | None = None
    begins: bool = True
    said: set[str] | None = None
    """Texts that the root was given, once they were asked for."""


def is_phrase(quote: str) -> bool:
    """Whether a text is more than a word, which somebody may happen to say too."""
    return len(quote) >= MIN_QUOTE and " " in quote.strip()


def quotes(text: str, word: str) -> bool:
    """Whether a text is somebody's word, or has one in it that is more than a word."""
    return bool(word) and (text.strip() == word or (is_phrase(word) and word in text))


def longest_text(text: str) -> str:
    """The longest text among the fields of an object that is written as text; empty where it is none."""
    return max((value.strip() for value in object_in(text).values() if isinstance(value, str)), key=len, default="")


def is_recast(text: str, said: str, *, apart: bool) -> bool:
    """Whether a text is what a model said in words: cut out of that, cleaned, or with a little put around it.

    So is a field of an object that a model said, unless it stands `apart`: a graph gives what it says itself an id.
    """
    fields = object_in(said)
    if fields:
        return not apart and text in texts_in(fields, SHALLOW)
    return quotes(said, text) or is_rewording(text, said)


def shown_to_model(rest: list[tuple[Draft, bytes]]) -> str | None:
    """What the last new user message looked like to the model."""
    for draft, _ in reversed(rest):
        if draft.role is USER:
            return draft.rendered or draft.content
    return None


def trailing_block(rest: list[tuple[Draft, bytes]]) -> int:
    """Where the last stretch without assistant and tool messages begins."""
    place = len(rest)
    while place and rest[place - 1][0].role in (USER, SYSTEM):
        place -= 1
    return place


def is_prefilled(drafts: list[Draft]) -> bool:
    """Whether a prompt ends with the first words of the answer, which the app put into the assistant's mouth."""
    if len(drafts) < 2 or drafts[-1].role is not ASSISTANT:  # noqa: PLR2004 - a question and its answer's start
        return False
    return drafts[-2].role is USER and not drafts[-1].tool_calls


def turn_user(drafts: list[Draft], opening: Opening | None) -> int:
    """Index of the message that begins the turn: the one the root names, else the last user message of the end."""
    users: list[int] = []
    place = len(drafts) - is_prefilled(drafts) - 1
    while place >= 0 and (role := drafts[place].role) in (USER, SYSTEM):
        if role is USER:
            users.append(place)
        place -= 1
    if len(users) == 1:
        return users[0]
    users.reverse()
    users = [place for place in users if SUMMARY not in drafts[place].flags] or users
    users = [place for place in users if not drafts[place].says_nothing] or users
    if not users:
        return len(drafts)
    said = said_by_root(opening)
    named = [place for place in users if drafts[place].text in said]
    return (named or users)[-1]


def is_named(draft: Draft, opening: Opening) -> bool:
    """Whether the root itself gave a message word for word."""
    return draft.text in said_by_root(opening)


def is_given(draft: Draft, opening: Opening | None) -> bool:
    """Whether a message is one of those that the root was given: a user may say several things at once."""
    if draft.role is not USER or opening is None or opening.root is None:
        return False
    text = draft.text
    return any(word.text == text and (text or word.blocks == draft.blocks) for word in opening.root.words)


def said_by_root(opening: Opening | None) -> set[str]:
    """Texts that the root was given, each a candidate for the user's words."""
    if opening is None or opening.root is None:
        return set()
    if opening.said is None:
        opening.said = set(map(str.strip, opening.root.texts.values()))
        if opening.root.words:
            opening.said.update([draft.content.strip() for draft in opening.root.words if draft.content])
    return opening.said


def own_words(draft: Draft, opening: Opening | None, *, made: bool = False) -> str | None:
    """The user's words behind a rendered prompt; None where the prompt is the user's words, or nobody knows them.

    A prompt that was `made` of what the trace itself found or said is never the user's.
    """
    root = opening.root if opening is not None else None
    shown = draft.content
    if root is None or not shown:
        given = root_drafts(root) if draft.says_nothing else []  # a wrapper could not render what it was given
        return given[-1].content if given else None
    if shown.strip() in said_by_root(opening):
        texts = [word.content or "" for word in root.words] + list(root.texts.values())
        return None if shown in texts else next(text for text in texts if text.strip() == shown.strip())
    if root.words:
        word = root.words[-1].text
        if made and word:
            return word
        if len(word) >= MIN_QUOTE:
            return word if word in shown else None
        return word if word and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", shown) else None
    return _among(root.texts, shown) or (next(iter(root.texts.values())) if made and len(root.texts) == 1 else None)


def words_inside(draft: Draft, opening: Opening | None) -> str | None:
    """The root's words where they stand, under whatever name, in a prompt that no dialect knows."""
    payload = draft.blocks[0] if draft.blocks else None
    if not isinstance(payload, dict):
        return None
    said = said_by_root(opening)
    return next((text for text in payload.values() if isinstance(text, str) and text.strip() in said), None)


def _among(texts: dict[str, str], shown: str) -> str | None:
    """Which of the root's texts a rendered prompt was made of."""
    inside = {key: text for key, text in texts.items() if shows(shown, text)}
    named = [text for key in NAMED if (text := inside.get(key)) is not None]
    said = [text for key in ASKED if (text := texts.get(key)) is not None]
    if named:
        return named[0]
    if len(said) == 1 and is_phrase(said[0]) and _share_a_word(said[0], shown):
        return said[0]  # a prompt that does not show them was made of them: masked, or condensed
    if inside:
        line = shown.rstrip().rpartition("\n")[2].strip()
        last = [text for text in inside.values() if text.strip() == line or
                (len(text) >= MIN_QUOTE and line.endswith(text.strip()))]  # fmt: skip
        longest = max(last or inside.values(), key=len)
        return longest if last or len(inside) == len(texts) or len(longest) >= MIN_QUOTE else None
    if len(texts) == 1:
        key, text = next(iter(texts.items()))
        told = key in WORDS or " " in text.strip()
        return text if told and _WORD.search(text) else None  # a mask of asterisks is nobody's words
    return None


def _share_a_word(text: str, other: str) -> bool:
    """Whether two texts have any word in common."""
    return not set(_WORD.findall(text.lower())).isdisjoint(_WORD.findall(other.lower()))


def shows(shown: str, text: str) -> bool:
    """Whether a prompt holds a text, be it as a part of some JSON."""
    return text in shown or any(escaped(text)[1:-1] in shown for escaped in (json.dumps, _dumps_unicode))


def root_drafts(root: Root | None) -> list[Draft]:
    """The user messages that only the root tells."""
    if root is None:
        return []
    if root.words:
        return root.words
    for key in WORDS:
        if key in root.texts:
            return [Draft(role=USER, content=root.texts[key])]
    if len(root.texts) == 1:
        return [Draft(role=USER, content=next(iter(root.texts.values())))]
    return []
