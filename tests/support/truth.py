"""Compares delivered trajectories with the truth of a dialogue as `expected.json` tells it, strictly and readably."""

from collections.abc import Iterable, Sequence
from typing import Any

from trajworker.model.message import Message, Role
from trajworker.trajectory import Trajectory

_USAGE = ("input_tokens", "output_tokens", "total_tokens")


def differences(trajectories: Iterable[Trajectory], thread: dict[str, Any]) -> list[str]:
    """What is wrong with the conversation of this dialogue; empty when everything told of it agrees."""
    wanted = thread["conversation_id"] or thread["trace_ids"][0][0]
    found = [one for one in trajectories if one.task.conversation_id == wanted]
    if len(found) != 1:
        return [f"conversation {wanted}: {len(found)} found"]
    said: list[str] = []
    actual = found[0]
    ambiguous = thread.get("ambiguous") or ""
    unrecorded = "not in any run" in ambiguous
    messages = [one for one in thread["messages"] if not (unrecorded and one["role"] == "assistant")]
    said += _messages("messages", actual.messages, messages)
    said += _turns(actual, thread)
    said += _figures(actual, thread, unrecorded=unrecorded)
    said += _nested(actual, thread.get("sub_conversations", []))
    said += _internal(actual, thread)
    said += _retrieved(actual, thread)
    return said


def _equal(where: str, actual: Any, expected: Any) -> list[str]:
    return [] if actual == expected else [f"{where}: {actual!r}, expected {expected!r}"]


def _messages(where: str, actual: Sequence[Message], expected: Sequence[dict[str, Any]]) -> list[str]:
    said = _equal(f"{where} roles", [one.role.value for one in actual], [one["role"] for one in expected])
    if said:
        shown = [(one.role.value, (one.content or "")[:60], one.flags) for one in actual]
        return [*said, f"{where}: {shown}"]
    for index, (one, truth) in enumerate(zip(actual, expected, strict=True)):
        said += _message(f"{where}[{index}]", one, truth)
    return said


def _message(where: str, actual: Message, truth: dict[str, Any]) -> list[str]:
    said = _equal(f"{where}.turn", actual.turn, truth["turn"])
    if "content" in truth:
        content = truth["content"]
        if isinstance(content, list):
            said += _equal(f"{where}.blocks", list(actual.blocks or ()), content)
            said += _equal(f"{where}.content", actual.content, truth["text"])
        else:
            said += _equal(f"{where}.content", actual.content or None, content or None)
    if "rendered" in truth:
        said += _equal(f"{where}.rendered", actual.rendered, truth["rendered"])
    if truth["role"] == "assistant":
        said += _assistant(where, actual, truth)
    if truth["role"] == "tool":
        said += _tool(where, actual, truth)
    return said


def _assistant(where: str, actual: Message, truth: dict[str, Any]) -> list[str]:
    calls = [
        (call.id, call.name, call.invalid if call.invalid is not None else call.arguments)
        for call in actual.tool_calls or ()
    ]
    expected = [
        (call["id"], call["name"], call.get("arguments_raw", call.get("arguments")))
        for call in truth.get("tool_calls", ())
    ]
    said = _equal(f"{where}.tool_calls", calls, expected)
    said += _equal(f"{where}.finish_reason", actual.finish_reason, truth.get("finish_reason"))
    said += _equal(f"{where}.model", actual.model, truth.get("model"))
    said += _equal(f"{where}.reasoning", actual.reasoning, truth.get("reasoning"))
    said += _equal(f"{where}.refusal", actual.refusal, truth.get("refusal"))
    said += _usage(where, actual.usage, truth.get("usage"))
    said += _equal(f"{where} has a run", actual.run_id is not None, not truth.get("no_llm_run", False))
    return said


def _usage(where: str, actual: dict[str, Any] | None, truth: dict[str, Any] | None) -> list[str]:
    if truth is None:
        return _equal(f"{where}.usage", actual, None)
    told = {name: (actual or {}).get(name) for name in _USAGE}
    return _equal(f"{where}.usage", told, {name: truth[name] for name in _USAGE})


def _tool(where: str, actual: Message, truth: dict[str, Any]) -> list[str]:
    told = actual.tool_response
    if told is None:
        return [f"{where}: no tool_response"]
    said = _equal(f"{where}.id", told.id, truth["tool_call_id"])
    if truth["name"] is not None:
        said += _equal(f"{where}.name", told.name, truth["name"])
    said += _equal(f"{where}.is_error", told.error is not None, truth.get("is_error", False))
    if truth.get("error_text") and truth["error_text"] not in (told.error or ""):
        said.append(f"{where}.error: {told.error!r} does not hold {truth['error_text']!r}")
    if truth.get("content_contains") and truth["content_contains"] not in (actual.content or ""):
        said.append(f"{where}.content: {actual.content!r} does not hold {truth['content_contains']!r}")
    if truth.get("no_tool_run"):
        said += _equal(f"{where}.run_id", told.run_id, None)
    return said


