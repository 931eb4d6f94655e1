"""Sorts the llm calls of a trace: the agent's own, its sub-agents', parallel branches, and internal ones."""

from collections.abc import Sequence

from msgspec import Struct

from trajworker.assembly.calls import Call
from trajworker.assembly.context import Context
from trajworker.assembly.groups import Group, asks_alike, group, parallel, system_of
from trajworker.assembly.payloads import text_of
from trajworker.assembly.roots import Root
from trajworker.assembly.sharing import share
from trajworker.assembly.tool_runs import ToolRun
from trajworker.assembly.words import MIN_QUOTE
from trajworker.dialects import Draft, digest
from trajworker.model.message import Role, ToolCall

NOTHING_BEFORE = Context()
_HIDDEN = frozenset({"middleware", "compaction"})
MANNER = 24
"""Characters at the beginning of a prompt without system prompt by which others made of its template are known."""


class Sorted(Struct, eq=False, gc=False):
    """The calls of one agent, and the others beside it."""

    main: list[Call]
    branches: list[Group]
    internal: list[Call]

    def share(self, runs: list[ToolRun]) -> tuple[list[ToolRun], list[list[ToolRun]]]:
        """The agent's own tool runs, and those of each branch."""
        if not self.branches:
            return runs, []
        own, *shared = share([self.main, *(branch.calls for branch in self.branches)], runs)
        return own, shared


def in_order(calls: list[Call]) -> list[Call]:
    """Calls by start; at the same instant the shorter prompt first, because it was asked before."""
    if len(calls) < 2:  # noqa: PLR2004 - nothing to put in order
        return calls
    return sorted(
        calls,
        key=lambda call: (
            call.run.start_time,
            len(call.prompt.array) if call.prompt.array is not None else len(call.prompt.drafts),
            call.run.dotted_order,
            call.run.id,
        ),
    )


def owner(path: Sequence[str], tools: dict[str, ToolRun]) -> str:
    """Id of the innermost tool run above, empty for the main agent."""
    if tools.keys().isdisjoint(path):
        return ""
    return next(one for one in reversed(path) if one in tools)


def is_internal(call: Call) -> bool:
    """Whether the metadata says that a call is no part of the conversation (langsmith-api.md section 6)."""
    about = call.about
    if about.lc_source or about.ls_message_view_exclude is not None or text_of(about.ls_agent_type) in _HIDDEN:
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
    calls: list[Call], root: Root | None, runs: Sequence[ToolRun] = (), before: Context = NOTHING_BEFORE
) -> Sorted:
    """Tell the agent's own calls from branches and internal ones.

    The agent's groups are those whose answers the trace gave back; else the last that the root's own words stand in.
    Below a tool nobody speaks to an agent: calls that ask alike at the same time are agents of equal rank.
    A single answer that calls what no tool run bears the name of is structured output, not an agent's.
    """
    internal = [call for call in calls if is_internal(call)]
    own = [call for call in calls if call not in internal] if internal else calls
    if _unheard(own, root) or _decided_otherwise(own, root, before):
        return Sorted(main=[], branches=[], internal=in_order([*internal, *own]))
    if len(own) <= 1:
        return Sorted(main=own, branches=[], internal=internal)
    groups = group(own)
    chosen = groups[0] if len(groups) == 1 else _kept(groups, root) or _main(groups, root, runs)
    chosen, behind = _up_to_final(chosen, root, runs)
    internal += behind
    if len(groups) == 1:
        return Sorted(main=chosen.calls, branches=[], internal=internal)
    if root is None:
        for one in groups:
            one.twin = one is not chosen and parallel(one, chosen) and asks_alike(one, chosen)
    own_ids = {id(call) for call in [*chosen.calls, *behind]}
    others = [one for one in groups if id(one.calls[0]) not in own_ids]
    for one in others:
        one.asked_by = _asking(one, chosen)
    ran = {run.name for run in runs}
    branches = [
        one
        for one in others
        if one.asked_by is not None
        or one.twin
        or len(one.answered) > 1
        or any(call.names & ran for call in one.calls)
        or any(parallel(one, other) for other in others if other is not one)
    ]
    internal += [call for one in others if one not in branches for call in one.calls]
    return Sorted(main=chosen.calls, branches=branches, internal=in_order(internal))


def _unheard(calls: list[Call], root: Root | None) -> bool:
    """Whether a graph answered in other words than any call's: the calls only chose which words."""
    if root is None or not root.trailing or not calls:
        return False
    texts = [Group(calls=[call]).final for call in calls if not call.failed]
    if not texts or not all(texts) or any(call.ids for call in calls):
        return False
    said = root.turn_answers()
    ids = {call.answer.draft.id for call in calls if call.answer.draft is not None}
    told = [draft.content.strip() for draft in said if draft.content and not draft.tool_calls]
    if not told or len(told) < len(said) or any(draft.id in ids for draft in said):
        return False
    return not any(text and (text in one or one in text) for text in texts for one in told)


def _decided_otherwise(calls: list[Call], root: Root | None, before: Context) -> bool:
    """Whether an app answered in its own words after a call that stood beside its agent's in traces before (a guard).

    Such a call is asked as that was, without history, and what it answered is not what the root gave.
    """
    if root is None or len(calls) != 1 or not before.internal or calls[0].failed:
        return False
    draft = calls[0].answer.draft
    text = (draft.content or "").strip() if draft is not None else ""
    told = root.answer()
    if not told or (text and (text in told or told in text)):
        return False
    asked = manner(calls[0])
    if not asked or not all(key in before.internal for key in asked):
        return False
    return all(draft.role in (Role.SYSTEM, Role.USER) for draft in calls[0].read())


