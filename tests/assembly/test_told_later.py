"""What was recorded of an answer only in part is told whole by the prompt that goes on from it."""

from typing import Any

import pytest

from support.chat import assistant, result, user
from support.folding import told as read
from support.runs import Recorder
from trajworker.model.run import Run
from trajworker.trajectory import Trajectory

ASKED = user("How warm are Faro and Beja?")
RECORDED = assistant("I look.", ("c1", "look", "{}"), ("c2", "look", '{"city": "Beja"}'), ("c3", "now", "{}"))
TOLD = assistant("I look.", ("c1", "look", '{"city": "Faro"}'), ("c2", "look", '{"city": "beja"}'), ("c3", "now", "{}"))
RESULTS = [result("c1", "21"), result("c2", "30"), result("c3", "noon")]
CALLS = [({"messages": [ASKED]}, RECORDED), ({"messages": [ASKED, TOLD, *RESULTS]}, assistant("21 and 30."))]
WHOLE = [{"city": "Faro"}, {"city": "Beja"}, {}]


def in_one_trace() -> list[list[Run]]:
    record = Recorder()
    root = record.run("chain", {"question": ASKED["content"]}, {"output": "21 and 30."})
    return [[root, *(record.run("llm", given, answer, root) for given, answer in CALLS)]]


def in_a_trace_each() -> list[list[Run]]:
    record = Recorder()
    return [[record.run("llm", given, answer)] for given, answer in CALLS]


def made(trajectory: Trajectory) -> list[dict[str, Any] | None]:
    return [call.arguments for one in trajectory.messages for call in one.tool_calls or ()]


@pytest.mark.parametrize("traces", [in_one_trace(), in_a_trace_each()])
def test_calls_recorded_without_arguments_have_those_that_the_next_prompt_tells(traces: list[list[Run]]) -> None:
    trajectory = read(*traces)
    assert made(trajectory) == WHOLE
    assert [one.tool_response.arguments for one in trajectory.messages if one.tool_response] == WHOLE
    assert [one.role.value for one in trajectory.messages] == ["user", "assistant", *["tool"] * 3, "assistant"]
    assert trajectory.asides == ()


def test_arguments_that_only_a_tool_run_tells_are_not_the_models() -> None:
    record = Recorder()
    call = assistant("", ("c1", "hand_over", "{}"))
    root = record.run("chain", {"question": ASKED["content"]}, {"output": "Done."})
    asking = record.run("llm", {"messages": [ASKED]}, call, root)
    tool = record.run("tool", {"state": "all of it"}, {"output": "Done."}, root, extra={"tool_call_id": "c1"})
    assert made(read([root, asking, tool])) == [{}]


def streamed(words: str, told: str, finish_reason: str | None = "tool_calls") -> Trajectory:
    """A loop over a stream of which only the `words` of the answer were recorded; the next prompt has it as `told`."""
    record = Recorder()
    root = record.run("chain", {"question": ASKED["content"]}, {"output": "21 and 30."})
    kept = {"choices": [{"finish_reason": finish_reason, "message": {"role": "assistant", "content": words}}]}
    asking = record.run("llm", {"messages": [ASKED]}, kept, root)
    ran = record.run("tool", {"city": "Faro"}, {"output": "21"}, root, name="look")
    behind = [assistant(told, ("c1", "look", '{"city": "Faro"}')), result("c1", "21")]
    answer = record.run("llm", {"messages": [ASKED, *behind]}, assistant("21."), root)
    return read([root, asking, ran, answer])


@pytest.mark.parametrize("words", ["", "I look."])
@pytest.mark.parametrize("finish_reason", ["tool_calls", None])
def test_an_answer_that_may_have_ended_for_calls_and_tells_none_has_those_of_the_next_prompt(
    words: str, finish_reason: str | None
) -> None:
    trajectory = streamed(words, words, finish_reason)
    assert [one.role.value for one in trajectory.messages] == ["user", "assistant", "tool", "assistant"]
    assert made(trajectory) == [{"city": "Faro"}]
    asking, ran = trajectory.messages[1:3]
    assert (asking.content or "", asking.finish_reason, asking.run_id is not None) == (words, finish_reason, True)
    assert ran.tool_response is not None
    assert (ran.tool_response.id, ran.tool_response.run_id is not None, ran.flags) == ("c1", True, ())


def test_calls_beside_other_words_are_not_those_that_an_answer_lacks() -> None:
    answer = streamed("I look.", "I ask.").messages[1]
    assert (answer.content, answer.tool_calls) == ("I look.", None)
