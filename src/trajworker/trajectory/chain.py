"""A Trajectory out of what a chain run left behind, whatever library ran it (seed 003: `from_chain`, `from_messages`).

Nothing is imported for it: LangChain and LangGraph results, message objects or their dictionaries, OpenAI, Anthropic
and Responses answers, agent executors' intermediate steps are known by their shape.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from trajworker.dialects import Draft, answer_of, digest
from trajworker.errors import ConfigError
from trajworker.model.message import Message, Role
from trajworker.trajectory.answered import link_results
from trajworker.trajectory.plain import plain, run_through
from trajworker.trajectory.rates import tool_error_rate
from trajworker.trajectory.recorded import provider_of, read_messages
from trajworker.trajectory.tokens import TokenUsage, summed_shares, tells_both_sides
from trajworker.trajectory.trajectory import Step, Task, Trajectory, TrajectoryMetrics
from trajworker.trajectory.view import MessageView

_ASKED: Final = ("input", "question", "query", "prompt")
_ANSWERED: Final = ("output", "answer", "result", "response", "text")
_HISTORIES: Final = ("to_input_list", "new_messages", "all_messages")
_MODEL_NAMES: Final = ("model_name", "model", "model_id", "deployment_name")


class NoMessages(ConfigError, TypeError):
    """What was given holds no messages; the message says what may be given."""


def trajectory_from_chain(run: object, exclude: object = (), metadata: object = None) -> Trajectory:
    """The messages a run added. `exclude`: messages that were there before, in any form `run` may have."""
    if isinstance(run, Trajectory):
        return run
    items = messages_of(run)
    drafts = _without(read_messages(items), read_messages(messages_of(exclude)))
    return _trajectory(drafts, _metadata(metadata, drafts, provider_of(items)))


def trajectory_from_messages(messages: object, metadata: object = None) -> Trajectory:
    """A Trajectory of exactly these messages. `metadata`: a mapping, or the model object that was asked."""
    items = messages_of(messages)
    drafts = read_messages(items)
    return _trajectory(drafts, _metadata(metadata, drafts, provider_of(items)))


def messages_of(run: object) -> list[Any]:
    """Messages of whatever a run left behind; raises NoMessages where it is nothing known.

    A LangChain or LangGraph result (`{"messages": [...]}`), message objects or their dictionaries, OpenAI, Responses or
    Anthropic messages and answers, an LLMChain's or AgentExecutor's result, an object that has `messages`. Messages may
    come in a list, a tuple or a generator.
    """
    if isinstance(run, Trajectory):
        return list(run.messages)
    run = run_through(run)
    for name in _HISTORIES:
        method = getattr(run, name, None)
        if callable(method) and not isinstance(run, type):
            return messages_of(method())
    for name in ("values", "messages"):
        held = getattr(run, name, None)
        if isinstance(held, Mapping) or (isinstance(held, Sequence) and not isinstance(held, str)):
            return messages_of(held)
    if isinstance(run, str):
        return [{"role": "assistant", "content": run}]
    if isinstance(run, Sequence) and not isinstance(run, bytes) and not hasattr(run, "_asdict"):
        return [_one(item) for item in run]
    value = plain(run)
    if isinstance(value, dict):
        return _of_result(value)
    raise NoMessages(f"no messages in {type(run).__name__}: give a chain result, messages, or {{'messages': [...]}}")


def _one(item: object) -> Any:  # noqa: ANN401 - recorded JSON
    return item if isinstance(item, Message | Draft) else plain(item)


def _of_result(result: dict[str, Any]) -> list[Any]:
    held = result.get("messages")
    if isinstance(held, list):
        return held
    if isinstance(held, dict):
        return [held]
    if isinstance(result.get("intermediate_steps"), list):
        return _of_executor(result)
    if "role" in result or "lc" in result or ("type" in result and "content" in result):
        return [result]
    return _of_answer(result)


def _of_answer(result: dict[str, Any]) -> list[Any]:
    """A model's raw answer, or a chain's input and output."""
    asked = next((result[name] for name in _ASKED if isinstance(result.get(name), str)), None)
    answer = answer_of(result)
    if answer.draft is None:
        raise NoMessages(f"no messages in a result with the keys {', '.join(sorted(result))}")
    draft = answer.draft
    if draft.usage is None:
        draft.usage = answer.usage
    if draft.response_model is None:
        draft.response_model = answer.model
    return [*([{"role": "user", "content": asked}] if asked is not None else []), draft]


def _of_executor(result: dict[str, Any]) -> list[Any]:
    """An AgentExecutor's result: `chat_history` was there before, so it is not part of the run."""
    asked = next((result[name] for name in _ASKED if name in result), None)
    items: list[Any] = [] if asked is None else [{"role": "user", "content": asked}]
    steps = [step for step in result["intermediate_steps"] if isinstance(step, list) and len(step) > 1]
    for log, together in groupby(steps, key=lambda step: step[0].get("message_log") or step[0].get("log")):
        actions = list(together)
        items.append(_asking_message(log, [action for action, *_ in actions]))
        items += [_observation(action, observed) for action, observed, *_ in actions]
    answered = next((result[name] for name in _ANSWERED if result.get(name) is not None), None)
    return items if answered is None else [*items, {"role": "assistant", "content": answered}]


