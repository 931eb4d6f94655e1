"""Messages of a graph's state under any key, and of its stream; what cannot be read is an error, never no messages."""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest

from trajworker.errors import ConfigError
from trajworker.matching import assert_never_called
from trajworker.trajectory import Trajectory
from trajworker.trajectory.chain import trajectory_of_recorded

ASKED = {"type": "human", "content": "hi", "id": "h1"}
CALLS = {"type": "ai", "content": "", "id": "a1", "tool_calls": [{"name": "delete", "args": {}, "id": "c1"}]}
RESULT = {"type": "tool", "content": "ok", "name": "delete", "tool_call_id": "c1", "id": "t1"}
DONE = {"type": "ai", "content": "done", "id": "a2"}
MESSAGES = [ASKED, CALLS, RESULT, DONE]

UPDATES: list[dict[str, Any]] = [
    {"model": {"messages": [CALLS]}},
    {"route": None},
    {"tools": [{"messages": [RESULT]}, {"topic": "x"}]},
    {"model": {"messages": [DONE], "remaining": 2}},
    {"__interrupt__": [{"value": "go on?", "id": "i1"}]},
]
VALUES = [{"messages": MESSAGES[:1]}, {"messages": MESSAGES[:2]}, {"messages": MESSAGES}]
CHUNK = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "x"}}]}


class State(NamedTuple):
    """A state that is an object."""

    chat: list[dict[str, Any]]
    topic: str = "x"


