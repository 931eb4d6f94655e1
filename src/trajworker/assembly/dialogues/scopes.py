"""Sorts the llm calls of a trace: the agent's own, its sub-agents', parallel branches, and internal ones."""

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from operator import attrgetter

from msgspec import Struct

from trajworker.assembly.dialogues.bystanders import is_thrown_away, step_aside
from trajworker.assembly.dialogues.callers import by_caller
from trajworker.assembly.dialogues.finals import own_group, up_to_final
from trajworker.assembly.dialogues.grouping import group
from trajworker.assembly.dialogues.groups import Group, asks_alike, system_of
from trajworker.assembly.dialogues.guards import decided_otherwise, is_unheard
from trajworker.assembly.dialogues.joins import fanned_out, is_joined
from trajworker.assembly.dialogues.overlaps import parallel, ran_beside
from trajworker.assembly.dialogues.reopened import with_handing, with_new_contexts
from trajworker.assembly.dialogues.unheeded import worked_beside
from trajworker.assembly.kept.context import Context, Past
from trajworker.assembly.reading.calls import Call, in_order
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.tool_runs import Ran, ToolRun
from trajworker.assembly.reading.words import MIN_QUOTE
from trajworker.dialects import digest
from trajworker.dialects.placeholders import text_of
from trajworker.model.message import USER, ToolCall

NOTHING_BEFORE = Past(Context())
_HIDDEN = frozenset({"middleware", "compaction"})


class Sorted(Struct, eq=False, gc=False):
    """The calls of one agent, and the others beside it."""

    main: list[Call]
    branches: list[Group]
    internal: list[Call]
    summaries: list[str] = []
    """What calls wrote down of the dialogue, for it to go on from."""
    reopening: list[Call] = []
    """Those of the agent's that begin in a new context."""
    passed_over: AbstractSet[bytes] = frozenset()
    """Digests of what others said over a dialogue's messages, and it left out."""

    def apart(self) -> set[bytes | str]:
        """What branches said, by digest, and the ids of the calls in it."""
        if not self.branches:
            return set()
        calls = [call for one in self.branches for call in one.answered]
        return {call.key for call in calls}.union(*(call.ids for call in calls))

    def by_caller(self, runs: list[ToolRun]) -> tuple[list[ToolRun], list[list[ToolRun]]]:
        """The agent's own tool runs, and those of each branch."""
        if not self.branches:
            return runs, []
        own, *others = by_caller([self.main, *(branch.calls for branch in self.branches)], runs)
        return own, others


def owner(path: Sequence[str], tools: dict[str, ToolRun]) -> str:
    """Id of the innermost tool run above, empty for the main agent."""
    if tools.keys().isdisjoint(path):
        return ""
    return next(one for one in reversed(path) if one in tools)


def is_internal(call: Call) -> bool:
    """Whether a call is no part of the conversation: its metadata (langsmith-api.md section 6) or its place says so."""
    about = call.about
    if call.guards or about.lc_source or about.ls_message_view_exclude is not None:
        return True
    if about.ls_agent_type is not None and text_of(about.ls_agent_type) in _HIDDEN:
        return True
    node = about.langgraph_node
    return isinstance(node, str) and "Middleware." in node


def agent_name(call: Call) -> str | None:
    """What the metadata calls the agent that a call belongs to."""
    about = call.about
    for name in (about.ls_subagent_type, about.lc_agent_name, about.langgraph_node, call.run.name):
        if isinstance(name, str) and name:
            return name
    return None


def sort_calls(
    calls: list[Call], root: Root | None, runs: Sequence[ToolRun] = (), past: Past = NOTHING_BEFORE
) -> Sorted:
    """Tell the agent's own calls from branches and internal ones.

    Below a tool nobody speaks to an agent: calls that ask alike at the same time are agents of equal rank.
    A single answer that calls what no tool run bears the name of is structured output, not an agent's.
    """
    internal = [call for call in calls if is_internal(call)]
    own = [call for call in calls if not is_internal(call)] if internal else calls
    if decided_otherwise(own, root, past.context):
        return Sorted(main=[], branches=[], internal=in_order(calls), passed_over={call.key for call in own})
    if is_unheard(own, root) and not _gives_back(internal, root):
        return _of_equals(fanned_out(group(own)), calls)
    if len(own) <= 1:
        return Sorted(main=own, branches=[], internal=internal)
    ran = Ran.of(runs)
    groups = group(own, ran)
    step_aside(groups, root, ran)
    if len(groups) == 1:
        chosen, behind = up_to_final(groups[0], root, ran)
        return _with_others(Sorted(chosen.calls, [], internal + behind), groups)
    if is_joined(groups, root):
        return _of_equals([one for one, beside in zip(groups, ran_beside(groups), strict=True) if beside], calls)
    return _with_others(_sort_dialogues(groups, root, ran, internal, past), groups)


def _with_others(found: Sorted, groups: list[Group]) -> Sorted:
    """The calls of dialogues with those beside them: summaries of what was said, and what others said over it."""
    for one in groups:
        if one.summaries or one.bystanders:
            found.internal += one.summaries + one.bystanders
            found.summaries += [call.text for call in one.summaries if call.text is not None]
            found.passed_over |= {call.key for call in one.bystanders}
    found.internal = in_order(found.internal)
    return found


