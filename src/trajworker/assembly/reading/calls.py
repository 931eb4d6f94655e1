"""Reads llm runs: what the model was asked, what it answered, with which tokens."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from msgspec import Struct

from trajworker.assembly.reading.faults import is_interrupt, is_stopped
from trajworker.assembly.reading.metadata import NO_PARAMS, PARAMS, Metadata, extra_of
from trajworker.assembly.reading.payloads import lenient
from trajworker.assembly.reading.spliced import parted
from trajworker.assembly.reading.tool_runs import Ran, ToolRun
from trajworker.assembly.reading.words import STOPPED
from trajworker.dialects import Answer, Draft, Prompt, digest, read_answer, read_prompt
from trajworker.dialects.outcome import status_finish
from trajworker.dialects.placeholders import text_of
from trajworker.dialects.speech import RAW
from trajworker.dialects.systems import system_drafts
from trajworker.dialects.usage import sides
from trajworker.dialects.usage import usage as read_usage
from trajworker.dialects.vocabulary import finish_reason
from trajworker.model.message import SYSTEM, USER
from trajworker.model.run import ERROR, ID_LENGTH, NULL, Run, ancestors

_NONE = bytes(NULL)

_SECONDS = len("20260131T235959")
"""Where the fraction of a second begins in a dotted order's times."""
_COUNTED = timedelta(milliseconds=1)
"""By how much these times may differ from a run's own: JS clients count the runs of a millisecond in them."""


class Call(Struct, eq=False, gc=False):
    """One llm run as read.

    `key` is the digest of its answer, `ids` are those of the calls in it; `drafts` caches the decoded prompt.
    """

    run: Run
    about: Metadata
    path: tuple[str, ...]
    prompt: Prompt
    answer: Answer
    model: str | None
    usage: dict[str, Any] | None
    tools: bytes
    failed: bool
    key: bytes = b""
    ids: frozenset[str] = frozenset()
    is_part: bool = False
    """Whether it is one of the answers before the last of a loop that was recorded as one run."""
    in_silence: bool = False
    """Whether it stands below a tool run of which nothing is told: maybe a guardrail."""
    guards: bool = False
    """Whether it stands below one that is a guardrail for sure, see `reading/guardrails.py`."""
    drafts: list[Draft] | None = None
    keys: list[bytes] | None = None
    systems: list[bytes] | None = None
    rest: tuple[int, list[Draft]] | None = None
    """What stands behind a known beginning of so many bytes, decoded."""

    def read(self) -> list[Draft]:
        """The whole prompt, decoded once."""
        if self.drafts is None:
            self.drafts = self.prompt.read()
        return self.drafts

    def digests(self) -> list[bytes]:
        """Digests of the whole prompt."""
        if self.keys is None:
            self.keys = [digest(draft) for draft in self.read()]
        return self.keys

    @property
    def text(self) -> str | None:
        """The words of the answer; None where it has none."""
        draft = self.answer.draft
        return (draft.text or None) if draft is not None else None

    @property
    def asked_alone(self) -> str | None:
        """The one word of a user that it was asked with, but for its instructions; None where more was said before."""
        asked = [draft for draft in self.read() if draft.role is not SYSTEM]
        return asked[0].text if len(asked) == 1 and asked[0].role is USER else None

    def names_answer(self, last: "Call") -> bool:
        """Whether it leaves its history to the server and names the answer that it goes on from (Responses API)."""
        previous = self.prompt.previous
        return previous is not None and f'"{previous}"'.encode() in bytes(last.run.outputs)

    def say(self, draft: Draft) -> None:
        """Take a message as the answer."""
        self.answer.draft = draft
        draft.usage, draft.model, draft.run_id = self.usage, self.model, self.run.id
        draft.response_model = self.answer.model
        if draft.tool_calls:
            draft.tool_calls = parted(draft.tool_calls, self.tools)
            self.ids = frozenset([made.id for made in draft.tool_calls if made.id])
        self.key = digest(draft)

    def asks_for(self, run: ToolRun) -> bool:
        """Whether a tool run is what the answer calls: by id, else by name."""
        return run.call_id in self.ids if run.call_id is not None else run.name in self.names

    def acts(self, ran: Ran) -> bool:
        """Whether any tool ran that the answer calls."""
        return not (ran.ids.isdisjoint(self.ids) and ran.bare.isdisjoint(self.names))

    @property
    def names(self) -> set[str]:
        """Names of the tools that the answer calls."""
        draft = self.answer.draft
        if draft is None or not draft.tool_calls:
            return set()
        return {call.name for call in draft.tool_calls if call.name}


