"""Reads the root of a trace: the user's words, and what the whole trace gave back."""

import json
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from itertools import count, islice
from typing import Any

import msgspec
from msgspec import Raw, Struct

from trajworker.assembly.reading.given import by_name, plain, words_below
from trajworker.assembly.reading.literals import words_of_blocks
from trajworker.assembly.reading.message_fields import messages_given, messages_given_back
from trajworker.assembly.reading.naming import IDS, SETTINGS, SYSTEMS, WORDS, is_about_answer
from trajworker.assembly.reading.payloads import (
    answer_in,
    decoded,
    drafts_of,
    fields_of,
    newest_first,
    object_in,
)
from trajworker.assembly.reading.state import answers_of_turn
from trajworker.dialects import ANSWERS, Draft, digest
from trajworker.dialects.placeholders import is_placeholder
from trajworker.dialects.speech import RAW
from trajworker.dialects.vocabulary import role_of
from trajworker.model.message import ASSISTANT, SYSTEM, TOOL, USER
from trajworker.model.run import Run

MAX_TRAILING = 200
"""Messages of a root's outputs that are looked through, newest first, for what no call told."""

MAX_PLAIN_BYTES = 262_144
"""A root's payload without messages is read for the user's words up to this size only."""

SHALLOW, DEEP = 3, 8
"""Levels of a payload that are looked through for an answer, and for whatever somebody said."""

_COMMAND = frozenset({"update", "goto", "graph", "lg_name"})
"""Keys beside `resume` in a graph's Command, Python and JS."""

_SPEECHLESS = frozenset({"embedding", "prompt", "parser"})
"""Run types whose input is nobody's word."""


