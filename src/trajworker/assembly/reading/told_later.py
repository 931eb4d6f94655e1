"""Answers that nobody recorded with their calls: the prompt that goes on from a call tells what was said."""

from collections.abc import Iterable
from itertools import islice, takewhile

from trajworker.assembly.kept.prefix import NO_PROMPT
from trajworker.assembly.reading.calls import Call
from trajworker.dialects import Draft, read_array
from trajworker.model.message import ASSISTANT, TOOL
from trajworker.model.run import SUCCESS

NEAR = 8
"""Calls among which the one is looked for that goes on."""

LACKING = ("tool_calls", None)
"""Ends of answers without tool calls that may have made some."""


def answers_told_later(calls: list[Call]) -> None:
    """Give calls that succeeded without an answer the tool calls that a later prompt tells right behind theirs.

    So are those given theirs whose answers tell none and ended for tool calls, or for nothing that is known, as some
    versions keep of a stream.
    """
    for place, call in enumerate(calls):
        said = call.answer.draft
        if said is not None and (said.tool_calls or said.finish_reason not in LACKING):
            continue
        if not call.failed and call.run.status is SUCCESS:
            told = _behind(call, islice(calls, place + 1, place + 1 + NEAR))
            if not told or told[0].role is not ASSISTANT or not told[0].tool_calls:
                continue  # words may be the app's own
            if said is None:
                call.say(_whole(told))
            elif not said.content or told[0].text == said.content.strip():
                said.tool_calls = _whole(told).tool_calls
                call.say(said)


def _whole(told: list[Draft]) -> Draft:
    """The first message, with the calls of those behind it: some apps tell each call beside its own result."""
    answer, *others = told
    for one in takewhile(lambda one: one.role is TOOL or (one.tool_calls and not one.content), others):
        answer.tool_calls = (*(answer.tool_calls or ()), *(one.tool_calls or ())) or None
    return answer


def _behind(call: Call, later: Iterable[Call]) -> list[Draft]:
    """What the first prompt that begins, byte for byte, like a call's own tells behind that."""
    if call.prompt.array is None:
        return []
    known = NO_PROMPT.followed_by(call.prompt.array)
    found = (known.behind(one.prompt.array) for one in later if one.prompt.array is not None)
    return read_array(next((behind for behind in found if behind is not None), b"[]"))