def enveloped(kind: str, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": kind, "ns": (), "data": part} for part in parts]


def said(run: Any) -> list[tuple[str, str | None]]:
    return [(str(message.role), message.content) for message in Trajectory.from_chain(run).messages]


WHOLE = said(MESSAGES)


@pytest.mark.parametrize(
    "state",
    [
        {"chat": MESSAGES},
        State(MESSAGES),
        {"chat": MESSAGES, "answer": "done"},
        {"topic": {"messages": 3}, "chat_history": MESSAGES, "documents": [{"page_content": "x"}]},
        {"output": MESSAGES},
        {"output": {"messages": MESSAGES}},
        {"input": MESSAGES[:1], "output": MESSAGES},
    ],
)
def test_messages_of_a_state_are_found_whatever_their_key(state: Any) -> None:
    assert said(state) == WHOLE


@dataclass
class GraphOutput:
    """What LangGraph's `invoke(..., version="v2")` returns."""

    value: Any
    interrupts: tuple[Any, ...] = ()


ENVELOPES: dict[str, Any] = {
    "an invocation of version 2": GraphOutput({"messages": MESSAGES}),
    "one whose state has another key": GraphOutput({"chat": MESSAGES, "topic": "x"}),
    "a thread of the SDK": {"thread_id": "t", "status": "idle", "values": {"messages": MESSAGES}, "interrupts": {}},
    "a state of the SDK": {
        "values": {"messages": MESSAGES},
        "next": [],
        "tasks": [],
        "metadata": {"writes": {"model": {"messages": [DONE]}}},
    },
    "one update": {"agent": {"messages": MESSAGES}},
    "a run as it was recorded": {"inputs": {"messages": [MESSAGES[:1]]}, "outputs": {"messages": MESSAGES}},
    "an envelope in another": {"data": {"output": {"messages": MESSAGES}}},
    "a trace beside an answer": {"answer": "done", "trace": {"messages": MESSAGES}},
    "a list of none beside it": {"messages": [], "sub": {"messages": MESSAGES}},
    "what was asked beside it": {"input": MESSAGES[:1], "value": {"messages": MESSAGES}},
}


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_messages_of_a_state_in_an_envelope_are_all_of_its_messages(envelope: str) -> None:
    assert said(ENVELOPES[envelope]) == WHOLE
    with pytest.raises(AssertionError, match="delete"):
        assert_never_called(ENVELOPES[envelope], "delete")


def test_an_answer_in_an_envelope_stays_an_answer() -> None:
    assert said({"input": "hi", "output": {"messages": [DONE]}}) == [("user", "hi"), ("assistant", "done")]
    assert said({"status": 200, "body": {"choices": [{"message": {"role": "assistant", "content": "done"}}]}}) == [
        ("assistant", "done")
    ]


@pytest.mark.parametrize(
    "result",
    [
        {"output": json.dumps({"messages": MESSAGES})},
        {"output": [{"messages": MESSAGES}, {"messages": MESSAGES}]},
        {"output": [*MESSAGES, {"foo": 1}]},
        {"output": "done", "result": {"messages": [CALLS]}},
        {
            "model_responses": [{"output": [{"type": "function_call", "name": "delete", "arguments": "{}"}]}],
            "last_model_response": {"output": [{"type": "message", "role": "assistant", "content": "done"}]},
        },
    ],
)
def test_an_answer_beside_which_calls_stand_is_refused(result: Any) -> None:
    with pytest.raises(ConfigError, match=r"calls of delete stand beside the answer .*: give the messages in one list"):
        Trajectory.from_chain(result)


def test_messages_in_two_envelopes_are_not_chosen_from() -> None:
    with pytest.raises(ConfigError, match=r"messages stand under a\.messages, b\.messages"):
        Trajectory.from_chain({"a": {"messages": MESSAGES}, "b": {"messages": MESSAGES[:1]}})


def test_a_history_beside_an_answer_was_there_before() -> None:
    told = said({"question": "why?", "chat_history": MESSAGES, "answer": "so"})
    assert told == [("user", "why?"), ("assistant", "so")]


def test_two_lists_of_messages_in_one_state_are_not_chosen_from() -> None:
    with pytest.raises(ConfigError, match="messages stand under draft, talk: give the list that is meant"):
        Trajectory.from_chain({"talk": MESSAGES, "draft": MESSAGES[:1]})


@pytest.mark.parametrize("parts", [UPDATES, enveloped("updates", UPDATES)])
def test_a_stream_of_updates_is_what_its_nodes_added(parts: list[Any]) -> None:
    assert said(parts) == WHOLE[1:]
    assert said(part for part in parts) == WHOLE[1:]


def test_an_update_that_repeats_a_message_takes_its_place() -> None:
    again = {"model": {"messages": [CALLS, RESULT, DONE | {"content": "all done"}]}}
    assert said([*UPDATES, again]) == [*WHOLE[1:3], ("assistant", "all done")]


@pytest.mark.parametrize(
    "parts", [VALUES, enveloped("values", VALUES), [{"topic": "x"}, {"chat": MESSAGES[:1]}, {"chat": MESSAGES}]]
)
def test_a_stream_of_values_is_its_last_state(parts: list[Any]) -> None:
    assert said(parts) == WHOLE


def test_states_that_do_not_go_on_from_one_another_are_refused() -> None:
    with pytest.raises(ConfigError, match="do not go on from one another"):
        Trajectory.from_chain([{"messages": MESSAGES}, {"messages": MESSAGES[3:]}])


@pytest.mark.parametrize(
    "unread",
    [
        {"a": 1},
        [{"foo": 1}],
        [{"role": "agent", "content": "x", "tool_calls": CALLS["tool_calls"]}],
        {"messages": [ASKED, {"role": "agent", "content": "x", "tool_calls": CALLS["tool_calls"]}]},
        [CHUNK, CHUNK],
        [{"event": "on_chat_model_end", "data": {"output": DONE}}],
        [("values", {"messages": MESSAGES})],
        [((), UPDATES[0])],
        [("sub",), UPDATES[0]],
        enveloped("updates", UPDATES) + enveloped("values", VALUES),
        [{"type": "updates", "ns": ("sub",), "data": UPDATES[0]}],
        [{"id": "x", "name": "model", "input": VALUES[0], "triggers": []}],
    ],
)
@pytest.mark.parametrize("read", [Trajectory.from_chain, Trajectory.from_messages])
def test_what_nobody_can_read_is_refused_with_advice(unread: Any, read: Any) -> None:
    with pytest.raises(ConfigError, match=r"give a chain result, messages.*updates or values in a list"):
        read(unread)


def test_words_of_a_speaker_without_a_known_role_are_kept() -> None:
    critic = {"role": "critic", "content": "too long"}
    told = Trajectory.from_messages([ASKED, critic])
    assert [message.content for message in told.messages] == ["hi", "too long"]
    assert told.messages[1].flags == ("raw",)


def test_what_was_recorded_keeps_raw_what_nobody_can_read() -> None:
    told = trajectory_of_recorded([ASKED, {"foo": 1}])
    assert [message.flags for message in told.messages] == [(), ("raw",)]
    assert told.messages[1].blocks == ({"foo": 1},)
