"""Vercel AI SDK's UI messages, as apps keep their chats: one holds a turn of the agent, calls and results alike.

Told as the model messages that the SDK's own `convertToModelMessages` makes of them. Source: `UIMessage` of versions 3
to 6: parts `tool-<name>`, `dynamic-tool`, `tool-invocation`, `step-start`, and before parts `toolInvocations`.
"""

from collections.abc import Iterator
from typing import Any

_TOOL = "tool-"
_STEP = "step-start"


def claims(item: dict[str, Any]) -> bool:
    """Whether a role dictionary is such a message and holds calls."""
    return any(_invocation(part) is not None for part in _parts(item))


def unfolded(item: dict[str, Any]) -> list[dict[str, Any]]:
    """The model messages that it stands for: for each step what the agent says and calls, then what the tools gave."""
    messages = [message for step in _steps(_parts(item)) for message in _step_messages(step)]
    spoken = [message for message in messages if message["role"] != "tool"]
    if spoken and isinstance(item.get("id"), str):
        spoken[-1]["id"] = item["id"]
    return messages


def _parts(item: dict[str, Any]) -> list[Any]:
    """Its parts; of a message before there were any its words, then its calls."""
    parts, calls = item.get("parts"), item.get("toolInvocations")
    if isinstance(parts, list):
        return parts
    if not isinstance(calls, list):
        return []
    words = [{"type": "text", "text": item["content"]}] if item.get("content") else []
    return [*words, *({"type": "tool-invocation", "toolInvocation": call} for call in calls)]


def _invocation(part: Any) -> dict[str, Any] | None:  # noqa: ANN401 - recorded JSON
    """The call that a part tells, with its name; None where it tells none (a model's parts have no state)."""
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str):
        return None
    call = part.get("toolInvocation") if kind == "tool-invocation" else part
    if not isinstance(call, dict) or not isinstance(call.get("state"), str) or "toolCallId" not in call:
        return None
    if isinstance(call.get("toolName"), str):
        return call
    return {**call, "toolName": kind.removeprefix(_TOOL)} if kind.startswith(_TOOL) else None


def _steps(parts: list[Any]) -> Iterator[list[Any]]:
    step: list[Any] = []
    for part in parts:
        if isinstance(part, dict) and part.get("type") == _STEP:
            yield step
            step = []
        else:
            step.append(part)
    yield step


def _step_messages(step: list[Any]) -> Iterator[dict[str, Any]]:
    said: list[Any] = []
    given: list[dict[str, Any]] = []
    for part in step:
        call = _invocation(part)
        if call is None:
            said.append(part)
            continue
        said.append(_call(call))
        if (output := _output(call)) is not None:
            told = said if call.get("providerExecuted") is True else given
            told.append({"type": "tool-result", **_names(call), "output": output})
    if said:
        yield {"role": "assistant", "content": said}
    if given:
        yield {"role": "tool", "content": given}


def _names(call: dict[str, Any]) -> dict[str, Any]:
    return {"toolCallId": call["toolCallId"], "toolName": call["toolName"]}


def _call(call: dict[str, Any]) -> dict[str, Any]:
    given = next((call[name] for name in ("input", "args", "rawInput") if call.get(name) is not None), None)
    told = {"type": "tool-call", **_names(call), "input": given}
    return {**told, "providerExecuted": True} if call.get("providerExecuted") is True else told


def _output(call: dict[str, Any]) -> dict[str, Any] | None:
    """What the tool gave, in the words of the SDK; None while it runs."""
    if call["state"] == "output-error":
        return {"type": "error-text", "value": call.get("errorText")}
    if call["state"] == "output-denied":
        approval = call.get("approval")
        reason = approval.get("reason") if isinstance(approval, dict) else None
        return {"type": "execution-denied", "reason": reason or "denied"}
    if call["state"] not in ("output-available", "result"):
        return None
    value = call["output"] if "output" in call else call.get("result")
    return {"type": "text" if isinstance(value, str) else "json", "value": value}
