"""A Trajectory out of what a chain run left behind, whatever library ran it (seed 003: `from_chain`, `from_messages`).

Nothing is imported for it: LangChain and LangGraph results, message objects or their dictionaries, OpenAI, Anthropic
and Responses answers, agent executors' intermediate steps are known by their shape.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from msgspec.structs import replace

from trajworker.dialects import Draft, answer_of
from trajworker.dialects.otel import decoded
from trajworker.dialects.speech import RAW
from trajworker.model.message import Message, Role
from trajworker.trajectory.answered import link_results
from trajworker.trajectory.excluding import without
from trajworker.trajectory.known import known_messages
from trajworker.trajectory.plain import plain, run_through
from trajworker.trajectory.rates import tool_error_rate
from trajworker.trajectory.recorded import provider_of, read_messages
from trajworker.trajectory.states import (
    ANSWERED,
    ASKED,
    FORMS,
    STREAMS,
    NoMessages,
    is_spoken,
    keys_of,
    state_messages,
    streamed_messages,
)
from trajworker.trajectory.stray import refuse_stray_calls
from trajworker.trajectory.tokens import TokenUsage, summed_shares, tells_both_sides
from trajworker.trajectory.trajectory import Step, Task, Trajectory, TrajectoryMetrics
from trajworker.trajectory.view import MessageView

_HISTORIES: Final = ("to_input_list", "new_messages", "all_messages")
_MODEL_NAMES: Final = ("model_name", "model", "model_id", "deployment_name")


def trajectory_from_chain(run: object, exclude: object = (), metadata: object = None) -> Trajectory:
    """The messages a run added. `exclude`: messages that were there before, in any form `run` may have."""
    before = _before(exclude)
    if isinstance(run, Trajectory):
        return _without_before(run, before, metadata)
    items = messages_of(run)
    return _trajectory(items, without(known_messages(items), before), metadata)


def _before(exclude: object) -> list[Draft]:
    if isinstance(exclude, str | bytes):
        raise NoMessages(f"exclude is messages, not {type(exclude).__name__}: {FORMS}")
    return known_messages(messages_of(exclude))


def _without_before(whole: Trajectory, before: list[Draft], metadata: object) -> Trajectory:
    """A trajectory as it is, with metadata of the caller beside its own; a part of it is told by its messages alone."""
    told = whole.metadata if metadata is None else whole.metadata | _metadata(metadata, [], None)
    rest = without(read_messages(whole.messages), before)
    if len(rest) == len(whole.messages):
        return whole if told == whole.metadata else replace(whole, metadata=told)
    return _trajectory(list(whole.messages), rest, told)


def trajectory_from_messages(messages: object, metadata: object = None) -> Trajectory:
    """A Trajectory of exactly these messages. `metadata`: a mapping, or the model object that was asked."""
    items = messages_of(messages)
    return _trajectory(items, known_messages(items), metadata)


def trajectory_of_recorded(messages: list[Any]) -> Trajectory:
    """A Trajectory of messages that were recorded: what no dialect knows is kept raw, as in every import."""
    items = messages_of(messages)
    return _trajectory(items, read_messages(items), None)


def messages_of(run: object) -> list[Any]:
    """Messages of whatever a run left behind; raises NoMessages where it is nothing known.

    A LangChain or LangGraph result (`{"messages": [...]}`, or under another key, or in an envelope), what a graph
    streamed as updates or values, in a list, message objects or their dictionaries, OpenAI, Responses or Anthropic
    messages and answers, an LLMChain's or AgentExecutor's result, an object that has `messages`, a text that is an
    answer. Messages may come in a list, a tuple or a generator.
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
        return [_of_text(run)]
    if isinstance(run, Sequence) and not isinstance(run, bytes) and not hasattr(run, "_asdict"):
        items = [_one(item) for item in run]
        streamed = streamed_messages(items)
        return items if streamed is None else streamed
    value = plain(run)
    if isinstance(value, dict):
        return _of_result(value)
    raise NoMessages(f"no messages in {type(run).__name__}: {FORMS}")


def _of_text(text: str) -> dict[str, Any]:
    """What a chain answered that ends in text; JSON is refused, since it may be a whole result written down."""
    if isinstance(decoded(text.strip()), dict | list):
        said = "[{'role': 'assistant', 'content': text}] where it is what the model said"
        raise NoMessages(f"this text is JSON: give what json.loads makes of it, or {said}")
    return {"role": "assistant", "content": text}


def _one(item: object) -> Any:  # noqa: ANN401 - recorded JSON
    return item if isinstance(item, Message | Draft) else plain(item)


def _of_result(result: dict[str, Any]) -> list[Any]:
    if isinstance(result.get("intermediate_steps"), list) and not isinstance(result.get("messages"), list | dict):
        return _of_executor(result)
    held = state_messages(result)
    if held is not None:
        return held
    return [result] if is_spoken(result) else _of_answer(result)


def _of_answer(result: dict[str, Any]) -> list[Any]:
    """A model's raw answer, or a chain's input and output."""
    asked = next((result[name] for name in ASKED if isinstance(result.get(name), str)), None)
    answer = answer_of(result)
    draft = answer.draft
    if draft is None or RAW in draft.flags:
        raise NoMessages(f"no messages in a result with the keys {keys_of(result)}: {FORMS}; {STREAMS}")
    refuse_stray_calls(result, draft)
    if draft.usage is None:
        draft.usage = answer.usage
    if draft.response_model is None:
        draft.response_model = answer.model
    return [*([{"role": "user", "content": asked}] if asked is not None else []), draft]


def _of_executor(result: dict[str, Any]) -> list[Any]:
    """An AgentExecutor's result: `chat_history` was there before, so it is not part of the run."""
    asked = next((result[name] for name in ASKED if name in result), None)
    items: list[Any] = [] if asked is None else [{"role": "user", "content": asked}]
    steps = [step for step in result["intermediate_steps"] if isinstance(step, list) and len(step) > 1]
    for log, together in groupby(steps, key=lambda step: step[0].get("message_log") or step[0].get("log")):
        actions = list(together)
        items.append(_asking_message(log, [action for action, *_ in actions]))
        items += [_observation(action, observed) for action, observed, *_ in actions]
    answered = next((result[name] for name in ANSWERED if result.get(name) is not None), None)
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


def _trajectory(items: list[Any], drafts: list[Draft], metadata: object) -> Trajectory:
    link_results(drafts)
    turn = 0
    for draft in drafts:
        turn += draft.role is Role.USER
        draft.turn = turn
    messages = tuple(draft.seal() for draft in drafts)
    return assembled(messages, _metadata(metadata, drafts, provider_of(items)))


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
