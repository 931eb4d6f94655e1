"""Answers that an app itself put together of what agents said at the same time: none of them is the main one."""

from collections import Counter
from collections.abc import Iterable, Sequence

from trajworker.assembly.dialogues.groups import Group
from trajworker.assembly.dialogues.overlaps import ran_beside
from trajworker.assembly.reading.likeness import is_label
from trajworker.assembly.reading.naming import is_about_answer
from trajworker.assembly.reading.payloads import answer_in
from trajworker.assembly.reading.roots import MAX_PLAIN_BYTES, Root
from trajworker.assembly.reading.words import is_phrase
from trajworker.dialects import ANSWERS


def is_joined(groups: Sequence[Group], root: Root | None) -> bool:
    """Whether the answer holds, word for word, what groups said beside each other, and no call said it whole.

    So does one that is no more than what each of them said, under a name of its own.
    """
    if root is None or len(groups) < 2:  # noqa: PLR2004 - some beside each other
        return False
    if _gave_each(root, groups):
        return True
    told = _told(root, groups)
    if told is None or any(call.text == told for one in groups for call in one.answered):
        return False
    quoted = [one for one in groups if one.final is not None and is_phrase(one.final) and one.final in told]
    return len(quoted) > 1 and all(ran_beside(quoted))


def _gave_each(root: Root, groups: Sequence[Group]) -> bool:
    """Whether a trace gave back what each of several groups said beside the others, and named none of it the answer."""
    outputs = root.said() if not root.trailing and len(root.outputs) < MAX_PLAIN_BYTES else None
    if not isinstance(outputs, dict) or any(name in ANSWERS or is_about_answer(name) for name in outputs):
        return False
    drafts = map(answer_in, outputs.values())
    texts = {draft.text for draft in drafts if draft is not None}
    said = [one for one in groups if one.final in texts and not is_label(one.final)]
    return 1 < len(outputs) == len(texts) == len(said) and all(ran_beside(said))


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
