"""Which of a trace's dialogues is the agent's own, and where it ends: told by what the trace gave back."""

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet

from trajworker.assembly.dialogues.evidence import tellers
from trajworker.assembly.dialogues.groups import Group, system_of
from trajworker.assembly.dialogues.overlaps import ran_beside
from trajworker.assembly.reading.calls import Call, in_order
from trajworker.assembly.reading.payloads import answer_in, decoded
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.tool_runs import Ran
from trajworker.assembly.reading.words import MIN_QUOTE, is_phrase
from trajworker.dialects import ANSWERS, otel
from trajworker.dialects.speech import RAW
from trajworker.model.message import USER
from trajworker.model.run import Run

MANY = 32
"""Dialogues in one trace from which on it is a batch of them: none is taken to sum up another, or to go on from it."""


def own_group(groups: list[Group], root: Root | None, ran: Ran) -> Group:
    """The agent's: what a graph kept, else whose answer the trace gave back, else the last that the root speaks to."""
    kept = _kept(groups, root)
    if kept is not None:
        return kept
    groups = _not_about_others(groups)
    answers = root.named_answers() if root is not None else []
    telling = _telling(groups, answers, ran)
    if telling:
        return next((one for one in reversed(telling) if one.final in answers), telling[-1])
    given_back = _given_back(groups, root.finals(), ran) if root is not None and not answers else []
    if given_back:
        found = _spoken_to(given_back, root)[-1]
        return found if root is None else _end_of_chain(found, given_back, root.works())
    return max(_spoken_to(groups, root), key=lambda one: (len(one.calls) > 1, one.calls[-1].run.start_time))


def _telling(groups: list[Group], texts: Collection[str], ran: Ran) -> list[Group]:
    """The groups of which the surest evidence tells that they said one of these texts."""
    calls = tellers([call for one in groups for call in one.calls], texts, ran) if texts else []
    said = {id(call) for call in calls}
    return [one for one in groups if any(id(call) in said for call in one.calls)] if said else []


def up_to_final(chosen: Group, root: Root | None, ran: Ran) -> tuple[Group, list[Call]]:
    """The calls up to the answer that the trace gave back, and those that only work on it (a title, a rating)."""
    calls = chosen.calls
    if root is None or calls[-1].acts(ran):
        return chosen, []
    earlier = [call.text for call in calls[:-1] if not call.ids and call.text is not None]
    if not earlier or (root.shows(calls[-1].text) and not any(map(root.shows, earlier))):
        return chosen, []
    finals, told = root.finals(), root.answer()
    kept = _up_to_kept(calls, root)
    if kept and calls[-1].text not in finals and not any(call.ids for call in calls[kept:]):
        return Group(calls=calls[:kept]), calls[kept:]
    answers = [call for call in calls if told is not None and call.text == told]
    if calls[-1] in answers or (calls[-1].text in finals and not answers):
        return chosen, []
    for place in range(len(calls) - 1, 0, -1):
        last, behind = calls[place - 1], calls[place:]
        if last.text is None or last.text not in finals or any(call.acts(ran) for call in behind):
            continue
        if last in answers or all(system_of(call) != system_of(last) for call in behind):
            return Group(calls=calls[:place]), behind
    return chosen, []


def _up_to_kept(calls: Sequence[Call], root: Root) -> int:
    """How many calls there are up to the last whose answer a graph kept in its state; none where it kept none."""
    ids = root.turn_ids()
    return max((place for place, call in enumerate(calls, 1) if _is_kept(call, ids)), default=0)


def _kept(groups: list[Group], root: Root | None) -> Group | None:
    """The groups whose answers a graph kept in its state, as one: it may render a prompt anew for each of its nodes."""
    ids = root.turn_ids() if root is not None else set()
    kept = [one for one in groups if any(_is_kept(call, ids) for call in one.calls)] if ids else []
    return Group(calls=in_order([call for one in _one_by_one(kept) for call in one.calls])) if kept else None


def _one_by_one(kept: list[Group]) -> list[Group]:
    """Those that are one dialogue: not what ran beside each other while the first of them waited for it."""
    if len(kept) < 3:  # noqa: PLR2004 - who waits, and two of those
        return kept
    first, *others = kept
    again = first.calls[-1].run.start_time
    pairs = zip(others, ran_beside(others), strict=True)
    return [first, *(one for one, beside in pairs if not beside or one.calls[-1].run.start_time > again)]