class Root(Struct, eq=False, gc=False):
    """What the root of a trace was given and gave back.

    Args:
        words: user messages or plain texts it was given, in order.
        texts: what it was given under other names, by name.
        system: system prompts it was given beside the messages.
        resumes: whether it goes on with an interrupted graph and says nothing new.
        by_human: whether what it goes on with is a human's answer to the interrupt.
        heard: messages it was given, undecoded, where the last of them is an answer: a session, told as it went.
        trailing: messages it gave back, undecoded.
        outputs: all it gave back, undecoded.
        gave_list: whether that is a list of several messages and nothing beside it.
    """

    words: list[Draft] = []
    texts: dict[str, str] = {}
    system: list[Draft] = []
    resumes: bool = False
    by_human: bool = False
    heard: list[Raw] = []
    trailing: list[Raw] = []
    outputs: Raw = Raw(b"null")
    gave_list: bool = False
    read: list[Draft] = []
    """The messages it gave back, newest first, as far as they were asked for."""
    unread: Iterator[Draft] | None = None
    answers: list[Draft] | None = None
    """The assistant messages of its turn, once they were asked for."""
    told: tuple[str | None] | None = None
    """Its answer, once that was asked for."""

    def given_back(self) -> Iterator[Draft]:
        """The messages it gave back, newest first; each is decoded once, when it is asked for."""
        if self.unread is None:
            self.unread = newest_first(self.trailing[-MAX_TRAILING:])
        for place in count():
            while place >= len(self.read):
                draft = next(self.unread, None)
                if draft is None:
                    return
                if draft.role is ASSISTANT:
                    draft.content = words_of_blocks(draft.content) or draft.content
                self.read.append(draft)
            yield self.read[place]

    def leave_out_batch(self, said: AbstractSet[bytes]) -> None:
        """Leave out answers of other traces: LangChain.js gives all that a batch answered back in each.

        `said` are the digests of what the trace's own calls said.
        """
        drafts = list(self.given_back())[::-1]
        if len(drafts) != len(self.trailing) or any(one.role is not ASSISTANT or one.tool_calls for one in drafts):
            return
        own = [item for item, one in zip(self.trailing, drafts, strict=True) if digest(one) in said]
        if own:
            self.trailing, self.read, self.unread = own, [], None

    def transcript(self) -> list[Draft]:
        """What a session heard and said, oldest first; decoded when it is asked for."""
        return list(newest_first(self.heard))[::-1]

    def before_answer(self, keys: AbstractSet[bytes]) -> tuple[bytes, list[Draft]] | None:
        """What a graph said in this turn in words of its own before the first answer of a model, and that one's key."""
        said: list[Draft] = []
        for draft in reversed(self.turn_answers()):
            key = digest(draft)
            if key in keys or draft.tool_calls:
                return (key, said) if said and key in keys else None
            said.append(draft)
        return None

    def turn_answers(self) -> list[Draft]:
        """The assistant messages of this turn that a graph gave back, newest first; decoded once."""
        if self.answers is None:
            self.answers = answers_of_turn(self.given_back(), self.words)
        return self.answers

    def last_words(self) -> list[str]:
        """What a graph said last in this turn; nothing where it said no word."""
        said = next((draft.content for draft in self.turn_answers() if draft.content), None)
        return [said.strip()] if said is not None else []

    def turn_ids(self) -> set[str]:
        """Ids of the assistant messages of this turn that a graph gave back."""
        return {draft.id for draft in self.turn_answers() if draft.id}

    def finals(self) -> set[str]:
        """Texts it gave back."""
        found: set[str] = set()
        if self.trailing:
            for draft in islice(self.given_back(), 1):
                found.update(texts_in(draft.content, 0))
        elif len(self.outputs) < MAX_PLAIN_BYTES:
            outputs = self.said()
            found.update(texts_in(outputs, SHALLOW))
            answer = answer_in(outputs)
            if answer is not None:
                found.update(texts_in(answer.content, 0))
        return found

    def said(self) -> Any:  # noqa: ANN401 - recorded JSON
        """What it gave back, decoded, but for the texts that it was given: a graph's state hands these through."""
        outputs = decoded(self.outputs)
        if not isinstance(outputs, dict) or len(outputs) < 2:  # noqa: PLR2004 - an echo is an answer
            return outputs
        return {name: value for name, value in outputs.items() if self.texts.get(name, _ABSENT) != value}

    def fields(self) -> dict[str, str]:
        """Texts that it gave back in fields of their own."""
        outputs = decoded(self.outputs) if len(self.outputs) < MAX_PLAIN_BYTES else None
        told = outputs.items() if isinstance(outputs, dict) else ()
        return {name: text.strip() for name, text in told if isinstance(text, str)}

    def state(self) -> dict[str, str]:
        """Those of them that stand beside messages and under names that are no answer's."""
        return {name: text for name, text in self.fields().items() if name not in ANSWERS}

    def works(self) -> set[str]:
        """Those of these texts that may be an answer: their names do not tell that they are about one."""
        fields = self.state().items()
        return {text for name, text in fields if not is_about_answer(name)}

    def remarks(self) -> set[str]:
        """Those of these texts that are about an answer, by their names (a title)."""
        return {text for name, text in self.state().items() if is_about_answer(name)}

    def results(self) -> dict[str, Draft]:
        """The tool messages that a graph gave back, by the id of their call."""
        told = [(draft.tool_response, draft) for draft in self.given_back()]
        return {result.id: draft for result, draft in reversed(told) if result is not None and result.id}

    def shows(self, text: str | None) -> bool:
        """Whether a text stands anywhere in what it gave back: a look that decodes nothing, and may miss."""
        return text is not None and is_written_in(self.outputs, text)

    def gave_nothing(self) -> bool:
        """Whether it gave back nothing but nulls, as a function does that failed."""
        outputs = decoded(self.outputs) if len(self.outputs) < MAX_PLAIN_BYTES else self.outputs
        return outputs is None or (isinstance(outputs, dict) and all(value is None for value in outputs.values()))

    def answer(self) -> str | None:
        """The text that it gave back as its answer: suggestions or a title may stand beside it; decoded once."""
        if self.told is None:
            self.told = (self._answer(),)
        return self.told[0]

    def named_answers(self) -> list[str]:
        """Its answer, and whatever else is named as one: a query's `result` may stand beside the `answer`."""
        outputs = self.said() if self.answer() is not None else None
        fields = [outputs.get(name) for name in ANSWERS] if isinstance(outputs, dict) else []
        return list(dict.fromkeys(texts_in([self.answer(), *fields], 1)))

    def _answer(self) -> str | None:
        told = any(not draft.says_nothing for draft in self.given_back())
        if told or len(self.outputs) >= MAX_PLAIN_BYTES:
            return None
        outputs = self.said()
        if self.trailing and isinstance(outputs, dict):  # messages without a word, beside an answer in words
            outputs = {name: value for name, value in outputs.items() if isinstance(value, str)}
        draft = answer_in(outputs)
        return draft.text or None if draft is not None else None