def _asking_message(log: Any, actions: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - recorded JSON
    """The message with which the agent asked for these actions: the recorded one, else one made of them."""
    if isinstance(log, list) and log:
        return log[-1]
    calls = [
        {"name": action.get("tool"), "args": action.get("tool_input"), "id": action.get("tool_call_id")}
        for action in actions
    ]
    return {"role": "assistant", "content": log or None, "tool_calls": calls}


def _observation(action: dict[str, Any], observed: Any) -> dict[str, Any]:  # noqa: ANN401 - recorded JSON
    return {
        "role": "tool",
        "name": action.get("tool"),
        "tool_call_id": action.get("tool_call_id"),
        "content": observed,
    }


def _without(drafts: list[Draft], before: list[Draft]) -> list[Draft]:
    """Drop what was there before: by id wherever it stands, else at the beginning, in order."""
    ids = {draft.id for draft in before if draft.id}
    waiting = list(before)
    kept: list[Draft] = []
    for draft in drafts:
        if draft.id is not None and draft.id in ids:
            continue
        at = next((index for index, old in enumerate(waiting) if _same(draft, old)), None) if not kept else None
        if at is None:
            kept.append(draft)
        else:
            del waiting[: at + 1]
    return kept


def _same(draft: Draft, old: Draft) -> bool:
    return not (draft.id and old.id) and digest(draft) == digest(old)


def _metadata(given: object, drafts: list[Draft], provider: str | None) -> dict[str, Any]:
    model = next((draft.response_model for draft in reversed(drafts) if draft.response_model), None)
    found = {"model": model, "provider": provider}
    metadata = {name: value for name, value in found.items() if value is not None}
    if given is None:
        return metadata
    if isinstance(given, Mapping):
        return metadata | {str(name): plain(value) for name, value in given.items()}
    named = next((getattr(given, name) for name in _MODEL_NAMES if isinstance(getattr(given, name, None), str)), None)
    kind = type(given)
    return metadata | ({"model": named} if named else {}) | {"class": f"{kind.__module__}.{kind.__qualname__}"}


def _trajectory(drafts: list[Draft], metadata: dict[str, Any]) -> Trajectory:
    link_results(drafts)
    turn = 0
    for draft in drafts:
        turn += draft.role is Role.USER
        draft.turn = turn
    messages = tuple(draft.seal() for draft in drafts)
    return assembled(messages, metadata)


def assembled(messages: tuple[Message, ...], metadata: dict[str, Any]) -> Trajectory:
    """A Trajectory around messages: a step for each answer of the model, and the figures that messages can tell."""
    steps = tuple(
        Step(messages=MessageView(messages, ((0, index + 1),)))
        for index, message in enumerate(messages)
        if message.role is Role.ASSISTANT
    )
    bare = Trajectory(messages=messages, steps=steps, metadata=metadata)
    usage = bare.token_usage
    known = usage is not None and usage.input is not None and usage.output is not None
    return Trajectory(
        task=Task(
            num_turns=sum(message.role is Role.USER for message in messages),
            num_steps=len(steps),
            total_tokens=(usage.input or 0) + (usage.output or 0) if usage is not None and known else None,
        ),
        steps=steps,
        metrics=_metrics(bare),
        messages=messages,
        metadata=metadata,
    )


def _metrics(trajectory: Trajectory) -> TrajectoryMetrics:
    usage = trajectory.token_usage or TokenUsage()
    shares = summed_shares(trajectory.messages)
    calls = len(trajectory.tool_calls)
    answers = [message.tool_response for message in trajectory.messages if message.tool_response is not None]
    failures = sum(answer.error is not None for answer in answers)
    spoken = [message for message in trajectory.messages if message.role is Role.ASSISTANT]
    return TrajectoryMetrics(
        steps=len(trajectory.steps),
        tokens_generated=usage.output,
        num_tool_calls=calls,
        num_tool_failures=failures,
        num_tool_results=len(answers),
        tool_error_rate=tool_error_rate(failures, calls, len(answers)),
        llm_calls=len(spoken),
        input_tokens=usage.input,
        output_tokens=usage.output,
        cache_read_tokens=None if usage.input is None else shares.cache_read,
        cache_write_tokens=None if usage.input is None else shares.cache_write,
        reasoning_tokens=None if usage.output is None else shares.reasoning,
        tokens_complete=all(tells_both_sides(message.usage) for message in spoken) if spoken else None,
    )
