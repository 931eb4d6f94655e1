"""Answers that an app itself put together of what agents said at the same time: none of them is the main one."""

from collections import Counter
from collections.abc import Iterable, Sequence

from trajworker.assembly.dialogues.groups import Group
from trajworker.assembly.dialogues.overlaps import ran_beside
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.words import is_phrase


def is_joined(groups: Sequence[Group], root: Root | None) -> bool:
    """Whether the answer holds, word for word, what groups said beside each other, and no call said it whole."""
    told = _told(root, groups) if root is not None and len(groups) > 1 else None
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


def put_together(root: Root, parts: Iterable[str | None]) -> str | None:
    """The one text of a graph's state that holds several of these word for word: a node without a model wrote it."""
    known = {part for part in parts if part is not None and is_phrase(part)}
    if len(known) < 2:  # noqa: PLR2004 - a text is put together of several
        return None
    texts = [text for text in root.works() if sum(part in text for part in known - {text}) > 1]
    return texts[0] if len(texts) == 1 else None


def _told(root: Root, groups: Sequence[Group]) -> str | None:
    """The answer that the trace gave back."""
    if not root.trailing:
        return root.answer() or put_together(root, [one.final for one in groups])
    said = [draft.content.strip() for draft in root.turn_answers() if draft.content]
    return said[0] if said else None
