"""The messages that a root was given and gave back: in which field they stand, whatever an app calls its state."""

from msgspec import Raw

from trajworker.assembly.reading.payloads import FIELDS, ITEMS, drafts_of, lenient
from trajworker.dialects import ANSWERS, BODY
from trajworker.dialects.speech import RAW
from trajworker.model.message import ASSISTANT
from trajworker.model.run import NULL

_GIVEN = ("messages", "input", "output", "chat_history")
_GIVEN_BACK = ("messages", "input", "output")
"""Fields of a root's inputs and outputs that hold messages; a history that is handed through is nothing new."""
_WHOLE = ("input", "output")
"""Fields that may hold all that was given, or given back."""
_ANSWERED = BODY.union(ANSWERS)
"""Fields beside which a list of messages is what an app remembers, or no list of messages at all."""

_WORDLESS = (b"null", b'""')


def messages_given(fields: dict[str, Raw]) -> list[Raw]:
    """The messages among a root's inputs, undecoded; empty where there are none."""
    return _named(fields, _GIVEN)


def messages_given_back(outputs: Raw, fields: dict[str, Raw], given: dict[str, Raw], *, resumes: bool) -> list[Raw]:
    """The messages among a root's outputs, undecoded; empty where there are none, and where they are an answer.

    Args:
        outputs: all of them; a message that calls a tool without a word is no answer: it waits for a human.
        fields: those of its outputs.
        given: those of its inputs.
        resumes: whether it goes on with a graph that has its state already.
    """
    if "role" in fields and bytes(fields.get("tool_calls", NULL))[:2] == b"[{" and _is_wordless(fields):
        return [outputs]
    return _named(fields, _GIVEN_BACK) or _grown(fields, given, resumes=resumes)


def _named(fields: dict[str, Raw], names: tuple[str, ...]) -> list[Raw]:
    """The messages of a field with one of these names."""
    for name in names:
        if name not in fields:
            continue
        value = fields[name]
        start = bytes(value)[:1]
        if start == b"{" and name in _WHOLE:
            inner = _named(lenient(value, FIELDS, {}), names)
            if inner:
                return inner
        if start == b"[":
            items = lenient(value, ITEMS, [])
            if items and bytes(items[0])[:1] in (b"{", b"["):
                return items
    return []


def _is_wordless(fields: dict[str, Raw]) -> bool:
    return bytes(fields.get("content", NULL)) in _WORDLESS


def _grown(fields: dict[str, Raw], given: dict[str, Raw], *, resumes: bool) -> list[Raw]:
    """The state of a graph, whatever it is called: the only list that was given, and ends with an answer now.

    Who `resumes` a graph gives it none.
    """
    if not fields.keys().isdisjoint(_ANSWERED):
        return []
    found: list[list[Raw]] = []
    for name, value in fields.items():
        before = given.get(name)
        if bytes(value)[:2] != b"[{" or value == before or (before is None and not resumes):
            continue
        items = lenient(value, ITEMS, [])
        drafts = drafts_of(items[-1]) if items else []
        if drafts and drafts[-1].role is ASSISTANT and RAW not in drafts[-1].flags:
            found.append(items)
    return found[0] if len(found) == 1 else []