def _is_kept(call: Call, ids: AbstractSet[str]) -> bool:
    return call.answer.draft is not None and call.answer.draft.id in ids


def _given_back(groups: list[Group], finals: set[str], ran: Ran) -> list[Group]:
    """The groups whose last answer a trace gave back, else any answer, else what a call holds that no tool ran for."""
    last = [one for one in groups if one.final is not None and one.final in finals]
    said = last or [one for one in groups if any(call.text in finals for call in one.answered)]
    return said or [one for one in groups if not finals.isdisjoint(_shaped(one, ran))]


def _end_of_chain(found: Group, groups: list[Group], fields: set[str]) -> Group:
    """The last of groups that were each asked with the answer of the one before, and whose own fills a field.

    Where several were asked with it beside each other, each works on it and none goes on from it.
    """
    later = [one for one in groups if one.place > found.place and one.final in fields] if len(groups) <= MANY else []
    made = [one for one in later if _is_made_of(one, found.final)]
    if not made or not all(_is_made_of(made[-1], one.final) for one in made[:-1]):
        return found
    return _end_of_chain(made[-1], groups, fields)


def _is_made_of(one: Group, text: str | None) -> bool:
    """Whether a group was asked with a text and answered at some length; a title or a verdict only works on it."""
    if text is None or one.final is None or not is_phrase(one.final) or len(one.final) * 2 < len(text):
        return False
    return len(text) >= MIN_QUOTE and any(text in (draft.content or "") for draft in one.calls[0].read())


def _shaped(one: Group, ran: Ran) -> set[str]:
    """What the calls of a group were given that no tool ran for: an answer in a shape that the app asked for."""
    drafts = [call.answer.draft for call in one.answered if not call.acts(ran)]
    made = [call for draft in drafts if draft is not None for call in draft.tool_calls or ()]
    return {text.strip() for call in made for text in (call.arguments or {}).values() if isinstance(text, str)}


def _not_about_others(groups: list[Group]) -> list[Group]:
    """All groups but lone calls that sum up one of the dialogues; who writes about several is asked by the user."""
    dialogues = [one for one in groups if len(one.calls) > 1]
    if not 0 < len(dialogues) <= MANY:
        return groups
    return [
        one for one in groups
        if len(one.calls) > 1 or sum(_sums_up(one.calls[0], other) for other in dialogues) != 1
    ]  # fmt: skip


def _sums_up(call: Call, dialogue: Group) -> bool:
    """Whether a prompt holds, word for word, several questions and an answer of a dialogue, and asks something else."""
    first = dialogue.calls[0]
    if call.digests()[-1:] == first.digests()[-1:] and all(draft.role is USER for draft in first.read()[-1:]):
        return False  # it is asked once more, as an answer that was thrown away was
    prompt = "\n".join(draft.content or "" for draft in call.read())
    asked = {draft.content for draft in dialogue.calls[-1].read() if draft.role is USER and draft.content}
    quoted = [text for text in asked if len(text) >= MIN_QUOTE and text in prompt]
    return len(quoted) > 1 and any(one.text is not None and one.text in prompt for one in dialogue.answered)


def _spoken_to(groups: list[Group], root: Root | None) -> list[Group]:
    """The groups in whose prompts the root's own words stand; all where they stand in none."""
    if root is None:
        return groups
    said = {draft.content for draft in root.words if draft.content} | set(root.texts.values())
    return [
        one for one in groups
        if any(draft.role is USER and draft.content in said for draft in one.calls[0].read())
    ] or groups  # fmt: skip


def text_without_call(run: Run, root: Root) -> str | None:
    """Text that a root gave back although no llm run made it: an answer in any words, else its only new text."""
    outputs = otel.unwrapped(decoded(run.outputs))
    draft = answer_in(outputs)
    if draft is not None and RAW not in draft.flags:
        return draft.content
    told = outputs.items() if isinstance(outputs, dict) else ()
    if any(name in ANSWERS and not text for name, text in told):
        return None  # a field for the answer says that there was none
    texts = [text for name, text in told if isinstance(text, str) and text and root.texts.get(name) != text]
    return texts[0] if len(texts) == 1 else None
