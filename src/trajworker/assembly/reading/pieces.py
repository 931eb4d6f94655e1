"""Loops that were recorded as one llm run: told apart by what stands below it, or by the answers that it gave back.

Mastra records one llm run around a whole loop and below it a run a step, in which the step's tools ran; before 1.0 also
an llm run a part of the answer. Around Anthropic's tool runner langsmith records one llm run whose outputs are all its
answers.
"""

from collections.abc import Iterable

import msgspec

from trajworker.assembly.reading.calls import Call
from trajworker.assembly.reading.payloads import decoded, is_empty
from trajworker.assembly.reading.tool_runs import ToolRun
from trajworker.dialects import Answer, Draft, Prompt, digest
from trajworker.dialects.calls import call_of
from trajworker.model.message import ASSISTANT, ToolCall
from trajworker.model.run import Run, ancestors


def without_pieces(runs: list[Run]) -> tuple[list[Run], list[Run]]:
    """Llm runs that are calls, and those that are pieces of another's answer."""
    for run in runs:
        if is_empty(run.inputs):
            return _told_apart(runs)
    return runs, []


def _told_apart(runs: list[Run]) -> tuple[list[Run], list[Run]]:
    bare = [run for run in runs if is_empty(run.inputs)]
    asked = {run.id for run in runs} - {run.id for run in bare}
    pieces = [run for run in bare if not asked.isdisjoint(ancestors(run.dotted_order))]
    ids = {run.id for run in pieces}
    return [run for run in runs if run.id not in ids], pieces


def by_step(calls: Iterable[Call], pieces: list[Run]) -> list[Call]:
    """The calls, those whose answers came in the pieces of several steps as a call a step."""
    whole = list(calls)
    steps: dict[str, dict[str, list[Run]]] = {call.run.id: {} for call in whole}
    for piece in sorted(pieces, key=lambda run: (run.start_time, run.dotted_order)):
        above = ancestors(piece.dotted_order)
        home = next((one for one in reversed(above) if one in steps), None)
        if home is not None and above[-1] != home:
            steps[home].setdefault(above[-1], []).append(piece)
    found: list[Call] = []
    for call in whole:
        found += _steps(call, steps[call.run.id]) if len(steps[call.run.id]) > 1 else [call]
    return found


def by_answer(calls: list[Call]) -> list[Call]:
    """The calls, a loop that was recorded as one as a call for each answer."""
    for call in calls:
        if call.answer.earlier:
            return [part for one in calls for part in _answers(one)]
    return calls


def _answers(call: Call) -> list[Call]:
    if not call.answer.earlier:
        return [call]
    began = msgspec.structs.replace(call.run, end_time=None, total_cost=None)
    ended = msgspec.structs.replace(call.run, start_time=call.run.end_time or call.run.start_time)
    return _split(call, [(began, answer) for answer in call.answer.earlier], ended)


def by_tools(calls: list[Call], tools: Iterable[ToolRun]) -> list[Call]:
    """The calls, those whose tools ran in steps below them, and that went on behind these, as a call a step."""
    loops = {call.run.id for call in calls if call.ids and _may_go_on(call)}
    if not loops:
        return calls
    below = {tool.call_id: tool for tool in tools if tool.call_id is not None and not loops.isdisjoint(tool.path)}
    return [part for call in calls for part in _by_tools(call, below)] if below else calls


def _may_go_on(call: Call) -> bool:
    """Whether a call that calls tools may have gone on behind them: its model stopped otherwise, or called several."""
    return len(call.ids) > 1 or call.answer.draft is None or call.answer.draft.finish_reason != "tool_calls"


def _by_tools(call: Call, below: dict[str, ToolRun]) -> list[Call]:
    """A call for each step; the words, of which nobody tells when they were said, are those of the last."""
    steps, draft = _made_in_steps(call, below), call.answer.draft
    if draft is None or draft.finish_reason is None:
        return [call]
    left = steps.popitem()[1] if steps and draft.finish_reason == "tool_calls" else []
    if not steps:
        return [call]
    began = call.run.start_time
    told: list[tuple[Run, Answer]] = []
    for step, made in steps.items():
        ran = [below[one.id].run for one in made if one.id in below]
        run = msgspec.structs.replace(
            call.run, id=step, start_time=began, end_time=min(one.start_time for one in ran), total_cost=None
        )
        answer = Draft(role=ASSISTANT, tool_calls=tuple(made), finish_reason="tool_calls")
        told.append((run, Answer(draft=answer)))
        began = max(one.end_time or one.start_time for one in ran)
    draft.tool_calls, call.ids = tuple(left) or None, frozenset()
    call.say(draft)
    return _split(call, told, msgspec.structs.replace(call.run, start_time=began))


def _made_in_steps(call: Call, below: dict[str, ToolRun]) -> dict[str, list[ToolCall]]:
    """What a call calls, by the runs right below it in which its tools ran; empty where they ran in none."""
    steps: dict[str, list[ToolCall]] = {}
    step: str | None = None
    draft = call.answer.draft
    for made in (draft.tool_calls or ()) if draft is not None else ():
        tool = below.get(made.id or "")
        if tool is not None:
            behind = tool.path[tool.path.index(call.run.id) + 1 :] if call.run.id in tool.path else ()
            step = behind[0] if behind else None
        if step is None:
            return {}
        steps.setdefault(step, []).append(made)
    return steps


def _steps(call: Call, steps: dict[str, list[Run]]) -> list[Call]:
    *earlier, last = steps.items()
    told: list[tuple[Run, Answer]] = []
    for step, pieces in earlier:
        draft = _said(pieces)
        draft.finish_reason = "tool_calls" if draft.tool_calls else None
        run = msgspec.structs.replace(
            call.run, id=step, start_time=pieces[0].start_time, end_time=pieces[-1].end_time, total_cost=None
        )
        told.append((run, Answer(draft=draft)))
    return _split(call, told, msgspec.structs.replace(call.run, start_time=last[1][0].start_time))


def _split(call: Call, earlier: list[tuple[Run, Answer]], last: Run) -> list[Call]:
    """A call for each answer, asked with those before it; what is told of the call itself is told of the last."""
    found: list[Call] = []
    said = call.prompt.read()
    for run, answer in earlier:
        draft = answer.draft or Draft(role=ASSISTANT)
        draft.model, draft.response_model, draft.run_id, draft.usage = call.model, answer.model, run.id, answer.usage
        made = frozenset([one.id for one in draft.tool_calls or () if one.id])
        found.append(
            msgspec.structs.replace(
                call, run=run, prompt=Prompt(drafts=said), answer=answer, usage=answer.usage, key=digest(draft),
                ids=made, failed=False, is_part=True,
            )
        )  # fmt: skip
        said = [*said, draft]
    return [*found, msgspec.structs.replace(call, run=last, prompt=Prompt(drafts=said))]


def _said(pieces: list[Run]) -> Draft:
    """One assistant message out of its pieces."""
    texts: list[str] = []
    calls = []
    for piece in pieces:
        told = decoded(piece.outputs)
        if isinstance(told, dict):
            made = call_of(told)
            calls += [made] if made is not None else []
            texts += [told["text"]] if isinstance(told.get("text"), str) else []
    return Draft(role=ASSISTANT, content="".join(texts) or None, tool_calls=tuple(calls) or None)