def _turns(actual: Trajectory, thread: dict[str, Any]) -> list[str]:
    said = _equal("user_turns", actual.task.num_turns, thread["user_turns"])
    said += _equal("turn_status", [turn.status for turn in actual.turns], thread["turn_status"])
    said += _equal("trace_ids", [list(turn.trace_ids) for turn in actual.turns], thread["trace_ids"])
    return said + _equal("traces", len(actual.origin.trace_ids), thread["traces"])


def _figures(actual: Trajectory, thread: dict[str, Any], *, unrecorded: bool) -> list[str]:
    metrics = actual.metrics
    assert metrics is not None
    said: list[str] = []
    pairs = (
        ("llm_calls", "llm_calls"), ("llm_errors", "llm_errors"), ("num_tool_calls", "tool_calls"),
        ("num_tool_results", "tool_results"), ("num_tool_failures", "tool_failures"),
        ("num_tool_runs_failed", "tool_runs_failed"), ("num_retrievals", "retrievals"),
        ("tokens_complete", "tokens_complete"),
    )  # fmt: skip
    for mine, theirs in pairs:
        said += _equal(theirs, getattr(metrics, mine), thread[theirs])
    tokens = thread["tokens"]
    counted = metrics.input_tokens is not None
    for mine, theirs in (
        ("input_tokens", "input_tokens"), ("output_tokens", "output_tokens"), ("cache_read_tokens", "cache_read"),
        ("cache_write_tokens", "cache_write"), ("reasoning_tokens", "reasoning"),
    ):  # fmt: skip
        said += _equal(f"tokens.{theirs}", getattr(metrics, mine) if counted else 0, tokens[theirs])
    said += _equal("tokens.total", actual.task.total_tokens if counted else 0, tokens["total_tokens"])
    if not counted:
        said += _equal("unknown tokens", (actual.task.total_tokens, metrics.tokens_generated), (None, None))
    if not unrecorded:
        said += _equal(
            "finish_reasons", sorted(map(str, _finishes(actual))), sorted(map(str, thread["finish_reasons"]))
        )
        said += _equal("models", sorted(actual.metadata.get("models", ())), sorted(thread["models"]))
        answered = {one.response_model for one in actual.messages if one.response_model}
        if answered and thread.get("response_model"):
            said += _equal("response_model", answered, {thread["response_model"]})
    return said + _steps(actual)


def _steps(actual: Trajectory) -> list[str]:
    """Every step ends with an answer of the agent, and together they hold each answer once."""
    produced = [step.messages[-1] for step in actual.steps]
    answers = [one for one in actual.messages if one.role is Role.ASSISTANT and one.run_id is not None]
    return _equal("steps produce the answers", produced, answers) + _equal(
        "num_steps", actual.task.num_steps, len(answers)
    )


def _finishes(actual: Trajectory) -> list[str | None]:
    own = [one.finish_reason for one in actual.messages if one.role is Role.ASSISTANT]
    return own + [reason for inner in actual.nested for reason in _finishes(inner)]


def _nested(actual: Trajectory, expected: Sequence[dict[str, Any]]) -> list[str]:
    said = _equal("sub_conversations", len(actual.nested), len(expected))
    if said:
        return said
    mine = sorted(actual.nested, key=lambda one: [(m.role, m.content or "") for m in one.messages][::-1])
    theirs = sorted(expected, key=lambda one: [(m["role"], m.get("content") or "") for m in one["messages"]][::-1])
    for index, (one, truth) in enumerate(zip(mine, theirs, strict=True)):
        messages = one.messages
        if truth["messages"][0]["role"] != "system":  # the truth leaves a sub-agent's own prompt out
            messages = tuple(message for message in messages if message.role is not Role.SYSTEM)
        said += _messages(f"sub[{index}]", messages, [m | {"model": m.get("model")} for m in truth["messages"]])
    return said


def _internal(actual: Trajectory, thread: dict[str, Any]) -> list[str]:
    expected = [(one["turn"], one["content"], one["usage"]) for one in thread.get("internal_llm", ())]
    mine = [
        (one.turn, one.content, one.usage and {name: one.usage.get(name) for name in _USAGE}) for one in actual.internal
    ]
    said = _equal("internal_llm_calls", len(actual.internal), thread["internal_llm_calls"])
    return said or _equal("internal_llm", mine, expected)


def _retrieved(actual: Trajectory, thread: dict[str, Any]) -> list[str]:
    expected = [(one["turn"], one["query"], one["documents"]) for one in thread.get("retrieved", ())]
    mine: list[Any] = []
    for one in actual.retrieved:
        documents = [
            {key: value for key, value in document.items() if key in want} if isinstance(document, dict) else document
            for document, want in zip(one.documents, _wanted(expected, len(mine)), strict=False)
        ]
        mine.append((one.turn, one.query, documents))
    return _equal("retrieved", mine, expected)


def _wanted(expected: list[tuple[Any, Any, Any]], index: int) -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = expected[index][2] if index < len(expected) else []
    return documents
