"""Refuses what no dialect reads among messages that a program hands over: calls in it would count as never made.

An import keeps such messages raw; where somebody asks which tools were called, an unread one must not look like none.
"""

from collections.abc import Sequence
from typing import Any

from trajworker.dialects import Draft, read_one
from trajworker.dialects.speech import is_raw
from trajworker.model.message import Message
from trajworker.trajectory.recorded import body_of, read_messages
from trajworker.trajectory.states import FORMS, STREAMS, NoMessages, keys_of


def known_messages(items: Sequence[Any]) -> list[Draft]:
    """The messages of a list, in order; raises NoMessages for one that is in no form that is known."""
    drafts = read_messages(items)
    if is_raw(drafts):
        for number, item in enumerate(items):
            if is_unknown(item):
                what = f"an object with the keys {keys_of(item)}" if isinstance(item, dict) else type(item).__name__
                raise NoMessages(f"item {number} is no message that is known, but {what}: {FORMS}; {STREAMS}")
    return drafts


def is_unknown(item: Any) -> bool:  # noqa: ANN401 - recorded JSON
    """Whether no dialect reads this; words of an unknown speaker who calls no tool are words all the same."""
    if isinstance(item, Draft | Message) or not is_raw(read_one(item)):
        return False
    body = body_of(item)
    if "content" not in body or not isinstance(body.get("role"), str):
        return True
    spoken = {name: value for name, value in body.items() if name != "type"} | {"role": "assistant"}
    again = read_one(spoken)
    return is_raw(again) or any(draft.tool_calls for draft in again)
