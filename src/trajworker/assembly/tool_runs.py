"""Reads tool runs: what a tool was called with, what it gave back, whether it failed."""

import ast
from typing import Any

from msgspec import Struct

from trajworker.assembly.faults import error_text, is_interrupt
from trajworker.assembly.metadata import extra_of
from trajworker.assembly.payloads import decoded, text_of
from trajworker.dialects import Draft, read_one
from trajworker.dialects.blocks import arguments
from trajworker.model.message import Role
from trajworker.model.run import Run, RunStatus, ancestors


class ToolRun(Struct, eq=False):
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
    linked: bool = False


def read_tool_run(run: Run) -> ToolRun:
    """Read a tool run: what it was called with, what it gave back, whether it failed; an interrupt is no failure."""
    about, _, extra_id = extra_of(run)
    inputs = decoded(run.inputs)
    outputs = decoded(run.outputs)
    given = _arguments(inputs)
    value, message = _output(outputs)
    found = [extra_id, about.tool_call_id, about.otel_tool_call_id]
    if message is not None and message.tool_response is not None:
        found.append(message.tool_response.id)
    if isinstance(inputs, dict):
        found += [inputs.get("tool_call_id"), inputs.get("toolCallId"), inputs.get("tool_use_id")]
        if inputs.get("type") == "tool_call":
            found.append(inputs.get("id"))
    call_id = next((str(one) for one in found if isinstance(one, (str, int)) and one), None)
    failed = (run.status is RunStatus.ERROR or run.error is not None) and not is_interrupt(run)
    return ToolRun(
        run=run, path=ancestors(run.dotted_order), name=text_of(about.otel_tool_name) or run.name, call_id=call_id, arguments=given, message=message, value=value,
        error=error_text(run.error) if failed else None, failed=failed,
    )  # fmt: skip


def _arguments(inputs: Any) -> dict[str, Any]:  # noqa: ANN401 - recorded JSON
    """Named arguments of a tool run: the inputs themselves, JSON text or a Python literal under `input`."""
    if not isinstance(inputs, dict):
        return arguments(inputs)[0]
    if inputs.get("type") == "tool_call" and isinstance(inputs.get("args"), dict):
        return dict(inputs["args"])
    if len(inputs) == 1:
        value = next(iter(inputs.values()))
        if isinstance(value, dict) and next(iter(inputs)) in ("input", "args", "arguments", "kwargs", "tool_input"):
            return value
        if isinstance(value, str) and value[:1] == "{":
            parsed, invalid = arguments(value)
            if invalid is None:
                return parsed
            try:
                literal = ast.literal_eval(value)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                return inputs
            return literal if isinstance(literal, dict) else inputs
    return inputs


def _output(outputs: Any) -> tuple[Any, Draft | None]:  # noqa: ANN401 - recorded JSON
    """A tool's return value, and the tool message it is or holds (a `Command` with an update)."""
    value = outputs or None
    if isinstance(outputs, dict):
        for name in ("output", "outputs", "result", "response"):
            if name in outputs and len(outputs) == 1:
                value = outputs[name]
                break
    if isinstance(value, dict):
        update = value.get("update")
        if isinstance(update, dict) and isinstance(update.get("messages"), list):
            for item in reversed(update["messages"]):
                for draft in read_one(item):
                    if draft.role is Role.TOOL:
                        return draft.content, draft
        if "tool_call_id" in value or "lc" in value or value.get("type") == "tool":
            for draft in read_one(value):
                if draft.role is Role.TOOL:
                    return draft.content, draft
        content = value.get("content")
        if isinstance(content, list) and set(value) <= {"content", "isError", "is_error", "structuredContent", "_meta"}:
            for draft in read_one({"role": "tool", **value}):
                return draft.content, draft
    return value, None
