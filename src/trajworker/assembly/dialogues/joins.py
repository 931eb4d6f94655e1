"""Answers that an app itself put together of what agents said at the same time: none of them is the main one."""

from collections import Counter
from collections.abc import Sequence

from trajworker.assembly.dialogues.groups import Group
from trajworker.assembly.dialogues.overlaps import ran_beside
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.words import is_phrase


def is_joined(groups: Sequence[Group], root: Root | None) -> bool:
    """Whether the answer holds, word for word, what groups said beside each other, and no call said it whole."""
    told = _told(root) if root is not None and len(groups) > 1 else None
    if told is None or any(call.text == told for one in groups for call in one.answered):
        return False
    quoted = [one for one in groups if one.final is not None and is_phrase(one.final) and one.final in told]
    return len(quoted) > 1 and all(ran_beside(quoted))


def fanned_out(groups: Sequence[Group]) -> list[Group]:
    """The groups that one node of a graph began beside each other, each for a part of the work."""
    nodes = [str(one.calls[0].about.langgraph_node) for one in groups]
    times = Counter(nodes)
    return [
        one for one, node, beside in zip(groups, nodes, ran_beside(groups), strict=True)
        if beside and times[node] > 1 and one.calls[0].about.langgraph_node is not None
    ]  # fmt: skip


def _told(root: Root) -> str | None:
    """The answer that the trace gave back."""
    if not root.trailing:
        return root.answer()
    said = [draft.content.strip() for draft in root.turn_answers() if draft.content]
    return said[0] if said else None
