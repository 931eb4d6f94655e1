"""Dialogues of a session that went on in a new context: handed over, or reset, as what was said in it tells."""

from collections.abc import Sequence
from datetime import datetime

from trajworker.assembly.dialogues.groups import Group
from trajworker.assembly.reading.calls import Call, in_order
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.tool_runs import Ran
from trajworker.dialects import digest
from trajworker.model.message import ASSISTANT, USER

_HANDOFF = "transfer_to_"
"""How calls begin that hand a dialogue over (OpenAI Agents, LangGraph's swarms)."""

Exchange = tuple[bytes | None, bytes]
"""What a user said last, and what was answered, by their digests."""


def with_new_contexts(chosen: Group, groups: Sequence[Group], root: Root | None) -> tuple[Group, list[Call]]:
    """The agent's dialogue with those of which the session tells the last exchange too, and the calls that begin anew.

    Each exchange that was told stands for one dialogue only.
    """
    told = _exchanges(root) if root is not None and len(groups) > 1 else set()
    if not told:
        return chosen, []
    told.difference_update(map(_exchange, chosen.answered))
    parts = [chosen]
    for one in groups:
        exchange = _exchange(one.answered[-1]) if one is not chosen and one.answered else None
        if exchange is not None and exchange[0] is not None and exchange in told:
            told.discard(exchange)
            parts.append(one)
    if len(parts) == 1:
        return chosen, []
    _, *later = in_order([one.calls[0] for one in parts])
    return Group(calls=in_order([call for one in parts for call in one.calls])), later


def with_handing(chosen: Group, groups: Sequence[Group], ran: Ran) -> Group:
    """The agent's dialogue with those before it that handed over to it by a call that no tool ran for."""
    start = chosen.calls[0].run.start_time
    parts = [one for one in groups if one is not chosen and _hands_over(one.calls[-1], ran, start)]
    return Group(calls=in_order([call for one in (*parts, chosen) for call in one.calls])) if parts else chosen


def _hands_over(call: Call, ran: Ran, start: datetime) -> bool:
    """Whether an answer that came before a time only calls to be replaced by another agent."""
    if not call.names or not all(name.startswith(_HANDOFF) for name in call.names):
        return False
    return call.names.isdisjoint(ran.names) and (call.run.end_time or call.run.start_time) <= start


def _exchanges(root: Root) -> set[Exchange]:
    """All that the transcript of a session tells."""
    found: set[Exchange] = set()
    asked = None
    for draft in root.transcript():
        if draft.role is USER:
            asked = digest(draft)
        elif draft.role is ASSISTANT and not draft.tool_calls:
            found.add((asked, digest(draft)))
    return found


def _exchange(call: Call) -> Exchange:
    """The last word of a user in a prompt, and its answer."""
    pairs = zip(call.read(), call.digests(), strict=True)
    return next((key for draft, key in reversed(list(pairs)) if draft.role is USER), None), call.key