def _usage(run: Run, answer: Answer, about: Metadata) -> dict[str, Any] | None:
    """Tokens as the answer tells them, else the metadata, else the run's own counts."""
    told = answer.usage or read_usage(about.usage_metadata)
    if told is not None or not run.total_tokens:
        return told
    usage: dict[str, Any] = sides(run.prompt_tokens, run.completion_tokens, run.total_tokens)
    if run.prompt_token_details:
        usage["input_token_details"] = dict(run.prompt_token_details)
    if run.completion_token_details:
        usage["output_token_details"] = dict(run.completion_token_details)
    return usage


def read_call(run: Run) -> Call:
    """Read an llm run.

    On an error the outputs are no answer, even if they are not empty (payload-shapes.md 3.4); but what was read of a
    stream before the app stopped reading was said.
    """
    about, params = extra_of(run)
    prompt = read_prompt(run.inputs)
    failed = run.status is ERROR or (run.error is not None and not is_interrupt(run))
    answer = read_answer(run.outputs) if not failed else _read_so_far(run) if is_stopped(run) else Answer()
    failed = failed and answer.draft is None
    inner = lenient(about.ls_invocation_params, PARAMS, NO_PARAMS)
    model = prompt.model or text_of(about.ls_model_name) or text_of(params.model) or text_of(params.model_name)
    model = model or text_of(params.model_id) or text_of(inner.model) or text_of(about.otel_model) or answer.model
    usage = _usage(run, answer, about)
    tools = prompt.tools
    for other in (params.tools, params.functions, inner.tools, inner.functions) if tools == _NONE else ():
        if tools == _NONE:
            tools = bytes(other)
    beside = params.instructions if about.otel_system is None else about.otel_system
    if beside is not None and not prompt.system and not prompt.opens_with_system:
        prompt.system = system_drafts(beside)
    call = Call(
        run=run, about=about, path=ancestors(run.dotted_order), prompt=prompt, answer=answer, model=model,
        usage=usage, tools=tools, failed=failed,
    )  # fmt: skip
    draft = answer.draft
    if draft is not None:
        if answer.finish is None and about.status is not None:
            answer.finish = status_finish(about.status, about.incomplete_details, calls=bool(draft.tool_calls))
        if not draft.finish_reason:
            word = about.finish_reason or about.vercel_finish or about.otel_finish or about.span_finish
            draft.finish_reason = answer.finish or finish_reason(word, calls=bool(draft.tool_calls))
        call.say(draft)
    return call


def _read_so_far(run: Run) -> Answer:
    """The beginning of an answer that the app stopped reading; none where it had read no words."""
    answer = read_answer(run.outputs)
    draft = answer.draft
    if draft is None or RAW in draft.flags or not (draft.content or draft.tool_calls):
        return Answer()
    draft.flags = (*draft.flags, STOPPED)
    return answer


def innermost(runs: list[Run], tools: Iterable[Run] = ()) -> list[Run]:
    """Llm runs that hold no other llm run: a function around a wrapped client is the same call told twice.

    What stands below one of the `tools` is another agent's: a loop recorded as one llm run may hold it.
    """
    if len(runs) < 2:  # noqa: PLR2004 - one that holds another
        return runs
    ids = {run.id for run in runs}
    for run in runs:
        if run.parent_run_id in ids or not ids.isdisjoint(ancestors(run.dotted_order)):
            return _without_outer(runs, tools)
    return runs


def _without_outer(runs: list[Run], tools: Iterable[Run]) -> list[Run]:
    """Llm runs without those that hold others."""
    outer: set[str | None] = set()
    apart = {tool.id for tool in tools}
    for run in runs:
        above = takewhile(lambda one: one not in apart, reversed(ancestors(run.dotted_order)))
        outer.update((*above, run.parent_run_id))
    return [run for run in runs if run.id not in outer]


def in_order(calls: list[Call]) -> list[Call]:
    """Calls by start; at the same instant the shorter prompt first, because it was asked before."""
    if len(calls) < 2:  # noqa: PLR2004 - nothing to put in order
        return calls
    found = sorted(calls, key=_place)
    orders = [call.run.dotted_order for call in found]
    if orders != sorted(orders):
        found.sort(key=lambda call: (_created(call.run), *_place(call)))
    return found


def _place(call: Call) -> tuple[datetime, int, str, str]:
    array = call.prompt.array
    length = len(array) if array is not None else len(call.prompt.drafts)
    return call.run.start_time, length, call.run.dotted_order, call.run.id


def _created(run: Run) -> datetime:
    """When a run began, as its dotted order tells where that is earlier: AI SDK's exporter wrote 7 ms as 700."""
    stamp = run.dotted_order.rpartition(".")[2][:-ID_LENGTH]
    try:
        told = datetime.fromisoformat(f"{stamp[:_SECONDS]}.{stamp[_SECONDS:]}").replace(tzinfo=run.start_time.tzinfo)
    except ValueError:
        return run.start_time
    return told if run.start_time - told > _COUNTED else run.start_time
