"""Trajectories out of what chain runs leave behind, in every form the ecosystem has, recorded runs first."""

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from support import corpus
from trajworker.errors import ConfigError
from trajworker.matching import matches
from trajworker.trajectory import TokenUsage, ToolsNotCalled, Trajectory

RESULTS = [
    pytest.param(producer, thread, id=f"{producer}-{thread['dialogue']}")
    for producer in ("lc_create_agent", "lg_graph", "js_langgraph", "deepagents", "lc_anthropic")
    if producer in corpus.producers()
    for thread in corpus.expected(producer)["threads"]
    if thread["turn_status"] == ["success"] and thread["traces"] == 1 and not thread.get("sub_conversations")
    if thread["tool_calls"] == thread["tool_results"]  # out of steps, LangGraph itself takes a call out of its result
]


def result_of(producer: str, trace_id: str) -> Any:
    root = next(run for run in corpus.runs(producer) if run["id"] == trace_id)
    return root["outputs"]


def first_trace(thread: dict[str, Any]) -> str:
    first = thread["trace_ids"][0]
    return str(first[0] if isinstance(first, list) else first)


@pytest.mark.parametrize(("producer", "thread"), RESULTS)
def test_a_recorded_graph_result_gives_the_calls_that_were_made(producer: str, thread: dict[str, Any]) -> None:
    result = result_of(producer, first_trace(thread))
    if not isinstance(result.get("messages"), list):
        pytest.skip("the root of this trace has no messages")
    trajectory = Trajectory.from_chain(result)
    made = [call for message in thread["messages"] for call in message.get("tool_calls") or ()]
    expected = [{"name": call["name"], "arguments": call.get("arguments", call.get("arguments_raw"))} for call in made]
    assert matches(trajectory, expected)
    said = [message["content"] for message in thread["messages"] if message["role"] == "assistant"]
    assert [message.content or "" for message in trajectory.messages if message.role == "assistant"] == [
        text or "" for text in said
    ]
    assert Trajectory.from_map(trajectory.to_map()) == trajectory


HUMAN = {"type": "human", "content": "hi", "id": "h1"}
ASKS = {
    "type": "ai",
    "content": "",
    "id": "a1",
    "tool_calls": [
        {"name": "search", "args": {"q": "x"}, "id": "c1", "type": "tool_call"},
        {"name": "weather", "args": {}, "id": "c2", "type": "tool_call"},
    ],
    "usage_metadata": {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8},
    "response_metadata": {"model_name": "gpt-4", "model_provider": "openai", "finish_reason": "tool_calls"},
}
FOUND = {"type": "tool", "content": "r", "name": "search", "tool_call_id": "c1", "status": "success"}
FAILED = {"type": "tool", "content": "no", "name": "weather", "tool_call_id": "c2", "status": "error"}
DONE = {
    "type": "ai",
    "content": "done",
    "id": "a2",
    "usage_metadata": {"input_tokens": 7, "output_tokens": 1, "total_tokens": 8},
    "response_metadata": {"model_name": "gpt-4", "stop_reason": "end_turn"},
}
MESSAGES = [HUMAN, ASKS, FOUND, FAILED, DONE]
CALLS = [{"name": "search", "arguments": {"q": "x"}}, {"name": "weather", "arguments": {}}]


def constructor(message: dict[str, Any]) -> dict[str, Any]:
    name = {"human": "HumanMessage", "ai": "AIMessage", "tool": "ToolMessage"}[message["type"]]
    return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", name], "kwargs": message}


@dataclass
class Thing:
    """A message object of no library: it only has the fields."""

    type: str
    content: Any
    id: str | None = None
    name: str | None = None
    tool_calls: list[Any] = field(default_factory=list)
    tool_call_id: str | None = None
    status: str | None = None
    usage_metadata: Any = None
    response_metadata: Any = None


class Bare:
    """A message object without even fields that could be listed."""

    def __init__(self, told: dict[str, Any]) -> None:
        vars(self).update(told)


class Dumping:
    """A message object that dumps itself, as pydantic's do."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told

    def model_dump(self) -> dict[str, Any]:
        return self._told


class Snapshot(NamedTuple):
    """LangGraph's StateSnapshot: the state under `values`."""

    values: dict[str, Any]
    next: tuple[str, ...] = ()


class History:
    """A chat history: an object that holds messages."""

    def __init__(self, messages: list[Any]) -> None:
        self.messages = messages


