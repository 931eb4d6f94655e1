"""Which of a trace's dialogues is the agent's own, and where it ends: told by what the trace gave back."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from trajworker.assembly.dialogues.evidence import tellers, telling
from trajworker.assembly.dialogues.groups import MANY, Group, spoken_to, system_of
from trajworker.assembly.dialogues.guards import is_asked_alike
from trajworker.assembly.dialogues.overlaps import ran_beside
from trajworker.assembly.dialogues.unnamed_answers import last_filling
from trajworker.assembly.kept.context import Past
from trajworker.assembly.reading.calls import Call, in_order
from trajworker.assembly.reading.likeness import is_label
from trajworker.assembly.reading.payloads import answer_in, decoded
from trajworker.assembly.reading.roots import Root
from trajworker.assembly.reading.tool_runs import Ran
from trajworker.assembly.reading.tooling import definitions
from trajworker.assembly.reading.words import MIN_QUOTE, is_phrase
from trajworker.dialects import ANSWERS, otel
from trajworker.dialects.speech import RAW
from trajworker.model.message import ASSISTANT, USER
from trajworker.model.run import Run


def own_group(groups: list[Group], root: Root | None, ran: Ran, past: Past) -> Group:
    """The agent's: what a graph kept, else whose answer the trace gave back, else who is likely to have answered."""
    kept = _kept(groups, root)
    if kept is not None:
        return kept
    groups = _not_about_others(groups)
    found = _answering(groups, root, ran) if root is not None else None
    if found is None and root is not None:
        found = _broken_off(groups, root, past)
    return found if found is not None else _likely(groups, root)


def _answering(groups: list[Group], root: Root, ran: Ran) -> Group | None:
    """Whose answer the trace gave back; None where it does not tell."""
    answers = root.named_answers()
    told = answers or root.last_words()
    found = telling(groups, told, ran)
    if found:
        said = [one for one in found if one.final in told] or found
        return next((one for one in reversed(said) if _is_agent(one)), said[-1])
    if answers and any(len(one.calls) > 1 or _may_act(one) for one in groups):
        return None  # an agent answered, and the app put it into words of its own
    return last_filling(groups, root, ran)


def _is_agent(one: Group) -> bool:
    """Whether somebody has a dialogue of his own, be it in what was said before: no lone call that works on a text."""
    heard = any(draft.role is ASSISTANT for draft in one.calls[0].read())
    return len(one.calls) > 1 or heard or _may_act(one)


def _broken_off(groups: list[Group], root: Root, past: Past) -> Group | None:
    """The agent's, in a trace whose last call got no further, and which gave nothing back, or words of the app's own.

    It alone is asked under a system prompt of the traces before. Else it is who got no further, where the others stood
    beside the agent there, or it alone is asked with what was said before.
    """
    last = max(groups, key=lambda one: one.calls[-1].run.start_time)
    end = last.calls[-1]
    if not (end.failed or end.ids) or root.trailing:
        return None
    known = [one for one in groups if not past.known.systems.keys().isdisjoint(system_of(one.calls[0]))]
    if known:
        return known[0] if len(known) == 1 else None
    rivals = [one for one in groups if not is_asked_alike(one.calls[0], past.context)]
    if rivals == [last]:
        return last
    heard = [one for one in rivals if any(draft.role is ASSISTANT for draft in one.calls[0].read())]
    return last if heard == [last] and end.failed and root.answer() is None else None


def _likely(groups: list[Group], root: Root | None) -> Group:
    """The last that the root speaks to, where the trace tells nothing, as one around a web server's request.

    Rather who went on; of lone calls who may use tools, then who is asked with what a graph kept.
    """
    asked = spoken_to([one for one in groups if not is_label(one.final)] or groups, root)
    gone_on = [one for one in asked if len(one.calls) > 1]
    for sign in (_may_act, _knows_kept) if not gone_on and len(asked) > 1 else ():
        asked = [one for one in asked if sign(one)] or asked
    return max(gone_on or asked, key=lambda one: one.calls[-1].run.start_time)


def _may_act(one: Group) -> bool:
    """Whether words are of who was offered tools; a call may be the shape that was asked for, or hand the word on."""
    last = one.calls[-1]
    return last.text is not None and not last.ids and bool(definitions(last.tools))


def _knows_kept(one: Group) -> bool:
    """Whether users' words bear ids in a prompt, as what a graph keeps does, and none that is made for one call."""
    return any(draft.id for draft in one.calls[0].read() if draft.role is USER)


def up_to_final(chosen: Group, root: Root | None, ran: Ran) -> tuple[Group, list[Call]]:
    """The calls up to the answer that the trace gave back, and those that only work on it (a title, a rating)."""
    calls = chosen.calls
    if root is None or calls[-1].acts(ran):
        return chosen, []
    earlier = [call.text for call in calls[:-1] if not call.ids and call.text is not None]
    if not earlier or (root.answer() is None and root.shows(calls[-1].text) and not any(map(root.shows, earlier))):
        return chosen, []
    finals = root.finals()
    kept = _up_to_kept(calls, root)
    if kept and calls[-1].text not in finals and not any(call.ids for call in calls[kept:]):
        return Group(calls=calls[:kept]), calls[kept:]
    answers = _answers(calls, root, ran)
    if calls[-1] in answers or (calls[-1].text in finals and not answers):
        return chosen, []
    for place in range(len(calls) - 1, 0, -1):
        last, behind = calls[place - 1], calls[place:]
        if (last not in answers and last.text not in finals) or any(call.acts(ran) for call in behind):
            continue
        if last in answers or all(system_of(call) != system_of(last) for call in behind):
            return Group(calls=calls[:place]), behind
    return chosen, []


def _answers(calls: Sequence[Call], root: Root, ran: Ran) -> list[Call]:
    """The calls whose answers the trace gave back, be it in another form, or as the last of several pieces."""
    whole = [call for call in calls if call.text is not None and call.text == root.answer()]
    if whole:
        return whole
    told, last = [text for text in root.named_answers() if is_phrase(text)], calls[-1].text or ""
    if is_phrase(last) and any(last in text for text in told):
        return [calls[-1]]
    return tellers(calls, told, ran)


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