def manner(call: Call) -> list[bytes]:
    """How a call is asked: its system prompts, else how its prompt begins, as digests; none where that is too short."""
    prompts = system_of(call)
    text = next((draft.content or "" for draft in call.read() if draft.role is Role.USER), "") if not prompts else ""
    return [digest(Draft(role=Role.USER, content=text[:MANNER]))] if len(text) >= MANNER else prompts


def _asking(one: Group, main: Group) -> ToolCall | None:
    """The agent's tool call that holds, word for word, what another was asked: its tool works with a model itself."""
    asked = {(draft.content or "").strip() for draft in one.calls[0].read() if draft.role is Role.USER}
    for call in main.answered:
        for made in (call.answer.draft.tool_calls or ()) if call.answer.draft is not None else ():
            texts = {text.strip() for text in (made.arguments or {}).values() if isinstance(text, str)}
            if any(len(text) >= MIN_QUOTE and text in asked for text in texts):
                return made
    return None


def _begins_like(call: Call, first: Call) -> bool:
    """Whether a prompt begins, byte for byte, with another: then the agent is the same, and nothing need be decoded."""
    mine, before = call.prompt.array, first.prompt.array
    return mine is not None and before is not None and mine.startswith(before[:-1]) and not call.prompt.system


def _acts(call: Call, runs: Sequence[ToolRun]) -> bool:
    """Whether a tool ran that an answer calls."""
    return any(run.call_id in call.ids if run.call_id is not None else run.name in call.names for run in runs)


def _up_to_final(chosen: Group, root: Root | None, runs: Sequence[ToolRun]) -> tuple[Group, list[Call]]:
    """The calls up to the answer that the trace gave back, and those that only work on it (a title, a rating)."""
    last = chosen.calls[-1]
    if root is None or _acts(last, runs) or len(chosen.calls) == 1 or _begins_like(last, chosen.calls[0]):
        return chosen, []
    finals = root.finals()
    if Group(calls=[last]).final in finals:
        return chosen, []
    for place in range(len(chosen.calls) - 1, 0, -1):
        if Group(calls=chosen.calls[place - 1 : place]).final in finals:
            prompt, behind = system_of(chosen.calls[place - 1]), chosen.calls[place:]
            if all(system_of(call) != prompt for call in behind):
                return Group(calls=chosen.calls[:place]), behind
    return chosen, []


def _kept(groups: list[Group], root: Root | None) -> Group | None:
    """The groups whose answers a graph kept in its state, as one: it may render a prompt anew for each of its nodes."""
    ids = root.turn_ids() if root is not None else set()
    kept = [one for one in groups if any(call.answer.draft is not None and call.answer.draft.id in ids
                                         for call in one.calls)] if ids else []  # fmt: skip
    return Group(calls=in_order([call for one in kept for call in one.calls])) if kept else None


def _main(groups: list[Group], root: Root | None, runs: Sequence[ToolRun]) -> Group:
    # whoever writes about several dialogues is asked by the user, who writes about one works for it
    groups = [one for one in groups if sum(_sums_up(one, other) for other in groups) != 1] or groups
    finals = root.finals() if root is not None else set()
    given_back = _given_back(groups, finals, runs) if finals else []
    if len(given_back) == 1:
        return given_back[0]
    told = root.answer() if root is not None and given_back else None
    answering = [one for one in given_back if one.final == told]
    if answering:
        return answering[-1]
    candidates = _spoken_to(given_back or groups, root)
    if given_back:
        return candidates[-1]
    return max(candidates, key=lambda one: (len(one.calls) > 1, one.calls[-1].run.start_time))


def _given_back(groups: list[Group], finals: set[str], runs: Sequence[ToolRun]) -> list[Group]:
    """The groups whose last answer a trace gave back; else those of which it gave back any, or what a call was given.

    A call that no tool ran for is how a model answers in a shape that the app asked for.
    """
    last = [one for one in groups if one.final is not None and one.final in finals]
    if last:
        return last
    texts = [{Group(calls=[call]).final for call in one.answered} for one in groups]
    shapes = [
        {
            text.strip()
            for call in one.answered if not _acts(call, runs)
            for made in (call.answer.draft.tool_calls or () if call.answer.draft is not None else ())
            for text in (made.arguments or {}).values() if isinstance(text, str)
        } for one in groups
    ]  # fmt: skip
    found = [one for one, said in zip(groups, texts, strict=True) if not finals.isdisjoint(said)]
    return found or [one for one, said in zip(groups, shapes, strict=True) if not finals.isdisjoint(said)]


def _sums_up(one: Group, other: Group) -> bool:
    """Whether a lone prompt holds, word for word, several questions and an answer of a dialogue: it is about that."""
    if len(one.calls) > 1 or len(other.calls) == 1:
        return False
    prompt = "\n".join(draft.content or "" for draft in one.calls[0].read())
    asked = {draft.content for draft in other.calls[-1].read() if draft.role is Role.USER and draft.content}
    quoted = [text for text in asked if len(text) >= MIN_QUOTE and text in prompt]
    answers = [Group(calls=[call]).final for call in other.answered]
    return len(quoted) > 1 and any(text is not None and text in prompt for text in answers)


def _spoken_to(groups: list[Group], root: Root | None) -> list[Group]:
    """The groups in whose prompts the root's own words stand; all where they stand in none."""
    if root is None:
        return groups
    said = {draft.content for draft in root.words if draft.content} | set(root.texts.values())
    return [
        one for one in groups
        if any(draft.role is Role.USER and draft.content in said for draft in one.calls[0].read())
    ] or groups  # fmt: skip