FORMS = {
    "dictionaries": MESSAGES,
    "result": {"messages": MESSAGES, "structured_response": {"a": 1}},
    "constructors": [constructor(message) for message in MESSAGES],
    "enveloped": [{"type": message["type"], "data": message} for message in MESSAGES],
    "dataclasses": [Thing(**message) for message in MESSAGES],
    "bare": tuple(Bare(message) for message in MESSAGES),
    "dumping": [Dumping(message) for message in MESSAGES],
    "snapshot": Snapshot({"messages": MESSAGES}),
    "history": History(MESSAGES),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_langchain_messages_gives_the_same_trajectory(form: str) -> None:
    trajectory = Trajectory.from_chain(FORMS[form])
    assert matches(trajectory, CALLS)
    assert [str(message.role) for message in trajectory.messages] == ["user", "assistant", "tool", "tool", "assistant"]
    assert [message.finish_reason for message in trajectory.messages if message.role == "assistant"] == [
        "tool_calls",
        "stop",
    ]
    assert trajectory.metadata == {"model": "gpt-4", "provider": "openai"}
    assert trajectory.token_usage == TokenUsage(12, 4)
    assert trajectory.calls_by_turn() == [(0, trajectory.tool_calls)]
    assert [len(step.messages) for step in trajectory.steps] == [2, 5]
    metrics = trajectory.metrics
    assert metrics is not None
    assert (metrics.num_tool_calls, metrics.num_tool_failures, metrics.tokens_generated) == (2, 1, 4)
    assert trajectory.task.num_turns == 1


def test_openai_chat_messages_and_completions() -> None:
    said = {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "x"}'}},
            {"id": "c2", "type": "function", "function": {"name": "weather", "arguments": "{broken"}},
        ],
    }
    expected = [CALLS[0], {"name": "weather", "arguments": "{broken"}]
    assert matches([{"role": "user", "content": "hi"}, said], expected)
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-4o-2024",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": said}],
        "usage": {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6},
    }
    trajectory = Trajectory.from_chain(Dumping(completion))
    assert matches(trajectory, expected)
    assert trajectory.metadata == {"model": "gpt-4o-2024"}
    assert trajectory.token_usage == TokenUsage(4, 2)


def test_responses_items_and_answers() -> None:
    items = [
        {"role": "user", "content": "hi"},
        {"type": "reasoning", "id": "r1", "summary": []},
        {"type": "function_call", "call_id": "c1", "name": "search", "arguments": '{"q": "x"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "found"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]},
    ]
    trajectory = Trajectory.from_messages(items)
    assert matches(trajectory, CALLS[:1])
    assert [str(message.role) for message in trajectory.messages] == ["user", "assistant", "tool", "assistant"]
    answer = {"id": "resp_1", "object": "response", "model": "o4", "status": "completed", "output": items[1:3]}
    assert matches(Trajectory.from_chain(answer), CALLS[:1])


def test_anthropic_messages_and_answers() -> None:
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [
            {"type": "text", "text": "ok"},
            {"type": "tool_use", "id": "t1", "name": "search", "input": {"q": "x"}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 3, "output_tokens": 4},
    }
    result = {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "no", "is_error": True}],
    }
    trajectory = Trajectory.from_messages([{"role": "user", "content": "hi"}, answer, result])
    assert matches(trajectory, CALLS[:1])
    assert [(str(message.role), message.content) for message in trajectory.messages] == [
        ("user", "hi"),
        ("assistant", "ok"),
        ("tool", "no"),
    ]
    assert trajectory.messages[1].finish_reason == "tool_calls"
    assert trajectory.metadata == {"model": "claude"}
    assert trajectory.metrics is not None
    assert trajectory.metrics.num_tool_failures == 1
    assert matches(Trajectory.from_chain(answer), CALLS[:1])


class Action(NamedTuple):
    """LangChain's AgentAction as it was before it became a model."""

    tool: str
    tool_input: Any
    log: str = ""


def test_an_executors_steps_become_messages_and_its_history_stays_out() -> None:
    result = {
        "input": "hi",
        "chat_history": [{"type": "human", "content": "before"}],
        "intermediate_steps": [
            (Action("search", {"q": "x"}, "I search"), "found"),
            (Action("weather", {}, "now"), {"c": 12}),
        ],
        "output": "done",
    }
    trajectory = Trajectory.from_chain(result)
    assert matches(trajectory, CALLS)
    assert [(str(message.role), message.content) for message in trajectory.messages] == [
        ("user", "hi"),
        ("assistant", "I search"),
        ("tool", "found"),
        ("assistant", "now"),
        ("tool", '{"c": 12}'),
        ("assistant", "done"),
    ]


