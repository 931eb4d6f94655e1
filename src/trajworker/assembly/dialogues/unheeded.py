"""Lone calls that an app sent off at once beside its agent, and nobody was told what they said: a guard and a title."""

from collections import Counter
from collections.abc import Sequence

from trajworker.assembly.dialogues.groups import MANY, Group, system_of
from trajworker.assembly.dialogues.guards import said_by, words_in
from trajworker.assembly.dialogues.overlaps import ran_beside
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.likeness import bare, is_label
from trajworker.assembly.reading.roots import Root


def worked_beside(others: Sequence[Group], chosen: Group, root: Root | None) -> list[bool]:
    """For each group whether it ran beside another, as those do that share a work; of most, the times alone tell.

    What an app asks at once on its own account runs beside as well, each under a system prompt of its own. What workers
    said is told to who goes on from it, or given back as the agent's answer is.
    """
    beside = ran_beside(others)
    if root is None or True not in beside or len(others) > MANY:
        return beside
    groups = [chosen, *others]
    asked = Counter(tuple(system_of(one.calls[0])) for one in groups)
    for place, one in enumerate(others):
        if beside[place] and _is_alone(one) and asked[tuple(system_of(one.calls[0]))] == 1:
            readers = [other for other in groups if other is not one]
            beside[place] = _is_told(one.calls[0], readers) or _is_equal(one, chosen, root)
    return beside


def _is_alone(one: Group) -> bool:
    """Whether a group is one call that was answered, under a system prompt, and in no step of a graph."""
    call = one.calls[0]
    if len(one.calls) > 1 or call.answer.draft is None or call.about.langgraph_step is not None:
        return False
    return bool(system_of(call))


def _is_told(call: Call, readers: Sequence[Group]) -> bool:
    """Whether what a call said, or a word of it, stands in what others were asked and it was not."""
    words = {word for text in said_by(call) for word in (text, *words_in(text))}
    own = set(call.digests())
    for reader in (group.calls[place] for group in readers for place in (0, -1)):
        for draft, key in zip(reader.read(), reader.digests(), strict=True):
            if key not in own and draft.content and any(_has_word(draft.content, word) for word in words):
                return True
    return False


def _has_word(text: str, word: str) -> bool:
    """Whether a text has another in it: a bare word as a word, not as letters of one."""
    return (not is_label(word) and word in text) or bare(word) in bare(text)


def _is_equal(one: Group, chosen: Group, root: Root) -> bool:
    """Whether a trace gave back what both said, and named neither its answer."""
    return not root.named_answers() and root.shows(one.final) and root.shows(chosen.final)
