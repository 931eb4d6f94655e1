"""Roots that are no app's word: they repeat what the first call was given and the last one gave back (OpenAI Agents).

Several agents may have run one after another in such a trace, and the last may only have named or graded the answer.
"""

from collections.abc import Sequence

from trajworker.assembly.dialogues.groups import system_of
from trajworker.assembly.dialogues.scopes import owner
from trajworker.assembly.kept.context import Past
from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.likeness import is_label
from trajworker.assembly.reading.tooling import definitions
from trajworker.assembly.reading.trace import Trace
from trajworker.assembly.reading.words import MIN_QUOTE, longest_text
from trajworker.model.message import TOOL, USER
from trajworker.model.run import Run


def only_repeats(root: Run, calls: Sequence[Call]) -> bool:
    """Whether a root tells, byte for byte, what the first call was given and what the last one gave back."""
    return bool(calls) and root.outputs == calls[-1].run.outputs and root.inputs == calls[0].run.inputs


def give_back_answer(trace: Trace, past: Past) -> None:
    """Let such a trace give back what the user was answered, not what was said of that behind it."""
    root, run = trace.root, trace.root_run
    if root is None or run is None or not root.words or len(trace.calls) < 2:  # noqa: PLR2004 - who answers, and more
        return
    if not only_repeats(run, trace.calls):
        return
    word = root.words[-1].text
    calls = [call for call in trace.calls if not owner(call.path, trace.tools)]
    answer = _answer(calls, word, past) if word else None
    if answer is not None:
        trace.give_back(answer.run.outputs)


def _answer(calls: list[Call], word: str, past: Past) -> Call | None:
    """The call that answered the user's word; None where that is the last one."""
    answer = None
    while len(calls) > 1:
        *earlier, last = calls
        asked = None if _grows(earlier[-1], last) else _asked_alone(last)
        if asked is None:
            return answer
        worked_on = (one for one in reversed(earlier) if _works_on(last, asked, one, word, past))
        found = next(worked_on, None)
        if found is None:
            return answer
        answer, calls = found, earlier[: earlier.index(found) + 1]
    return answer


def _grows(call: Call, later: Call) -> bool:
    """Whether a prompt begins, byte for byte, like an earlier one: a look that decodes nothing."""
    known, array = call.prompt.array, later.prompt.array
    return known is not None and array is not None and len(array) > len(known) and array.startswith(known[:-1])


def _asked_alone(call: Call) -> str | None:
    """What a call was asked that may use no tools and knows of nothing that was said before; None of any other."""
    return None if call.text is None or call.ids or definitions(call.tools) else call.asked_alone


def _works_on(last: Call, asked: str, one: Call, word: str, past: Past) -> bool:
    """Whether the last call was asked the user's word behind an agent's answer, or about both word and answer.

    An agent has tools, or goes on from the turns before. Who says about as much as was answered may have been asked to
    write the answer itself, of what others found.
    """
    if not _answers(one, word) or system_of(one) == system_of(last):
        return False
    if asked == word:
        return bool(definitions(one.tools)) or _goes_on(one, past)
    said = _said(one)
    if len(said) < MIN_QUOTE or said not in asked or word not in asked.replace(said, ""):
        return False
    return len(last.text or "") * 2 < len(said) or _goes_on(one, past)


def _answers(call: Call, word: str) -> bool:
    """Whether a call answered, with more than a label, when the user's word was the last that it was asked."""
    asked = next((draft.text for draft in reversed(call.read()) if draft.role is USER), None)
    return asked == word and not call.ids and call.text is not None and not is_label(_said(call))


def _goes_on(call: Call, past: Past) -> bool:
    """Whether a prompt tells of tools that ran, or begins like the last one of the trace before."""
    if any(draft.role is TOOL for draft in call.read()):
        return True
    array = call.prompt.array
    return array is not None and past.prefix().behind(array) is not None


def _said(call: Call) -> str:
    """What a call said, out of the object that it may have been asked for."""
    return longest_text(call.text or "") or call.text or ""