def test_actions_asked_for_in_one_message_stay_one_message() -> None:
    actions = [
        {"tool": call["name"], "tool_input": call["args"], "log": "", "message_log": [ASKS], "tool_call_id": call["id"]}
        for call in ASKS["tool_calls"]  # type: ignore[attr-defined]
    ]
    result = {"input": "hi", "intermediate_steps": [(actions[0], "r"), (actions[1], "no")], "output": "done"}
    trajectory = Trajectory.from_chain(result)
    assert trajectory.calls_by_turn() == [(0, trajectory.tool_calls)]
    assert matches(trajectory, CALLS)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"product": "socks", "text": "Toe Rainbow"}, [("assistant", "Toe Rainbow")]),
        ({"question": "why?", "answer": "so"}, [("user", "why?"), ("assistant", "so")]),
        ({"input": "hi", "output": "ho"}, [("user", "hi"), ("assistant", "ho")]),
        ("plain text", [("assistant", "plain text")]),
        ({"role": "user", "content": "hi"}, [("user", "hi")]),
    ],
)
def test_chains_without_messages_give_what_was_asked_and_answered(result: Any, said: list[Any]) -> None:
    trajectory = Trajectory.from_chain(result)
    assert [(str(message.role), message.content) for message in trajectory.messages] == said


def test_what_was_there_before_is_left_out_by_id_or_at_the_beginning() -> None:
    old = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "yes"},
        {"role": "assistant", "content": "a"},
    ]
    new = [{"role": "user", "content": "yes"}, {"role": "assistant", "content": "b"}]
    told = Trajectory.from_chain({"messages": [*old[1:], *new]}, exclude=old)
    assert [message.content for message in told.messages] == ["yes", "b"]
    told = Trajectory.from_chain({"messages": MESSAGES}, exclude=[HUMAN, {"type": "ai", "content": "?", "id": "a1"}])
    assert [message.content for message in told.messages] == ["r", "no", "done"]
    assert Trajectory.from_chain({"messages": new}, exclude=old[:1]).messages == Trajectory.from_messages(new).messages


def called(name: str, call_id: str | None, result: str = "ok") -> list[dict[str, Any]]:
    """A turn in plain messages, as a producer without message ids writes it."""
    call = {"type": "function", "function": {"name": name, "arguments": "{}"}} | ({"id": call_id} if call_id else {})
    return [
        {"role": "user", "content": "delete it"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": result} | ({"tool_call_id": call_id} if call_id else {}),
        {"role": "assistant", "content": "Done."},
    ]


def test_the_same_words_with_another_call_are_said_anew() -> None:
    old, new = called("delete_all", "call_1"), called("delete_all", "call_2")
    for run in (new, [*old, *new], [*old[2:], *new]):
        told = Trajectory.from_chain({"messages": run}, exclude=old)
        assert [call.id for call in told.tool_calls] == ["call_2"]
        assert [message.content or "" for message in told.messages] == ["delete it", "", "ok", "Done."]


@pytest.mark.parametrize("ids", [("call_1", "call_1"), (None, "call_1"), (None, None)])
def test_a_repeated_turn_is_left_out_where_no_id_says_otherwise(ids: tuple[str | None, str | None]) -> None:
    old, again = called("delete_all", ids[0]), called("delete_all", ids[1])
    assert Trajectory.from_chain({"messages": again}, exclude=old).messages == ()


def test_messages_may_come_out_of_a_generator() -> None:
    whole = Trajectory.from_messages(MESSAGES)
    assert Trajectory.from_messages(message for message in MESSAGES) == whole
    assert Trajectory.from_chain(iter(MESSAGES)) == whole
    before = MESSAGES[:1]
    listed = Trajectory.from_chain({"messages": MESSAGES}, exclude=before)
    assert Trajectory.from_chain({"messages": MESSAGES}, exclude=(message for message in before)) == listed
    assert len(listed.messages) == len(whole.messages) - 1


def test_metadata_is_the_callers_and_what_the_messages_tell() -> None:
    class ChatModel:
        model_name = "gpt-5"

    told = Trajectory.from_messages(MESSAGES, metadata=ChatModel()).metadata
    assert told["model"] == "gpt-5"
    assert told["class"].endswith("ChatModel")
    assert Trajectory.from_messages(MESSAGES, metadata={"run": 7, "model": "x"}).metadata == {
        "model": "x",
        "provider": "openai",
        "run": 7,
    }
    assert Trajectory.from_messages([HUMAN]).metadata == {}


def usage(read: int | None, written: int | None, *, cumulative: bool = False) -> dict[str, Any]:
    told = {"input_tokens": read, "output_tokens": written} | ({"cumulative": True} if cumulative else {})
    return {
        "role": "assistant",
        "content": "x",
        "usage_metadata": {name: n for name, n in told.items() if n is not None},
    }


def test_shares_of_tokens_are_summed_too_and_unknown_where_the_tokens_are() -> None:
    details = {"input_token_details": {"cache_read": 30, "cache_creation": 5}, "output_token_details": {"reasoning": 4}}
    told = {"input_tokens": 45, "output_tokens": 9, "total_tokens": 54, **details}
    kept_for = {"input_token_details": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 1}}
    tiers = {"input_tokens": 9, "output_tokens": 1, "total_tokens": 10, **kept_for}
    answers = [Thing(type="ai", content="x", usage_metadata=counts) for counts in (told, tiers)]
    metrics = Trajectory.from_messages([HUMAN, *answers]).metrics
    assert metrics is not None
    assert (metrics.cache_read_tokens, metrics.cache_write_tokens, metrics.reasoning_tokens) == (30, 8, 4)
    untold = Trajectory.from_messages([HUMAN, usage(3, None)]).metrics
    assert untold is not None
    assert (untold.cache_read_tokens, untold.cache_write_tokens, untold.reasoning_tokens) == (0, 0, None)
    nothing = Trajectory.from_messages([HUMAN]).metrics
    assert nothing is not None
    assert (nothing.cache_read_tokens, nothing.cache_write_tokens, nothing.reasoning_tokens) == (None, None, None)


