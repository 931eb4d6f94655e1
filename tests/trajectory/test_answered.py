"""Results in plain messages are linked to the calls they answer, as those of recorded runs are."""

from typing import Any

from trajworker import Trajectory
from trajworker.model.message import Message, ToolResponse


def asked(*calls: tuple[str | None, str, str]) -> dict[str, Any]:
    made = [
        {"id": one, "type": "function", "function": {"name": name, "arguments": given}} for one, name, given in calls
    ]
    return {"role": "assistant", "content": None, "tool_calls": made}


def result(content: str, call_id: str | None = None, **beside: Any) -> dict[str, Any]:
    return {"role": "tool", "content": content, "tool_call_id": call_id, **beside}


def results(*messages: dict[str, Any]) -> list[Message]:
    return [one for one in Trajectory.from_messages(messages).messages if one.tool_response is not None]


def test_a_result_tells_the_name_and_the_arguments_of_its_call() -> None:
    asking = asked(("c1", "look", '{"at": "sea"}'), ("c2", "look", '{"at": "sky"}'))
    second, first = results(asking, result("blue", "c2"), result("grey", "c1"))
    assert second.tool_response == ToolResponse(id="c2", name="look", arguments={"at": "sky"}, response="blue")
    assert first.tool_response == ToolResponse(id="c1", name="look", arguments={"at": "sea"}, response="grey")
    assert (first.name, first.flags, second.flags) == ("look", (), ())


def test_a_failed_result_keeps_its_error_and_no_response() -> None:
    (failed,) = results(asked(("c1", "look", "{}")), result("too dark", "c1", status="error"))
    assert failed.tool_response == ToolResponse(id="c1", name="look", error="too dark")


def test_results_without_ids_answer_calls_of_their_name_in_order() -> None:
    asking = asked((None, "look", '{"at": 1}'), (None, "hear", '{"at": 2}'), (None, "look", '{"at": 3}'))
    told = results(asking, result("a", name="hear"), result("b", name="look"), result("c", name="look"))
    assert [one.tool_response.arguments["at"] for one in told if one.tool_response] == [2, 1, 3]


def test_a_call_without_a_result_and_a_result_without_a_call_are_flagged() -> None:
    trajectory = Trajectory.from_messages([asked(("c1", "look", "{}")), result("x", "c9")])
    assert [one.flags for one in trajectory.messages] == [("unanswered",), ("orphan",)]
    assert trajectory.metrics is not None
    assert (trajectory.metrics.num_tool_calls, trajectory.metrics.num_tool_results) == (1, 1)


def test_an_id_that_is_used_again_is_answered_by_the_next_result() -> None:
    told = results(asked(("c1", "a", "{}")), result("1", "c1"), asked(("c1", "b", "{}")), result("2", "c1"))
    assert [one.tool_response.name for one in told if one.tool_response] == ["a", "b"]
