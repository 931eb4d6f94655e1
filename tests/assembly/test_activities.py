"""Durable workflows (Temporal and its like) record each model call and each tool as a trace of its own."""

from typing import Any

from support.chat import assistant, result, user
from support.folding import fold_all
from support.runs import Recorder
from trajworker.assembly import Header, assemble
from trajworker.model.message import ToolResponse
from trajworker.model.run import Run
from trajworker.trajectory import Trajectory

ASKED = [user("Lift the Tern")]
CALLING = assistant("", ("c1", "crane", '{"n": 2}'))


def workflow(*attempts: tuple[Any, str | None], said: str | None = None) -> Trajectory:
    """A turn whose tool was tried with these outcomes: outputs, and the error of those that failed.

    `said` is what a model was told of it.
    """
    record = Recorder()

    def model(prompt: list[dict[str, Any]], answer: dict[str, Any]) -> list[Run]:
        root = record.run("chain", {"messages": prompt}, answer, name="activity.call_model")
        return [root, record.run("llm", {"messages": prompt}, answer, root)]

    given = {"name": "crane", "arguments": {"n": 2}}
    traces = [model(ASKED, CALLING)]
    traces += [[record.run("tool", given, out, name="activity.run_tool", error=error)] for out, error in attempts]
    if said is not None:
        traces.append(model([*ASKED, CALLING, result("c1", said)], assistant("So it is.")))
    return assemble(fold_all(traces), Header(conversation_id="t"))


def results(trajectory: Trajectory) -> list[ToolResponse]:
    return [one.tool_response for one in trajectory.messages if one.tool_response is not None]


def test_a_tool_in_a_trace_of_its_own_bears_the_name_that_a_dispatcher_was_given() -> None:
    trajectory = workflow(({"output": "done"}, None), said="done")
    assert [(one.id, one.name, one.response) for one in results(trajectory)] == [("c1", "crane", "done")]
    assert trajectory.task.num_turns == 1
    assert not any(one.flags for one in trajectory.messages)


def test_a_tool_that_failed_in_a_trace_of_its_own_may_be_tried_again() -> None:
    trajectory = workflow((None, "TimeoutError('busy')"), ({"output": "done"}, None), said="done")
    assert [(one.response, one.error) for one in results(trajectory)] == [("done", None)]
    assert trajectory.task.num_turns == 1


def test_a_tool_that_nobody_tried_again_leaves_its_call_without_a_result_and_the_turn_with_its_error() -> None:
    trajectory = workflow((None, "TimeoutError('busy')"))
    assert not results(trajectory)
    assert "busy" in (trajectory.turns[-1].error or "")


def test_a_failure_that_the_model_was_told_of_is_one() -> None:
    (told,) = results(workflow((None, "TimeoutError('busy')"), said="Sorry."))
    assert (told.id, told.error) == ("c1", "TimeoutError: busy")