@pytest.mark.parametrize(
    ("told", "complete"),
    [({"input_tokens": 3, "output_tokens": 2}, True), ({"total_tokens": 9}, False), ({"input_tokens": 3}, False)],
)
def test_tokens_are_complete_where_every_answer_tells_both_sides(told: dict[str, int], *, complete: bool) -> None:
    metrics = Trajectory.from_messages([HUMAN, Thing(type="ai", content="x", usage_metadata=told)]).metrics
    assert metrics is not None
    assert metrics.tokens_complete is complete


def test_tokens_are_summed_over_every_message_that_tells_them() -> None:
    assert Trajectory.from_messages([HUMAN]).token_usage is None
    asked = usage(1, 1) | {"role": "user"}
    assert Trajectory.from_messages([asked, usage(10, 5), usage(2, 3)]).token_usage == TokenUsage(13, 9)
    assert Trajectory.from_messages(
        [usage(10, 5), usage(30, 9, cumulative=True), usage(1, 1)]
    ).token_usage == TokenUsage(31, 10)


def test_one_trajectory_of_ours_stays_what_it_is() -> None:
    trajectory = Trajectory.from_messages(MESSAGES)
    assert Trajectory.from_chain(trajectory) is trajectory
    assert Trajectory.from_messages(trajectory.messages).messages == trajectory.messages


def test_exclude_and_metadata_hold_for_a_trajectory_too() -> None:
    whole = Trajectory.from_messages(MESSAGES, {"run": 7})
    both = Trajectory.from_messages(MESSAGES, {"run": 7, "seed": 1})
    assert Trajectory.from_chain(whole, metadata={"seed": 1}) == both
    told = Trajectory.from_chain(whole, exclude=MESSAGES[:3], metadata={"seed": 1})
    assert [message.content for message in told.messages] == ["no", "done"]
    assert told.metadata == {"model": "gpt-4", "provider": "openai", "run": 7, "seed": 1}
    assert len(told.steps) == 1
    assert Trajectory.from_chain(whole, exclude=[{"role": "user", "content": "other words"}]) is whole
    assert Trajectory.from_chain(whole, exclude=whole).messages == ()


@pytest.mark.parametrize("text", ["hi", b"bytes"])
def test_a_text_is_no_messages_to_exclude(text: Any) -> None:
    with pytest.raises(ConfigError, match="exclude is messages, not"):
        Trajectory.from_chain({"messages": MESSAGES}, exclude=text)


@pytest.mark.parametrize("told", [{"messages": MESSAGES}, MESSAGES, json.dumps({"messages": MESSAGES})])
@pytest.mark.parametrize("read", [Trajectory.from_chain, Trajectory.from_messages])
def test_a_result_that_was_written_down_as_json_is_no_answer(told: Any, read: Any) -> None:
    """As one it would be a message without calls."""
    with pytest.raises(ConfigError, match=r"this text is JSON: give what json\.loads makes of it"):
        read(f" {json.dumps(told)}\n")


@pytest.mark.parametrize("nothing", [None, 3, object(), b"bytes"])
def test_what_holds_no_messages_is_refused_with_advice(nothing: Any) -> None:
    with pytest.raises(ConfigError, match="give a chain result, messages"):
        Trajectory.from_chain(nothing)


def test_questions_about_the_order_of_calls() -> None:
    trajectory = Trajectory.from_messages(MESSAGES)
    assert trajectory.called_before("search", "weather")
    assert not trajectory.called_before("weather", "search")
    assert not trajectory.called_before("search", "absent")
    assert [call.id for call in trajectory.calls_by_name("weather")] == ["c2"]
    with pytest.raises(ToolsNotCalled, match="never called: absent"):
        trajectory.called_before("search", "absent", require_both=True)
