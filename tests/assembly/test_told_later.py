"""What was recorded of an answer only in part is told whole by the prompt that goes on from it."""

from typing import Any

import pytest

from support.chat import assistant, result, user
from support.folding import told
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
    trajectory = told(*traces)
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
    assert made(told([root, asking, tool])) == [{}]
