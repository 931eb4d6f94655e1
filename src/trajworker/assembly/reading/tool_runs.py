"""Reads tool runs: what a tool was called with, what it gave back, whether it failed."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from trajworker.assembly.reading.faults import error_text, is_interrupt
from trajworker.assembly.reading.literals import literal_in
from trajworker.assembly.reading.metadata import ToolMetadata, tool_extra_of
from trajworker.assembly.reading.payloads import decoded
from trajworker.dialects import Draft, otel, read_one
from trajworker.dialects.calls import arguments
from trajworker.dialects.draft import as_text
from trajworker.dialects.placeholders import text_of
from trajworker.dialects.speech import UNREADABLE
from trajworker.dialects.typed import Item, drafts_of
from trajworker.model.message import TOOL
from trajworker.model.run import ERROR, Run, ancestors

_AROUND = "__parent__"
"""What LangGraph calls the graph around an agent's own."""

_ENCODER = msgspec.json.Encoder(order="deterministic")


def comparable(arguments: dict[str, Any] | None) -> bytes:
    """Arguments as JSON in which equal ones are equal."""
    return _ENCODER.encode(arguments)


class ToolRun(Struct, eq=False, gc=False):
    """One tool run as read; `message` is the tool message it returned, where it returned one."""

    run: Run
    path: tuple[str, ...]
    name: str
    call_id: str | None
    arguments: dict[str, Any]
    message: Draft | None
    value: Any
    error: str | None
    failed: bool
    fault: str | None = None
    """The kind of error that a span names which ended well all the same."""
    linked: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it gave back nothing, not even a failure."""
        return self.value is None and self.message is None and not self.failed

    @property
    def hands_over(self) -> bool:
        """Whether it gave the word to another agent: a graph's Command to the graph around it."""
        return isinstance(self.value, dict) and self.value.get("graph") == _AROUND

    @property
    def told_failure(self) -> str | None:
        """The error that a run's result tells of, although the run itself succeeded."""
        told = self.message.tool_response if self.message is not None else None
        error = told.error if told is not None else None
        return error or (as_text(self.value) or self.fault if self.fault is not None else None)


class Ran(Struct, gc=False):
    """Which tools of an agent ran.

    Args:
        names: names of all of them.
        ids: ids of the calls that they tell they ran for; None where one tells none.
        bare: names of those that tell none.
        handed: ids of the calls that handed the word over to another agent, and told no message of that.
    """

    names: set[str]
    ids: set[str | None]
    bare: set[str]
    handed: set[str | None]

    @classmethod
    def of(cls, runs: Iterable[ToolRun]) -> "Ran":
        """What these runs tell."""
        ran = cls(names=set(), ids=set(), bare=set(), handed=set())
        for run in runs:
            ran.names.add(run.name)
            ran.ids.add(run.call_id)
            if run.call_id is None:
                ran.bare.add(run.name)
            if run.hands_over:
                ran.handed.add(run.call_id)
        return ran


NOTHING_RAN = Ran(names=set(), ids=set(), bare=set(), handed=set())


def read_tool_run(run: Run) -> ToolRun:
    """Read a tool run: what it was called with, what it gave back, whether it failed; an interrupt is no failure."""
    about, extra_id = tool_extra_of(run)
    inputs, context = _positional(otel.unwrapped(decoded(run.inputs)))
    given = _arguments(inputs)
    value, message = _plain_output(run.outputs) or _output(otel.unwrapped(decoded(run.outputs)))
    told = (
        extra_id,
        about.tool_call_id,
        about.otel_tool_call_id,
        about.vercel_tool_call_id,
        about.js_tool_call_id,
        context.get("toolCallId"),
    )
    call_id = _first_id(told)
    if call_id is None and message is not None and message.tool_response is not None:
        call_id = message.tool_response.id
    failed = (run.status is ERROR or run.error is not None) and not is_interrupt(run)
    return ToolRun(
        run=run,
        path=ancestors(run.dotted_order),
        name=_requested(inputs) or _name(run, about),
        call_id=call_id or _id_among(inputs),
        arguments=given,
        message=message,
        value=value,
        error=error_text(run.error) if failed else None,
        failed=failed,
        fault=text_of(about.otel_error) if not failed else None,
    )


def _name(run: Run, about: ToolMetadata) -> str:
    """The tool's name, which a span's own name may hide."""
    told = (
        about.otel_tool_name,
        about.vercel_tool_name,
        about.tool_name,
        about.span_tool_name,
        about.entity_name,
        about.tool_id,
    )
    for name in filter(None, told):
        if isinstance(name, str):
            return name
    return run.name