_ABSENT = object()
_HOLDERS = ("kwargs", "inputs", "data", "payload", "body")
"""Fields whose own fields count as the root's; a request's body may be text still."""


def read_root(run: Run) -> Root:
    """Read a root that is no llm run itself."""
    root = Root()
    if run.run_type in _SPEECHLESS:
        return root
    inputs, given = fields_of(run.inputs)
    given = by_name(given)
    outputs, given_back = fields_of(run.outputs)
    items = messages_given(given)
    for item in reversed(items):
        drafts = drafts_of(item)
        if item is items[-1] and drafts and drafts[-1].role is ASSISTANT:
            root.heard = items
        if not drafts or any(draft.role in (ASSISTANT, TOOL) or RAW in draft.flags for draft in drafts):
            break
        root.words = [draft for draft in drafts if draft.role is USER] + root.words
    if len(inputs) < MAX_PLAIN_BYTES:
        _plain_inputs(root, {name: plain(name, value) for name, value in given.items()} if given else decoded(inputs))
    root.trailing = messages_given_back(outputs, given_back, given, resumes=root.resumes)
    root.outputs, root.gave_list = outputs, len(root.trailing) > 1 and given_back.keys() == {"output"}
    return root


def _plain_inputs(root: Root, inputs: Any) -> None:  # noqa: ANN401 - recorded JSON
    if not isinstance(inputs, dict):
        if isinstance(inputs, str) and inputs:
            root.texts = {"input": inputs}
        return
    inner = inputs.get("input", inputs)
    if isinstance(inner, dict) and inner.get("resume") is not None and _COMMAND & inner.keys():
        root.resumes = root.by_human = True
        return
    if inputs == {"input": None}:
        root.resumes = True
        return
    flat = {**inputs, **inner} if isinstance(inner, dict) else inputs
    root.system = _system_in(flat) or _system_in(flat.get("options"))
    for holder in () if flat.keys().isdisjoint(_HOLDERS) else _HOLDERS:
        held = flat.get(holder)
        fields = object_in(held) if isinstance(held, str) else held
        if isinstance(fields, dict) and fields:
            flat = {**flat, holder: fields, **fields}
    root.texts = {
        key: value for key, value in flat.items()
        if isinstance(value, str) and value.strip() and key not in SYSTEMS and key not in SETTINGS
        and not is_placeholder(value) and not key.endswith(IDS)
    }  # fmt: skip
    if root.texts.keys().isdisjoint(WORDS) and not root.words:
        root.texts |= words_below(flat, SHALLOW)


def _system_in(fields: Any) -> list[Draft]:  # noqa: ANN401 - recorded JSON
    """The system prompt among fields that a root was given, whatever an app calls it."""
    for name in SYSTEMS if isinstance(fields, dict) and not fields.keys().isdisjoint(SYSTEMS) else ():
        if isinstance(fields.get(name), str) and fields[name].strip():
            return [Draft(role=SYSTEM, content=fields[name])]
    return []


def is_written_in(payload: Raw, text: str) -> bool:
    """Whether a text stands anywhere in a payload: a look that decodes nothing, and may miss."""
    written = bytes(payload)
    return msgspec.json.encode(text)[1:-1] in written or json.dumps(text).encode()[1:-1] in written


def texts_given(run: Run) -> list[str]:
    """All texts that a root was given and somebody may have said, in order; none where that is too much."""
    given = texts_in(decoded(run.inputs), DEEP) if len(run.inputs) < MAX_PLAIN_BYTES else ()
    return [text for text in given if role_of(text) is None and not is_placeholder(text)]


def texts_in(value: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 - recorded JSON
    """The texts in a value, down to a depth."""
    if isinstance(value, str):
        if value.strip():
            yield value.strip()
    elif depth and isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from texts_in(child, depth - 1)
