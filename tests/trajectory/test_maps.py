"""`to_map` and `from_map`: a round trip through JSON loses nothing, and the maps of seed 003 are read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import corpus
from trajworker.errors import ConfigError
from trajworker.matching import matches
from trajworker.model.message import Message, Role, ToolCall, ToolDefinition, ToolResponse
from trajworker.trajectory import (
    ExecutionMetrics,
    Origin,
    Pane,
    Reward,
    RewardComponent,
    Step,
    Task,
    TerminationReason,
    TokenUsage,
    Trajectory,
    TrajectoryMetrics,
    Turn,
)
from trajworker.trajectory.maps import MalformedMap
from trajworker.trajectory.view import MessageView

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
CALLS = st.builds(
    ToolCall,
    name=st.text(),
    arguments=st.none() | st.dictionaries(st.text(), VALUES, max_size=3),
    id=st.none() | st.text(),
)
BROKEN = st.builds(ToolCall, name=st.text(), invalid=st.text(), error=st.none() | st.text())
SPOKEN = st.builds(
    Message,
    role=st.just(Role.ASSISTANT),
    content=st.none() | st.text(),
    tool_calls=st.none() | st.lists(CALLS | BROKEN, min_size=1, max_size=3).map(tuple),
    usage=st.none() | st.just({"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}),
)
HEARD = st.builds(
    Message,
    role=st.sampled_from([Role.USER, Role.TOOL, Role.SYSTEM]),
    content=st.text(),
    blocks=st.none() | st.lists(VALUES, max_size=2).map(tuple),
    tool_response=st.none() | st.builds(ToolResponse, id=st.none() | st.text(), response=VALUES),
)
MESSAGES = st.lists(SPOKEN | HEARD, max_size=6)


def through_json(trajectory: Trajectory) -> Trajectory:
    return Trajectory.from_map(json.loads(json.dumps(trajectory.to_map())))


@given(MESSAGES, st.dictionaries(st.text(), VALUES, max_size=2))
def test_a_round_trip_through_json_loses_nothing(messages: list[Message], metadata: dict[str, Any]) -> None:
    trajectory = Trajectory.from_messages(messages, metadata)
    restored = through_json(trajectory)
    assert restored == trajectory
    assert restored.tool_calls == trajectory.tool_calls
    assert restored.calls_by_turn() == trajectory.calls_by_turn()
    assert restored.token_usage == trajectory.token_usage
    assert through_json(restored).to_map() == trajectory.to_map()
    assert json.loads(json.dumps(trajectory.to_map())) == trajectory.to_map()


def test_every_field_survives() -> None:
    said = Message(role=Role.ASSISTANT, content="a", run_id="r", turn=1, flags=("summary",))
    aside = Message(role=Role.SYSTEM, content="context")
    messages = (Message(role=Role.USER, content="q"), said)
    full = Trajectory(
        task=Task(conversation_id="c", num_turns=1, total_cost=0.5),
        steps=(
            Step(messages=MessageView((*messages, aside), ((0, 2),)), info={"model": "m"}),
            Step(messages=MessageView((*messages, aside), ((2, 3), (0, 1))), reward=Reward(aggregated_value=1.0)),
            Step(messages=[Message(role=Role.USER, content="elsewhere")]),
        ),
        reward=Reward(components=(RewardComponent(name="x", value={"a": [1]}),)),
        metrics=TrajectoryMetrics(steps=3),
        execution_metrics=ExecutionMetrics(total_time=1.5, termination_reason=TerminationReason.ENV_DONE),
        error="boom",
        messages=messages,
        turns=(Turn(trace_ids=("t",), status="error"),),
        tools=(ToolDefinition(name="search", parameters={"type": "object"}),),
        nested=(Trajectory(messages=messages, origin=Origin(tool_call_id="c1")),),
        internal=(aside,),
        asides=(aside,),
        revision=3,
        pane=Pane.LATE,
        complete=False,
        origin=Origin(project="p", trace_ids=("t",)),
        metadata={"model": "m", "own": [1, None]},
    )
    unset = [name for name in full.__struct_fields__ if getattr(full, name) == getattr(Trajectory(), name)]
    assert unset == ["retrieved"]
    assert through_json(full) == full
    assert json.loads(json.dumps(full.to_map())) == full.to_map()


def test_a_map_holds_what_the_seed_holds() -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "search", "arguments": '{"q": 1}'}}]
    said = {
        "role": "assistant",
        "content": "",
        "tool_calls": calls,
        "usage_metadata": {"input_tokens": 1, "output_tokens": 2},
    }
    stored = Trajectory.from_messages([said], {"model": "m"}).to_map()
    assert stored["tool_calls"] == [{"name": "search", "arguments": {"q": 1}}]
    assert stored["token_usage"] == {"input": 1, "output": 2}
    assert stored["metadata"] == {"model": "m"}
    assert [message["role"] for message in stored["messages"]] == ["assistant"]


SEED = {
    "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "", "tool_calls": [{"name": "search", "arguments": {"q": 1}}]},
        {"role": "tool", "content": "", "tool_results": [{"name": "search", "content": "no", "is_error": True}]},
        {"role": "assistant", "content": "sorry"},
    ],
    "tool_calls": [{"name": "search", "arguments": {"q": 1}}],
    "token_usage": {"input": 10, "output": 5},
    "metadata": {"model": "gpt-4", "llm_module": "Elixir.LangChain.ChatModels.ChatOpenAI"},
}


def test_a_map_of_the_seed_becomes_a_whole_trajectory() -> None:
    trajectory = Trajectory.from_map(SEED)
    assert matches(trajectory, [{"name": "search", "arguments": {"q": 1}}])
    assert trajectory.calls_by_turn() == [(0, trajectory.tool_calls)]  # where the original crashes
    assert trajectory.token_usage == TokenUsage(10, 5)
    assert trajectory.metadata["model"] == "gpt-4"
    assert [str(message.role) for message in trajectory.messages] == ["user", "assistant", "tool", "assistant"]
    assert trajectory.metrics is not None
    assert trajectory.metrics.num_tool_failures == 1
    assert through_json(trajectory) == trajectory


def test_messages_that_name_calls_and_results_without_having_any_are_kept() -> None:
    empty = {"tool_calls": [], "tool_results": []}
    every = [{**empty, **message} for message in SEED["messages"]]
    restored, known = (Trajectory.from_map({**SEED, "messages": messages}) for messages in (every, SEED["messages"]))
    assert restored == known
    assert [message.role.value for message in restored.messages] == ["user", "assistant", "tool", "assistant"]


def test_a_message_that_holds_words_and_results_loses_neither() -> None:
    said, answered = SEED["messages"][1], {"tool_results": [{"name": "search", "content": "found"}]}
    restored = Trajectory.from_map({"messages": [{**said, "content": "I look.", **answered}]})
    assert [(message.role.value, message.content) for message in restored.messages] == [
        ("assistant", "I look."),
        ("tool", "found"),
    ]


@pytest.mark.parametrize("edited", [{"name": "search"}, {"name": "search", "arguments": None}])
def test_a_stored_call_without_arguments_accepts_any_as_in_the_seed(edited: dict[str, Any]) -> None:
    expected = Trajectory.from_map(SEED | {"tool_calls": [edited]})
    assert expected.tool_calls[0].arguments is None
    assert matches(Trajectory.from_map(SEED), expected)
    assert not matches(expected, Trajectory.from_map(SEED))
    assert matches(Trajectory.from_map(SEED), through_json(expected))


def test_edited_calls_outweigh_those_of_the_messages() -> None:
    more = [*SEED["tool_calls"], {"name": "delete", "arguments": {}}]  # type: ignore[misc]
    trajectory = Trajectory.from_map(SEED | {"tool_calls": more})
    assert matches(trajectory, more)
    assert [message.content for message in trajectory.messages][:4] == ["hi", "", "no", "sorry"]
    assert not Trajectory.from_map(SEED | {"tool_calls": "nonsense"}).tool_calls


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        (None, None),
        ({"input": None, "output": None}, None),
        ({"input": 3}, TokenUsage(3, None)),
        ({"input_tokens": 3, "output_tokens": 4}, TokenUsage(3, 4)),
    ],
)
def test_half_a_usage_is_kept_and_none_is_none(usage: Any, told: TokenUsage | None) -> None:
    assert Trajectory.from_map({"token_usage": usage}).token_usage == told


def test_a_sparse_map_is_an_empty_trajectory() -> None:
    for stored in ({"messages": []}, {"metadata": {}}, {"messages": None, "metadata": None, "tool_calls": None}):
        assert Trajectory.from_map(stored).tool_calls == []


@pytest.mark.parametrize(
    "stored", [{}, {"foo": 1}, {"error": "not found"}, {"trajectory": {"tool_calls": [{"name": "a"}]}}]
)
def test_an_object_with_none_of_its_keys_is_no_map(stored: Any) -> None:
    """As an empty trajectory it would be an expectation that every superset meets."""
    with pytest.raises(MalformedMap, match="has one of messages, tool_calls, token_usage, metadata, steps; this"):
        Trajectory.from_map(stored)


@pytest.mark.parametrize(
    "stored", [[], "x", {"tool_calls": [{"arguments": {}}]}, {"steps": "x"}, {"steps": [], "messages": [1]}]
)
def test_what_is_no_map_is_refused(stored: Any) -> None:
    with pytest.raises(ConfigError):
        Trajectory.from_map(stored)


@pytest.mark.skipif(not corpus.producers(), reason="the recorded corpus is not beside the checkout")
def test_recorded_messages_survive_as_well() -> None:
    for producer in corpus.producers():
        for run in corpus.runs(producer):
            result = run["outputs"]
            if isinstance(result, dict) and isinstance(result.get("messages"), list):
                trajectory = Trajectory.from_chain(result)
                assert through_json(trajectory) == trajectory