def _id_among(inputs: Any) -> str | None:  # noqa: ANN401 - recorded JSON
    """The id of the call that stands among what a tool was called with."""
    if not isinstance(inputs, dict):
        return None
    told = inputs.get("tool_call_id"), inputs.get("toolCallId"), inputs.get("tool_use_id")
    return _first_id(told) or (_first_id((inputs.get("id"),)) if inputs.get("type") == "tool_call" else None)


def _first_id(told: Iterable[Any]) -> str | None:
    """The first of several values that is an id: a text, or a number."""
    for one in filter(None, told):
        if isinstance(one, (str, int)):
            return str(one)
    return None


def _requested(inputs: Any) -> str | None:  # noqa: ANN401 - recorded JSON
    """The tool that a model asked for where there is none of that name: LangChain records its complaint as a run."""
    named = "requested_tool_name" in inputs if isinstance(inputs, dict) else False
    return text_of(inputs["requested_tool_name"]) if named else None


def _positional(inputs: Any) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401 - recorded JSON
    """What a JS tool was called with, and the context it was handed beside that: `{"args": [given, context]}`."""
    values = inputs.get("args") if isinstance(inputs, dict) and len(inputs) == 1 else None
    if not isinstance(values, list) or not values or not isinstance(values[0], dict):
        return inputs, {}
    return values[0], values[1] if len(values) > 1 and isinstance(values[1], dict) else {}


_HOLDERS = ("input", "args", "arguments", "kwargs", "tool_input", "tool_arguments")


def _arguments(inputs: Any) -> dict[str, Any]:  # noqa: ANN401 - recorded JSON
    """Named arguments of a tool run: the inputs themselves, or what stands under the one name they have."""
    if not isinstance(inputs, dict):
        return arguments(inputs)[0]
    if inputs.get("type") == "tool_call" and isinstance(inputs.get("args"), dict):
        return dict(inputs["args"])
    if isinstance(inputs.get("kwargs"), dict) and inputs.get("args") == []:
        return dict(inputs["kwargs"])
    if len(inputs) != 1:
        return inputs
    name, value = next(iter(inputs.items()))
    if isinstance(value, dict):
        return value if name in _HOLDERS else inputs
    return _written(value) or inputs


def _written(value: Any) -> dict[str, Any] | None:  # noqa: ANN401 - recorded JSON
    """Arguments as JSON text, or as the Python literal that older LangChain versions write."""
    if not isinstance(value, str) or value[:1] != "{":
        return None
    parsed, invalid = arguments(value)
    if invalid is None:
        return parsed
    literal = literal_in(value)
    return literal if isinstance(literal, dict) else None


_RETURNS = ("output", "outputs", "result", "response", "tool_response")
_MCP = frozenset({"content", "isError", "is_error", "structuredContent", "structured_content", "_meta", "meta",
                  "result_type"})  # fmt: skip
"""Fields of an MCP result, as the protocol and as its Python client spell them."""


_AGENTS_RESULT = frozenset({"tool", "output", "run_item"})
"""Fields around what a tool of OpenAI Agents gave out; nothing, while a human is asked whether it may run."""


class _Returned(Struct, forbid_unknown_fields=True, gc=False):
    """What nearly all tool runs gave back: a text or a tool message, and nothing beside it."""

    output: str | Item


_RETURNED = msgspec.json.Decoder(_Returned)


def _plain_output(outputs: Raw) -> tuple[Any, Draft | None] | None:
    """Return value and tool message of outputs in the usual form, as `_output` tells them; None of any other."""
    try:
        output = _RETURNED.decode(outputs).output
        if isinstance(output, str):
            return output, None
        drafts = drafts_of(output) if output.tool_call_id is not None or output.lc is not None else None
    except UNREADABLE:
        return None
    return (drafts[0].content, drafts[0]) if drafts and drafts[0].role is TOOL else None


def _output(outputs: Any) -> tuple[Any, Draft | None]:  # noqa: ANN401 - recorded JSON
    """A tool's return value, and the tool message it is or holds."""
    value = outputs or None
    if isinstance(outputs, dict) and len(outputs) == 1 and next(iter(outputs)) in _RETURNS:
        value = next(iter(outputs.values()))
    if isinstance(value, dict) and value.keys() >= _AGENTS_RESULT:
        value = value["output"]
    for item in _candidates(value):
        for draft in read_one(item):
            if draft.role is TOOL:
                return draft.content, draft
    return value, None


def _candidates(value: Any) -> list[Any]:  # noqa: ANN401 - recorded JSON
    """What may be a tool message in a return value: itself, the last of a Command's update, an MCP result."""
    if not isinstance(value, dict):
        return []
    update = value.get("update")
    if isinstance(update, dict) and isinstance(update.get("messages"), list):
        return list(reversed(update["messages"]))
    if "tool_call_id" in value or "lc" in value or value.get("type") == "tool":
        return [value]
    if isinstance(value.get("content"), list) and value.keys() <= _MCP:
        return [{"role": "tool", **value}]
    return []
