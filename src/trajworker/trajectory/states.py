"""Where a graph's state holds its messages, and what a graph streamed as the messages it left behind.

The key is `messages`, else the one under which plainly nothing but messages stands; a state may lie in an envelope
(`{"value": {...}}`, `{"values": {...}}`, `{node: {...}}`), where the messages nearest to the top count. A stream is a
list: of whole states (LangGraph's `stream_mode="values"`), or of what each node added (`"updates"`:
`{node: {"messages": [...]}}`).
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from trajworker.dialects import read_one
from trajworker.dialects.speech import is_raw
from trajworker.errors import ConfigError

ASKED: Final = ("input", "question", "query", "prompt")
ANSWERED: Final = ("output", "outputs", "answer", "result", "response", "text")
BEFORE: Final = ("chat_history", "history", "inputs", "request", *ASKED)
"""Names of what was there before the run, where an answer stands beside it."""
_ANSWERS: Final = frozenset({"choices", "candidates", "generations"})
"""Fields of a model's own answer, whose lists hold no conversation."""
_ENVELOPE: Final = frozenset({"type", "ns", "data"})
_STREAMED: Final = ("updates", "values")

KEYS_SHOWN: Final = 8
"""Keys of what was not recognised that an error names."""

FORMS: Final = "give a chain result, messages, or {'messages': [...]}"
STREAMS: Final = "of a stream the final result, or all of its updates or values in a list"


class NoMessages(ConfigError, TypeError):
    """What was given holds no messages; the message says what may be given."""


def keys_of(value: dict[str, Any]) -> str:
    """The keys of an object for an error, as many as help."""
    names = sorted(value)
    return ", ".join(names[:KEYS_SHOWN]) + (", ..." if len(names) > KEYS_SHOWN else "")


def is_spoken(value: dict[str, Any]) -> bool:
    """Whether an object says that it is one message, whoever speaks."""
    return "role" in value or "lc" in value or ("type" in value and "content" in value)


def state_messages(state: dict[str, Any]) -> list[Any] | None:
    """The messages of a state or result, None where it plainly holds none; raises NoMessages where two lists vie."""
    level = {"": state}
    while level:
        told = _sole(found for place, held in level.items() for found in _own_messages(place, held))
        if told is not None:
            return told
        level = {name: value for place, held in level.items() for name, value in _inner_states(place, held)}
    return _history(state)


def is_own_answer(value: dict[str, Any]) -> bool:
    """Whether this is a model's own answer, or one message: what lists there are in it hold no conversation."""
    return not _ANSWERS.isdisjoint(value) or value.get("object") == "response" or is_spoken(value)


def _sole(found: Iterable[tuple[str, list[Any]]]) -> list[Any] | None:
    """The one list of those that were found at several places."""
    told = dict(found)
    if len(told) > 1:
        raise NoMessages(f"messages stand under {', '.join(sorted(told))}: give the list that is meant")
    return next(iter(told.values()), None)


def _own_messages(place: str, state: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """The lists of messages that stand in a state itself, each with its place; `messages` alone where it holds any.

    One message alone under the name of an answer is read as an answer, with what is beside it.
    """
    held = state.get("messages")
    if isinstance(held, list) and len(held) == 1 and place in ANSWERED:
        return
    if isinstance(held, list | dict) and held:
        yield _below(place, "messages"), held if isinstance(held, list) else [held]
    elif not is_own_answer(state):
        for name, value in state.items():
            if name not in BEFORE and _are_messages(name, value):
                yield _below(place, name), value


def _inner_states(place: str, state: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if is_own_answer(state):
        return
    for name, value in state.items():
        if isinstance(value, dict) and name not in BEFORE and not is_own_answer(value):
            yield _below(place, name), value


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _history(state: dict[str, Any]) -> list[Any] | None:
    """What was there before the run, where nothing else is told; no messages at all where their list is empty."""
    answered = is_own_answer(state) or any(state.get(name) is not None for name in ANSWERED)
    told = None if answered else _sole((name, state[name]) for name in BEFORE if _are_messages(name, state.get(name)))
    return [] if told is None and state.get("messages") == [] else told


def streamed_messages(items: list[Any]) -> list[Any] | None:
    """The messages of all that a graph streamed, None where these are no parts of such a stream."""
    if not items or not all(isinstance(item, dict) and not is_spoken(item) for item in items):
        return None
    parts = _parts(items)
    if any(_is_message(part) for part in parts):
        return None
    updates = [_update_messages(part) for part in parts]
    if any(update is not None for update in updates):
        return _folded(message for update in updates for message in update or ())
    states = [state_messages(part) for part in parts]
    told = [state for state in states if state is not None]
    return _last(told) if told else None


def _parts(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What stands in the envelopes of a newer stream (`{"type", "ns", "data"}`), if all are of one kind and one graph.

    Parts of sub-graphs tell what their graph tells again, or what is no message of it: they are not sorted out here.
    """
    if not all(item.keys() >= _ENVELOPE for item in items):
        return items
    alike = len({item["type"] for item in items}) == 1 and not any(item["ns"] for item in items)
    told = [item["data"] for item in items if isinstance(item["data"], dict)]
    return told if alike and items[0]["type"] in _STREAMED and len(told) == len(items) else []


def _are_messages(name: str, value: Any) -> bool:  # noqa: ANN401 - recorded JSON
    """Whether a key holds messages, more than an answer where it bears the name of one."""
    if not isinstance(value, list) or not value or (len(value) == 1 and name in ANSWERED):
        return False
    return all(_is_message(item) for item in value)


def _is_message(item: Any) -> bool:  # noqa: ANN401 - recorded JSON
    return isinstance(item, dict) and not is_raw(read_one(item))


def _update_messages(part: dict[str, Any]) -> list[Any] | None:
    """What the nodes of one update added; None where it is no update, or adds no messages."""
    if "messages" in part or not all(isinstance(value, dict | list | None) for value in part.values()):
        return None
    added: list[Any] = []
    found = False
    for value in part.values():
        for update in value if isinstance(value, list) else [value]:
            held = state_messages(update) if isinstance(update, dict) and not _is_message(update) else None
            found = found or held is not None
            added += held or []
    return added if found else None


def _folded(messages: Iterable[Any]) -> list[Any]:
    """Messages in order; one that comes again under its id takes the place of the first, as in the graph."""
    kept: list[Any] = []
    places: dict[str, int] = {}
    for message in messages:
        name = _id(message)
        if name is not None and name in places:
            kept[places[name]] = message
            continue
        if name is not None:
            places[name] = len(kept)
        kept.append(message)
    return kept


def _last(states: list[list[Any]]) -> list[Any]:
    """The last of several states, if it holds all that the earlier ones held."""
    whole = states[-1]
    if all(_continues(whole, state) for state in states):
        return whole
    fault = "these states do not go on from one another, so that none holds all messages"
    raise NoMessages(f"{fault}: give the messages of one run in one list")


def _continues(whole: list[Any], state: list[Any]) -> bool:
    if len(state) > len(whole):
        return False
    return all(
        ours == theirs or _id(ours) == _id(theirs) is not None for ours, theirs in zip(whole, state, strict=False)
    )


def _id(message: Any) -> str | None:  # noqa: ANN401 - recorded JSON
    """The id of a message in either envelope; that of an `lc` constructor is the name of its class."""
    fields = message if isinstance(message, dict) else {}
    inner = fields.get("kwargs") or fields.get("data")
    name = (inner if isinstance(inner, dict) else fields).get("id")
    return name if isinstance(name, str) else None