def _sort_dialogues(groups: list[Group], root: Root | None, ran: Ran, internal: list[Call], past: Past) -> Sorted:
    """Tell the agent's own dialogue from others; `internal` calls belong to none."""
    chosen = with_handing(own_group(groups, root, ran, past), groups, ran)
    chosen, reopening = with_new_contexts(chosen, groups, root)
    chosen, behind = up_to_final(chosen, root, ran)
    if root is None:
        for one in groups:
            one.twin = one is not chosen and parallel(one, chosen) and asks_alike(one, chosen)
    own_ids = {id(call) for call in [*chosen.calls, *behind]}
    others = [one for one in groups if id(one.calls[0]) not in own_ids]
    passed_on, workers = _passed_on(chosen), _workers(others, ran.names) - {_asked_with(chosen)}
    branches: list[Group] = []
    for one, beside in zip(others, worked_beside(others, chosen, root), strict=True):
        one.asked_by = _asking(one, passed_on, ran)
        apart = _asked_with(one) in workers or _stands_apart(one, ran.names, beside=beside)
        if apart and not is_thrown_away(one, chosen):
            branches.append(one)
        else:
            behind += one.calls
    return Sorted(chosen.calls, branches, internal + behind, reopening=reopening)


def _workers(groups: list[Group], ran: Collection[str]) -> set[tuple[bytes, ...]]:
    """The system prompts of agents that work with tools: asked for another step, one may know the answer at once."""
    return {_asked_with(one) for one in groups if _works(one, ran)} - {()}


def _works(one: Group, ran: Collection[str]) -> bool:
    """Whether a group called a tool that ran."""
    return any(not call.names.isdisjoint(ran) for call in one.calls)


def _asked_with(one: Group) -> tuple[bytes, ...]:
    """The system prompts that a group began with."""
    return tuple(system_of(one.calls[0]))


def _gives_back(internal: list[Call], root: Root | None) -> bool:
    """Whether what a trace gave back is what an internal call said: a guardrail that asks an agent of its own."""
    said = {call.key for call in internal}
    return root is not None and any(digest(draft) in said for draft in root.turn_answers())


def _of_equals(branches: list[Group], calls: list[Call]) -> Sorted:
    """Calls of which none is the agent's own: those of branches, and internal ones."""
    apart = {id(call) for one in branches for call in one.calls}
    return Sorted(main=[], branches=branches, internal=in_order([call for call in calls if id(call) not in apart]))


def _stands_apart(one: Group, ran: Collection[str], *, beside: bool) -> bool:
    """Whether a group is another agent's dialogue; else its calls are internal ones."""
    if one.asked_by is not None or one.twin or _works(one, ran):
        return True
    return beside if len(one.answered) <= 1 else not _only_chooses(one)


def _only_chooses(one: Group) -> bool:
    """Whether all that a group's calls said is one call over and over that nothing answers: a router, asked anew."""
    names, ids = one.answered[0].names, {made for call in one.answered for made in call.ids}
    if not all(call.names == names and call.ids and call.text is None for call in one.answered):
        return False
    drafts = [draft for call in one.calls for draft in call.read()]
    again = {made.id for draft in drafts for made in draft.tool_calls or ()}
    return ids.isdisjoint(again.union(draft.tool_response.id for draft in drafts if draft.tool_response is not None))


class _Handed(Struct, eq=False, gc=False):
    """A tool call that an agent made in one of its answers, and waited for until it was asked again."""

    place: int
    made: ToolCall
    asking: Call
    until: datetime | None

    def is_waited_for(self, began: datetime, ran: Ran) -> bool:
        """Whether its tool may have begun at a time: not before its agent, which may wait for it inside of its run."""
        asked = self.asking.run
        since = asked.end_time if self.asking.acts(ran) and asked.end_time is not None else asked.start_time
        return since <= began and (self.until is None or began <= self.until)


def _passed_on(main: Group) -> dict[str, list[_Handed]]:
    """Texts in the agent's tool calls that may be what another was asked."""
    found: dict[str, list[_Handed]] = {}
    place = 0
    for call, following in zip(main.calls, (*main.calls[1:], None), strict=True):
        until = following.run.start_time if following is not None else None
        for made in (call.answer.draft.tool_calls or ()) if call.answer.draft is not None else ():
            texts = [text.strip() for text in (made.arguments or {}).values() if isinstance(text, str)]
            for text in texts:
                if len(text) >= MIN_QUOTE:
                    found.setdefault(text, []).append(_Handed(place=place, made=made, asking=call, until=until))
                    place += 1
    return found


def _asking(one: Group, passed_on: dict[str, list[_Handed]], ran: Ran) -> ToolCall | None:
    """The agent's tool call that holds, word for word, what another was asked: its tool works with a model itself."""
    if not passed_on:
        return None
    began = one.calls[0].run.start_time
    asked = {draft.text for draft in one.calls[0].read() if draft.role is USER}
    found = [handed for text in asked for handed in passed_on.get(text, ()) if handed.is_waited_for(began, ran)]
    return min(found, key=attrgetter("place")).made if found else None
