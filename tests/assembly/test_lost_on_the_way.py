"""What SDKs and wrappers lose, repeat or write in other words on the way into a trace."""

from typing import Any

import pytest
from msgspec import structs

from support.chat import assistant, result, system, user, words_of
from support.folding import told
from support.runs import Recorder
from trajworker.model.run import Run

ASKED = user("How warm is Faro?")
LOOKING = assistant("", ("c1", "look", '{"city": "Faro"}'))
NOTHING = user("")


def roles(traces: list[list[Run]]) -> list[str]:
    return [message.role.value for message in told(*traces).messages]


@pytest.mark.parametrize("asked_with", [[ASKED], [system("You are a guide."), ASKED]])
def test_an_empty_message_behind_a_call_is_its_lost_result_and_no_turn(asked_with: list[dict[str, Any]]) -> None:
    record = Recorder()
    asking = record.run("llm", {"messages": asked_with}, LOOKING)
    unrendered = [*asked_with, {"role": "assistant", "content": ""}, NOTHING]
    answering = record.run("llm", {"messages": unrendered}, assistant("21."))
    trajectory = told([asking], [answering])
    assert [message.role.value for message in trajectory.messages][-3:] == ["user", "assistant", "assistant"]
    assert len(trajectory.turns) == 1


@pytest.mark.parametrize("given", [{"q": "What colour is it?"}, {"question": "What colour is it?", "path": "a.pdf"}])
def test_words_that_a_wrapper_could_not_render_are_the_roots(given: dict[str, str]) -> None:
    record = Recorder()
    root = record.run("chain", given, {"output": "Blue."})
    trajectory = told([root, record.run("llm", {"messages": [NOTHING]}, assistant("Blue."), root)])
    assert words_of(trajectory) == ["What colour is it?", "Blue."]
    assert trajectory.messages[0].rendered is None


def test_a_tool_that_ran_inside_a_call_gave_its_result_before_the_answer() -> None:
    record = Recorder()
    root = record.run("chain", {"question": ASKED["content"]}, {"output": "21 degrees."})
    call = record.run("llm", {"messages": [ASKED]}, assistant("21 degrees."), root)
    ran = record.run("tool", {"city": "Faro"}, {"output": "21"}, call, name="look")
    around = structs.replace(call, end_time=ran.end_time)
    assert words_of(told([root, around, ran])) == [ASKED["content"], "21", "21 degrees."]


@pytest.mark.parametrize("mine", ["Ode.", "Elegy."])
def test_answers_that_a_batch_gave_in_other_traces_are_not_this_ones(mine: str) -> None:
    answers = [{"type": "ai", "content": words, "id": f"a-{words}"} for words in ("Ode.", "Elegy.")]
    record = Recorder()
    root = record.run("chain", {"question": "Sing."}, {"output": answers}, name="RunnableSequence")
    trajectory = told([root, record.run("llm", {"messages": [user("Sing.")]}, assistant(mine), root)])
    assert words_of(trajectory) == ["Sing.", mine]


def test_words_that_an_app_puts_behind_an_answer_in_its_state_are_told() -> None:
    state = [{"type": "human", "content": "Sing."}, *({"type": "ai", "content": words} for words in ("Ode.", "Bye."))]
    record = Recorder()
    root = record.run("chain", {"messages": state[:1]}, {"messages": state})
    trajectory = told([root, record.run("llm", {"messages": [user("Sing.")]}, assistant("Ode."), root)])
    assert words_of(trajectory) == ["Sing.", "Ode.", "Bye."]


@pytest.mark.parametrize(
    "outputs",
    [
        {"outputs": ["21", "30"]},
        {"outputs": [result("c1", "21"), result("c2", "30")]},
        {"results": [{"id": "c1", "output": "21"}, {"id": "c2", "output": "30"}]},
        {"c1": "21", "c2": "30"},
    ],
)
def test_a_run_that_carried_out_several_calls_is_no_result_beside_theirs(outputs: dict[str, Any]) -> None:
    calls = assistant("", ("c1", "look", '{"city": "Faro"}'), ("c2", "look", '{"city": "Beja"}'))
    record = Recorder()
    root = record.run("chain", {"question": ASKED["content"]}, {"output": "21 and 30."})
    asking = record.run("llm", {"messages": [ASKED]}, calls, root)
    ran = record.run("tool", {"input": calls["tool_calls"]}, outputs, root, name="tools")
    behind = [ASKED, calls, result("c1", "21"), result("c2", "30")]
    answering = record.run("llm", {"messages": behind}, assistant("21 and 30."), root)
    assert roles([[root, asking, ran, answering]]) == ["user", "assistant", "tool", "tool", "assistant"]


