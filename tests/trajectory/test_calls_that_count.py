"""Which calls count: the same ones for every question about them, in matching and in the figures."""

from typing import Any

import pytest

from trajworker.matching import matches
from trajworker.trajectory import Trajectory


@pytest.mark.parametrize(
    "said",
    [
        {"role": "user", "content": "like this"},
        {"role": "system", "content": "like this"},
        {"role": "assistant", "content": "", "status": "incomplete"},
        {"role": "assistant", "content": "", "status": "cancelled"},
        {"role": "assistant", "content": "", "status": "length"},
        {"type": "ai", "content": "", "status": "in_progress"},
    ],
)
def test_calls_are_those_of_the_assistants_whole_messages(said: dict[str, Any]) -> None:
    """As in the seed; whoever is asked, the answer is the same."""
    counted = {"role": "assistant", "content": "", "status": "complete", "tool_calls": [{"name": "read", "args": {}}]}
    told = Trajectory.from_messages([said | {"tool_calls": [{"name": "drop", "args": {}, "id": "c"}]}, counted])
    for trajectory in (told, Trajectory.from_map(told.to_map()), Trajectory.from_messages(told.messages)):
        assert [call.name for call in trajectory.tool_calls] == ["read"]
        assert trajectory.calls_by_turn() == [(0, trajectory.tool_calls)]
        assert trajectory.calls_by_name("drop") == []
        assert not trajectory.called_before("drop", "read")
        assert trajectory.metrics is not None
        assert trajectory.metrics.num_tool_calls == 1
        assert matches(trajectory, [{"name": "read", "arguments": {}}])
        assert [call.name for message in trajectory.messages for call in message.tool_calls or ()] == ["drop", "read"]


def test_an_item_of_an_answer_that_broke_off_counts_no_call() -> None:
    items = [
        {"type": "function_call", "call_id": "a", "name": "read", "arguments": "{}", "status": "completed"},
        {"type": "function_call", "call_id": "b", "name": "drop", "arguments": '{"ta', "status": "incomplete"},
    ]
    told = Trajectory.from_messages(items)
    assert [call.name for call in told.tool_calls] == ["read"]
    assert [message.flags for message in told.messages] == [("unanswered",), ("incomplete",)]


def test_edited_calls_of_a_map_leave_those_that_do_not_count_alone() -> None:
    example = {"role": "user", "content": "x", "tool_calls": [{"name": "drop", "args": {}, "id": "c"}]}
    made = {"role": "assistant", "content": "", "tool_calls": [{"name": "read", "args": {"n": 1}, "id": "d"}]}
    stored = Trajectory.from_messages([example, made]).to_map()
    for edited in ([{"name": "read", "arguments": {"n": 2}}], [{"name": "other", "arguments": {}}]):
        restored = Trajectory.from_map(stored | {"tool_calls": edited})
        assert matches(restored, edited)
        assert [call.name for call in restored.messages[0].tool_calls or ()] == ["drop"]
