"""Groups the llm calls of a trace by the dialogue they go on with."""

from trajworker.assembly.dialogues.bystanders import leaves_out
from trajworker.assembly.dialogues.groups import Group, system_of
from trajworker.assembly.dialogues.open_dialogues import OpenDialogues
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.passages import LONG_QUOTE
from trajworker.assembly.reading.tool_runs import NOTHING_RAN, Ran
from trajworker.assembly.reading.words import goes_on_in_text, quotes
from trajworker.model.message import SYSTEM, TOOL, USER


def group(calls: list[Call], ran: Ran = NOTHING_RAN) -> list[Group]:
    """Calls by the dialogue they go on with, in order of the first call; `ran` tells which tools ran."""
    dialogues = OpenDialogues()
    for call in calls:
        near = dialogues.near(call)
        home = _home(call, near, ran) if near else None
        if home is None:
            dialogues.begin(call)
        else:
            dialogues.go_on(home, call)
    return dialogues.groups


def _home(call: Call, near: list[Group], ran: Ran) -> Group | None:
    """The dialogue that a call goes on with; one that was summed up for it is left without who did that."""
    home = _spoken_in(call, near, ran)
    if home is None:
        home = next((one for one in near if _chained(call, one.calls[-1])), None)
    if home is None:
        home = next((one for one in near if _tried_again(call, one, ran)), None)
    if home is None:
        home = next((one for one in near if _goes_on_from_summary(call, one)), None)
        if home is not None:
            home.summaries.append(home.calls.pop())
    return home


def _spoken_in(call: Call, near: list[Group], ran: Ran) -> Group | None:
    """The dialogue whose words a call goes on from; a bystander's that came last are taken out of that."""
    home = next((one for one in near if _comes_back(call, one.calls[-1], ran)), None) if ran.handed else None
    if home is None:
        home = next((one for one in near if _goes_on(call, one.calls[-1])), None)
    if home is None:
        past = next((one for one in near if leaves_out(call, one, ran)), None)
    else:
        past = home if leaves_out(call, home, ran) else None
    if past is not None:
        past.bystanders.append(past.calls.pop())
    return home or past


def _comes_back(call: Call, last: Call, ran: Ran) -> bool:
    """Whether an agent that handed the word on has it again: its prompt is the last one, with more behind that."""
    if ran.handed.isdisjoint(last.ids):
        return False
    mine, before = call.digests(), last.digests()
    return len(mine) > len(before) and mine[: len(before)] == before


def _goes_on(call: Call, last: Call) -> bool:
    """Whether a call's prompt goes on from another call of the same agent."""
    mine, before = call.prompt.array, last.prompt.array
    answer = last.answer.draft
    if mine is not None and before is not None and mine.startswith(before[:-1]):
        if answer is None:
            return len(mine) >= len(before) and system_of(call) == system_of(last)
        if len(mine) > len(before):
            return True
    alike = call.digests() == last.digests()
    if answer is None or (alike and call.prompt.previous == last.prompt.previous):
        return alike and answer is None  # one that got an answer was asked at the same time, or for another answer
    if last.key in call.digests() and (answer.text or answer.tool_calls) and not _is_of_another_turn(call, last):
        return True
    if _scratchpad(call, last) or _told_in_words(call, last) or call.names_answer(last):
        return True
    ids = last.ids
    return bool(ids) and any(
        (draft.tool_response is not None and draft.tool_response.id in ids)
        or bool(ids & {one.id for one in draft.tool_calls or ()})
        for draft in call.read()
    )


def _is_of_another_turn(call: Call, last: Call) -> bool:
    """Whether a prompt has the words of an answer only behind what was asked before: somebody said the same then."""
    question = last.read()[-1] if last.read() else None
    if last.ids or question is None or question.role is not USER:
        return False
    if _without_systems(call) == _without_systems(last):
        return True
    met = here = False
    for draft, key in zip(call.read(), call.digests(), strict=True):
        if draft.role is USER:
            here = key == last.digests()[-1] or _ends_a_prompt(draft.text, question.text)
            met = met or here
        elif here and key == last.key:
            return False
    return met


def _ends_a_prompt(word: str, prompt: str) -> bool:
    """Whether a prompt was made around a user's word, which mostly stands at its end."""
    return bool(word) and (quotes(prompt, word) or prompt.endswith(word))


def _without_systems(call: Call) -> list[bytes]:
    return [key for draft, key in zip(call.read(), call.digests(), strict=True) if draft.role is not SYSTEM]


def _scratchpad(call: Call, last: Call) -> bool:
    """Whether a prompt is the one before with its answer written behind it, as agents do that know no tool calls."""
    mine, before = call.read(), last.read()
    if not mine or not before or last.answer.draft is None or system_of(call) != system_of(last):
        return False
    return goes_on_in_text(mine[-1].content, before[-1].content, last.answer.draft.content)


def _told_in_words(call: Call, last: Call) -> bool:
    """Whether a prompt tells in words that the tools of the last answer were called and what they gave back.

    Agents that a dialogue is handed over to are told so where the calls are not theirs (Google ADK).
    """
    names = last.names
    if not names:
        return False
    known = set(last.digests())
    users = [(draft.content or "", key in known) for draft, key in zip(call.read(), call.digests(), strict=True)
             if draft.role is USER]  # fmt: skip
    told = [text for text, old in users if not old and any(name in text for name in names)]
    return len(told) > len(names) and any(old for _, old in users)


def _goes_on_from_summary(call: Call, one: Group) -> bool:
    """Whether a prompt has a dialogue's last answer, word for word, in place of the history that was made of."""
    last = one.calls[-1]
    if len(one.calls) == 1 or last.ids or last.text is None or len(last.text) < LONG_QUOTE:
        return False
    if not last.read() or last.read()[-1].role is not USER:  # a summary is asked for
        return False
    if not system_of(call) or system_of(call) != system_of(one.calls[0]):
        return False
    known = set(last.digests())
    new = [draft for draft, key in zip(call.read(), call.digests(), strict=True) if key not in known]
    return any(draft.role is USER and last.text in (draft.content or "") for draft in new)


def _tried_again(call: Call, one: Group, ran: Ran) -> bool:
    """Whether a prompt is the first of a dialogue that failed, or the first or last of one that broke off at a tool.

    The turn was tried once more, by this model or by another in its place, or prompts tell of no tools (voice).
    """
    first, last = one.calls[0], one.calls[-1]
    if (last.run.end_time or last.run.start_time) > call.run.start_time:
        return False
    if last.failed:
        return call.digests() == first.digests()
    if not last.ids or last.names.isdisjoint(ran.names):
        return False
    return call.digests() in (first.digests(), last.digests())


def _chained(call: Call, last: Call) -> bool:
    """Whether the prompts share their opening (system and first user message) and differ behind it: a window."""
    mine, before = call.read(), last.read()
    if len(mine) < 3 or len(before) < 2 or last.answer.draft is None:  # noqa: PLR2004 - system, user, and more
        return False
    return call.digests()[:2] == last.digests()[:2] and any(draft.role is TOOL for draft in mine)