def test_a_system_prompt_among_the_options_of_an_sdk_is_told() -> None:
    record = Recorder()
    given = {"messages": [ASKED], "options": {"systemPrompt": "You are a guide.", "maxTurns": 6}}
    root = record.run("chain", given, {"output": "21."}, name="claude.conversation")
    trajectory = told([root, record.run("llm", {"messages": [ASKED]}, assistant("21."), root)])
    assert [message.content for message in trajectory.messages] == ["You are a guide.", ASKED["content"], "21."]


@pytest.mark.parametrize(
    ("said", "written"),
    [("🎉 “ok”\n\n| a |\n|---|", "[{'text': '🎉 “ok”\\n\\n| a |\\n|---|', 'type': 'text', 'index': 0}]"), ("", "[]")],
)
def test_an_answer_whose_blocks_were_written_as_python_writes_a_list_was_said_once(said: str, written: str) -> None:
    record = Recorder()
    blocks = [{"type": "text", "text": said, "index": 0}] if said else []
    back = {"output": blocks, "messages": [{"type": "ai", "content": written}]}
    root = record.run("chain", {"input": ASKED["content"], "chat_history": []}, back, name="AgentExecutor")
    message = {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "AIMessageChunk"]}
    answer = {"generations": [[{"text": said, "message": message | {"kwargs": {"content": blocks, "id": "run-1"}}}]]}
    trajectory = told([root, record.run("llm", {"messages": [system("Be brief."), ASKED]}, answer, root)])
    assert [message.content or "" for message in trajectory.messages] == ["Be brief.", ASKED["content"], said]
    assert trajectory.internal == ()


def test_a_list_that_a_model_was_asked_for_stays_as_it_said_it() -> None:
    listed = '[{"type": "text", "text": "Faro"}]'
    record = Recorder()
    root = record.run("chain", {"messages": [ASKED]}, {"messages": [ASKED, assistant(listed)]})
    trajectory = told([root, record.run("llm", {"messages": [ASKED]}, assistant(listed), root)])
    assert words_of(trajectory) == [ASKED["content"], listed]


def broken_off(failed: str) -> list[Run]:
    """A loop that ended with a failure, though its root succeeded: of the tool, or of the model behind it."""
    record = Recorder()
    root = record.run("chain", {"question": ASKED["content"]}, {"output": None})
    asking = record.run("llm", {"messages": [ASKED]}, LOOKING, root)
    if failed == "tool":
        return [root, asking, record.run("tool", {"city": "Faro"}, None, root, name="look", error="boom")]
    ran = record.run("tool", {"city": "Faro"}, {"output": "21"}, root, name="look")
    prompt = {"messages": [ASKED, LOOKING, result("c1", "21")]}
    return [root, asking, ran, record.run("llm", prompt, None, root, error="boom")]


@pytest.mark.parametrize("failed", ["tool", "model"])
def test_a_turn_that_ends_with_a_failure_failed_though_its_root_succeeded(failed: str) -> None:
    (turn,) = told(broken_off(failed)).turns
    assert (turn.status, turn.error) == ("error", "boom")


def test_a_turn_in_which_an_app_speaks_behind_a_failure_is_a_success() -> None:
    root, *others = broken_off("model")
    record = Recorder()
    kept = record.run("chain", {"question": ASKED["content"]}, {"output": "Sorry, I cannot see it."})
    assert root.id == kept.id
    (turn,) = told([kept, *others]).turns
    assert turn.status == "success"


def test_answers_of_one_placeholder_id_are_several_agents() -> None:
    def response(words: str) -> dict[str, Any]:
        said = {"id": "__fake_id__", "type": "message", "role": "assistant"}
        item = said | {"content": [{"type": "output_text", "text": words, "annotations": []}]}
        return {"id": "__fake_id__", "object": "response", "output": [item]}

    record = Recorder()
    root = record.run("chain", {"input": [user("A story of rust")]}, response("Iron wept."))
    outlining = [system("You outline."), user("A story of rust")]
    first = record.run("llm", {"input": outlining}, response("Iron weeps."), root)
    writing = [system("You write stories."), user("Iron weeps.")]
    second = record.run("llm", {"input": writing}, response("Iron wept."), root)
    trajectory = told([root, first, second])
    assert [message.content for message in trajectory.messages] == [
        "You write stories.",
        "A story of rust",
        "Iron wept.",
    ]
    assert len(trajectory.internal) == 1


def test_an_answer_that_was_recorded_as_the_http_answer_it_came_in_is_the_roots() -> None:
    record = Recorder()
    root = record.run("chain", {"question": ASKED["content"]}, {"reply": "21."})
    raw = {"output": "<APIResponse [200 OK] type=<class 'openai.types.chat.chat_completion.ChatCompletion'>>"}
    assert words_of(told([root, record.run("llm", {"messages": [ASKED]}, raw, root)])) == [ASKED["content"], "21."]
