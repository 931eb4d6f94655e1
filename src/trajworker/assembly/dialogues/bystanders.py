"""Calls of other agents over a dialogue's own messages (a judge, say), whose answers the dialogue leaves out."""

from collections.abc import Sequence

from trajworker.assembly.dialogues.groups import Group, system_of
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.tool_runs import Ran
from trajworker.dialects import digest
from trajworker.model.message import SYSTEM


def leaves_out(call: Call, one: Group, ran: Ran) -> bool:
    """Whether a prompt goes on from the answer before a dialogue's last one, and leaves that out.

    The last is another agent's then, which read the dialogue under a system prompt of its own: had the word been
    handed to it, what it said would stand in the history as an answer (as a user's word, a critique may).
    """
    if len(one.calls) == 1 or _asked_alike(*one.calls[-2:]):
        return False
    own, last = one.calls[-2:]
    if own.text is None or last.acts(ran) or not system_of(call) == system_of(own) != system_of(last):
        return False
    told = [*_said_to(own), own.key]
    mine, other = _said_to(call), _said_to(last)
    if mine[: len(told)] != told or other[: len(told)] != told or last.key in mine:
        return False
    known = set(other)
    behind = [draft for draft, key in zip(call.read(), call.digests(), strict=True) if key not in known]
    answered = {draft.tool_response.id for draft in behind if draft.tool_response is not None}
    return last.ids.isdisjoint(answered.union(made.id for draft in behind for made in draft.tool_calls or ()))


def step_aside(groups: Sequence[Group], root: Root | None, ran: Ran) -> None:
    """Leave out a dialogue's last call too where it is one more of an agent's that was left out before.

    Nothing comes behind it that would tell: its answer is no words for a user, as the others' were, and the trace gave
    it back at most as what was said last (OpenAI Agents).
    """
    for one in groups:
        if not one.bystanders:
            continue
        last = one.calls[-1]
        before = [call for call in one.bystanders if system_of(call) == system_of(last)]
        if not before or system_of(one.calls[0]) == system_of(last) or last.acts(ran):
            continue
        if all(map(_is_wordless, (last, *before))) and not _is_told(last, one, root):
            one.bystanders.append(one.calls.pop())


def _is_told(last: Call, one: Group, root: Root | None) -> bool:
    """Whether a trace gave an answer back as its own, or in a state that holds what the agent said before, too."""
    if root is None:
        return False
    if not root.trailing:
        return last.text in root.finals()
    kept = {digest(draft) for draft in root.turn_answers()}
    return last.key in kept and any(call.key in kept for call in one.calls[:-1])


def is_thrown_away(one: Group, chosen: Group) -> bool:
    """Whether a group is an answer that others judged, and its agent was asked for anew (told why, maybe)."""
    first, again, judging = one.calls[0], chosen.calls[0], one.calls[1:]
    if not judging or any(call.ids for call in one.calls) or one.calls[-1].run.start_time > again.run.start_time:
        return False
    if any(system_of(call) == system_of(first) for call in judging) or _said_to(first) != _said_to(again):
        return False
    prompt = _system_text(first)
    return bool(prompt) and _system_text(again).startswith(prompt)


def _system_text(call: Call) -> str:
    """All system prompts of a call."""
    return "\n".join(draft.content or "" for draft in call.read() if draft.role is SYSTEM)


def _asked_alike(one: Call, other: Call) -> bool:
    """Whether two calls were given the same system prompts: a look that decodes nothing, and may miss."""
    mine, before = other.prompt.array, one.prompt.array
    if mine is None or before is None or not mine.startswith(before[:-1]):
        return False
    pairs = one.prompt.system, other.prompt.system
    return len(pairs[0]) == len(pairs[1]) and all(a.content == b.content for a, b in zip(*pairs, strict=True))


def _said_to(call: Call) -> list[bytes]:
    """Digests of all that a prompt says but its system prompts."""
    systems = system_of(call)
    return [key for key in call.digests() if key not in systems]


def _is_wordless(call: Call) -> bool:
    """Whether an answer is an object, not words."""
    return call.text is None or (call.text.startswith("{") and call.text.endswith("}"))
